"""Why an image is linked as it is: the causes that the image itself shows."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_golink.facts import BinaryFacts, ImportedSymbol

RUNTIME_CGO = "runtime/cgo"

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
        "openbsd": "a program on OpenBSD calls the system through libc",
        "solaris": "a program on Solaris calls the system through libc",
        "windows": "a program on Windows calls the system through its DLLs",
    }
)


def always_dynamic(facts: BinaryFacts) -> str | None:
    """Say why no program of the image's platform can be static, None where one can."""
    if facts.target is not None:
        return _ALWAYS_DYNAMIC.get(facts.target.goos)
    # Without a target the format still tells.
    return {"macho": _ALWAYS_DYNAMIC["darwin"], "pe": _ALWAYS_DYNAMIC["windows"], "xcoff": _ALWAYS_DYNAMIC["aix"]}.get(
        facts.format
    )


def own_cgo_packages(facts: BinaryFacts) -> tuple[str, ...]:
    """Give the packages with cgo wrappers, without runtime/cgo, which comes with any of them."""
    return tuple(package for package in facts.cgo.packages if package != RUNTIME_CGO)


def setting(facts: BinaryFacts, name: str) -> str:
    """Give a build setting, "" where the image does not record it."""
    return facts.go.settings.get(name, "") if facts.go else ""


def uses_boring(facts: BinaryFacts) -> bool:
    """Whether BoringCrypto is linked in; with cgo off it silently is not (golang/go#68588)."""
    return any(package.startswith("crypto/internal/boring") for package in facts.cgo.packages)


def is_race(facts: BinaryFacts) -> bool:
    """Whether the build was asked for -race, which needs cgo."""
    return setting(facts, "-race") == "true"


def cgo_causes(facts: BinaryFacts) -> list[str]:
    """Say how runtime/cgo got into the image; nothing where it is not there."""
    if not facts.cgo.used:
        return []
    own = own_cgo_packages(facts)
    if own:
        verb = "uses cgo: its wrappers are" if len(own) == 1 else "use cgo: their wrappers are"
        return [f"{listed(_with_main_path(facts, own))} {verb} in the image, and runtime/cgo with them"]
    if is_race(facts):
        return ["-race links C code in, and runtime/cgo with it"]
    if "external" in setting(facts, "-ldflags"):
        return ["-linkmode external links runtime/cgo in, though no package has cgo wrappers in the image"]
    if facts.link_mode == "external":
        return ["runtime/cgo is linked in by the external link, though no package has cgo wrappers in the image"]
    # net.ParseCIDR is enough: importing net imports runtime/cgo, and the linker drops wrappers that nothing reaches.
    return ["runtime/cgo is linked in, by a package such as net or os/user whose cgo wrappers nothing reaches"]


def _with_main_path(facts: BinaryFacts, packages: tuple[str, ...]) -> list[str]:
    # Every program has a package called main; its import path tells which.
    path = facts.go.path if facts.go else None
    return [f"main ({path})" if package == "main" and path else package for package in packages]


def dynamic_import_causes(
    facts: BinaryFacts, *, of: Callable[[ImportedSymbol], bool] = lambda _symbol: True
) -> list[str]:
    """Name what //go:cgo_import_dynamic imports without cgo; `of` leaves out what is not at issue."""
    libraries: dict[str | None, list[str]] = {}
    for symbol in filter(of, facts.cgo.dynamic_imports):
        libraries.setdefault(symbol.library, []).append(symbol.name)
    return [
        f"//go:cgo_import_dynamic imports {listed(names)}{f' from {library}' if library else ''} without cgo"
        for library, names in libraries.items()
    ]


def is_plain_pie(facts: BinaryFacts) -> bool:
    """Whether -buildmode=pie alone gave the image its interpreter: no library is needed, and cgo is not linked in."""
    return bool(facts.format == "elf" and facts.hardening.pie and facts.needs_loader_only and facts.cgo.used is False)


def dynamic_causes(facts: BinaryFacts) -> tuple[str, ...]:
    """Say why an image is dynamic; nothing where the image does not show it."""
    platform = always_dynamic(facts)
    if platform:
        return (platform,)
    causes = cgo_causes(facts) + dynamic_import_causes(facts)
    if facts.kind == "shared-library":
        causes.insert(0, "a shared library is loaded by another image, together with all that it needs")
    elif is_plain_pie(facts):
        causes.append("-buildmode=pie makes Go name an interpreter even without cgo")
    if not causes and facts.go is None:
        causes.append("Go did not make this image: its own linker line decides")
    return tuple(causes)
