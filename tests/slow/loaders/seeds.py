"""Images to change: small programs that print "started", of C and of Go, by several linkers, in each linkage."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_C = """
#include <stdio.h>
#include <math.h>
static int (*print)(const char *) = puts;
__thread int counter;
int main(int count, char **arguments) { counter = count; return print(sqrt(count) > 0 ? "started" : "odd") < 0; }
"""
_GO = 'package main\n\nfunc main() { print("started\\n") }\n'
_CGO = """
package main

// int answer(void) { return 42; }
import "C"

func main() { C.answer(); print("started\\n") }
"""
_GCC = {
    "c-lazy": ("-no-pie", "-Wl,-z,lazy", "-Wl,-z,norelro", "-lm"),
    "c-now": ("-fPIE", "-pie", "-Wl,-z,now", "-lm"),
    "c-relr": ("-fPIE", "-pie", "-Wl,-z,pack-relative-relocs", "-lm"),
    "c-both": ("-fPIE", "-pie", "-Wl,--hash-style=both", "-lm"),
    "c-static": ("-static", "-lm"),
    "c-static-pie": ("-static-pie", "-lm"),
    "c-gold": ("-fPIE", "-pie", "-fuse-ld=gold", "-lm"),
}
_GO_MODES = {
    "go-static": (_GO, "0", ()),
    "go-pie": (_GO, "0", ("-buildmode=pie",)),
    "go-cgo": (_CGO, "1", ("-ldflags=-linkmode=internal",)),
    "go-external": (_CGO, "1", ("-ldflags=-linkmode=external",)),
}


# By linkers that are not on every machine: Debian's lld and mold, unpacked; zig's own lld.
_LINKERS = {
    "c-lld": ("lld", ("-fPIE", "-pie", "-lm")),
    "c-lld-lazy": ("lld", ("-no-pie", "-Wl,-z,lazy", "-Wl,-z,norelro", "-lm")),
    "c-lld-static": ("lld", ("-static", "-lm")),
    "c-mold": ("mold", ("-fPIE", "-pie", "-lm")),
    "c-mold-lazy": ("mold", ("-no-pie", "-Wl,-z,lazy", "-lm")),
    "c-mold-static": ("mold", ("-static", "-lm")),
}
_ZIG = {"c-zig": ("-target", "x86_64-linux-gnu.2.28", "-lm"), "c-zig-static": ("-target", "x86_64-linux-musl", "-lm")}

# By musl's own loader: dynamic ones only.
_MUSL = {"musl": (), "musl-now": ("-Wl,-z,now",), "musl-lazy": ("-no-pie", "-Wl,-z,lazy")}


def make_musl_seeds(folder: Path) -> dict[str, bytes]:
    """Build each image for musl, or take what was built before."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "program.c"
    source.write_text(_C)
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-musl", "-dynamic", "-O1", "-lm"]
    for name, flags in _MUSL.items():
        image = folder / name
        if not image.exists():
            subprocess.run([*compiler, str(source), *flags, "-o", str(image)], check=True, capture_output=True)
    return {name: (folder / name).read_bytes() for name in _MUSL}


def make_seeds(folder: Path, *, go: bool = True) -> dict[str, bytes]:
    """Build each image, or take what was built before."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "program.c"
    source.write_text(_C)
    for name, flags in _GCC.items():
        image = folder / name
        if not image.exists():
            subprocess.run(["gcc", "-O1", str(source), *flags, "-o", str(image)], check=True, capture_output=True)
    for name, (text, cgo, flags) in _GO_MODES.items() if go else ():
        _build_go(folder, name, text, cgo, flags)
    names = [*_GCC, *(_GO_MODES if go else ())]
    return {name: (folder / name).read_bytes() for name in names}


def make_linker_seeds(folder: Path, tools: Path) -> dict[str, bytes]:
    """Build each image with linkers of an unpacked package, and with zig's, or take what was built before."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "program.c"
    source.write_text(_C)
    libraries = {each.parent.resolve() for each in tools.rglob("lib*.so*")}
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, sorted(libraries)))}
    for name, (linker, flags) in _LINKERS.items():
        # gcc calls ld.lld and ld.mold of the folder that it is told.
        place = folder / linker
        place.mkdir(exist_ok=True)
        if not (place / f"ld.{linker}").exists():
            found = sorted(each for each in tools.rglob(f"ld.{linker}*") if os.access(each, os.X_OK))[-1]
            (place / f"ld.{linker}").symlink_to(found.resolve())
        _compile(
            folder / name, source, ["gcc", "-O1", f"-B{place.absolute()}", f"-fuse-ld={linker}"], flags, environment
        )
    for name, flags in _ZIG.items():
        _compile(folder / name, source, [sys.executable, "-m", "ziglang", "cc", "-O1"], flags, None)
    return {name: (folder / name).read_bytes() for name in (*_LINKERS, *_ZIG)}


def _compile(
    image: Path, source: Path, compiler: list[str], flags: tuple[str, ...], environment: dict[str, str] | None
) -> None:
    if not image.exists():
        command = [*compiler, str(source), *flags, "-o", str(image)]
        subprocess.run(command, check=True, capture_output=True, env=environment)


def _build_go(folder: Path, name: str, text: str, cgo: str, flags: tuple[str, ...]) -> None:
    place = folder / f"{name}.d"
    if (folder / name).exists():
        return
    place.mkdir(exist_ok=True)
    (place / "go.mod").write_text("module example.com/started\n\ngo 1.20\n")
    (place / "main.go").write_text(text)
    environment = {**os.environ, "CGO_ENABLED": cgo, "GOFLAGS": ""}
    command = ["go", "build", "-trimpath", *flags, "-o", str((folder / name).absolute()), "."]
    subprocess.run(command, check=True, cwd=place, env=environment, capture_output=True)
