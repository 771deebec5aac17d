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
