"""What follows from an image's facts, for every stage that comes after them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_golink.facts import BinaryFacts

RUNTIME_CGO = "runtime/cgo"
# The version of glibc's symbols for its own libraries: it fits only the very glibc that it was linked with.
GLIBC_PRIVATE = "GLIBC_PRIVATE"

# What the C code of runtime/cgo, and cgo's wrappers, offer in every library that a C linker made, as globs.
# Source: Go 1.27's src/runtime/cgo/*.c and *.h, src/cmd/cgo/out.go.
EXPORTED_BY_CGO = ("_cgo*", "x_cgo_*", "x_crosscall2_ptr", "crosscall*", "fatalf", "threadentry")

# Systems whose programs always go through a shared library of the system, and which.
# Source: Go's runtime/sys_darwin.go, sys_openbsd.go, os3_solaris.go, os2_aix.go, os_windows.go; on Android Go names
# the system's loader even where it needs no library (cmd/link/internal/ld/elf.go).
_ALWAYS_DYNAMIC: Mapping[str, str] = MappingProxyType(
    {
        "aix": "a program on AIX calls the system through libc.a",
        "android": "a program on Android is started by the system's loader",
        "darwin": "a program on macOS calls the system through libSystem",
        "illumos": "a program on illumos calls the system through libc",
        "ios": "a program on iOS calls the system through libSystem",
        "js": "a WebAssembly module of js calls its host, Go's wasm_exec.js, through imports",
        "openbsd": "a program on OpenBSD calls the system through libc",
        "solaris": "a program on Solaris calls the system through libc",
        "wasip1": "a WebAssembly module of wasip1 calls its WASI host through imports",
        "windows": "a program on Windows calls the system through its DLLs",
    }
)


def always_dynamic(facts: BinaryFacts) -> str | None:
    """Return why no program of the image's platform can be static, None where one can."""
    if facts.target is not None:
        return _ALWAYS_DYNAMIC.get(facts.target.goos)
    # Without a target the format still tells.
    return {"macho": _ALWAYS_DYNAMIC["darwin"], "pe": _ALWAYS_DYNAMIC["windows"], "xcoff": _ALWAYS_DYNAMIC["aix"]}.get(
        facts.format
    )


def may_be_go(facts: BinaryFacts) -> bool:
    """Whether Go built the image, or something hides whether it did, as a packer does."""
    content = facts.content
    return facts.go is not None or any((content.pclntab, content.startup, content.damage, content.packed))


def own_cgo_packages(facts: BinaryFacts) -> tuple[str, ...]:
    """Return the packages with cgo wrappers, without runtime/cgo, which comes with any of them."""
    return tuple(package for package in facts.cgo.packages if package != RUNTIME_CGO)


def setting(facts: BinaryFacts, name: str) -> str:
    """Return a build setting, "" where the image does not record it."""
    return facts.go.settings.get(name, "") if facts.go else ""


def uses_boring(facts: BinaryFacts) -> bool:
    """Whether BoringCrypto is linked in; with cgo off it silently is not (golang/go#68588)."""
    return any(package.startswith("crypto/internal/boring") for package in facts.cgo.packages)


def is_race(facts: BinaryFacts) -> bool:
    """Whether the build had -race, which needs cgo."""
    return setting(facts, "-race") == "true"


def is_plain_pie(facts: BinaryFacts) -> bool:
    """Whether only -buildmode=pie gave the image its interpreter: no library is needed, and cgo is not linked in."""
    return bool(facts.format == "elf" and facts.hardening.pie and facts.needs_loader_only and facts.cgo.used is False)


def matching(facts: BinaryFacts, names: Iterable[str], globs: Iterable[str]) -> list[str]:
    """Return the names that one of the globs matches; without case on PE, as its loader compares."""
    fold = str.lower if facts.format == "pe" else str
    patterns = [fold(glob) for glob in globs]
    return [name for name in names if any(fnmatchcase(fold(name), pattern) for pattern in patterns)]


def opens_libraries(facts: BinaryFacts) -> bool:
    """Return whether the program, or C in it, may open libraries while it runs."""
    # A static image has no loader to open them with; musl's dlopen links into one, and always fails.
    return any(symbol.name == "dlopen" for symbol in facts.imports) or "dlopen" in facts.static_name_service


def main_module(facts: BinaryFacts) -> str:
    """Return the path of the main module; "" where it has none, or another module's path begins with it."""
    if facts.go is None or facts.go.module is None:
        return ""
    path = facts.go.module.path
    return "" if any(each.path.startswith(f"{path}/") for each in facts.go.modules) else path
