"""Why an image is linked as it is: the causes that the image itself shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.text.words import listed
from pytest_golink.traits import always_dynamic, is_plain_pie, is_race, own_cgo_packages, setting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_golink.facts import BinaryFacts, ImportedSymbol


def cgo_causes(facts: BinaryFacts) -> list[str]:
    """Return how runtime/cgo got into the image; nothing where it is not there."""
    if not facts.cgo.used:
        return []
    hidden = facts.cgo.from_source or ()
    own = tuple(package for package in own_cgo_packages(facts) if package not in hidden)
    lines = []
    if own:
        verb = "uses cgo: its wrappers are" if len(own) == 1 else "use cgo: their wrappers are"
        lines.append(f"{listed(_with_main_path(facts, own))} {verb} in the image, and runtime/cgo with them")
    if hidden:
        verb = "has C without" if len(hidden) == 1 else "have C without"
        what = "a constructor, a variable, or a function whose address is taken"
        lines.append(f"{listed(_with_main_path(facts, hidden))} {verb} a wrapper in the image: {what}")
    if lines:
        return lines
    if is_race(facts):
        return ["-race links C code in, and runtime/cgo with it"]
    if "external" in setting(facts, "-ldflags"):
        return ["-linkmode external links runtime/cgo in, though no package has cgo wrappers in the image"]
    if facts.link_mode == "external":
        what = "a package whose C has none (a constructor, a function's address), or -linkmode external, does it"
        return [f"runtime/cgo is linked in, though no package has cgo wrappers in the image: {what}"]
    # net.ParseCIDR is enough: importing net imports runtime/cgo, and the linker drops wrappers that nothing reaches.
    return ["runtime/cgo is linked in, by a package such as net or os/user whose cgo wrappers nothing reaches"]


def _with_main_path(facts: BinaryFacts, packages: tuple[str, ...]) -> list[str]:
    # Every program has a package called main; its import path tells which.
    path = facts.go.path if facts.go else None
    return [f"main ({path})" if package == "main" and path else package for package in packages]


def dynamic_import_causes(
    facts: BinaryFacts, *, of: Callable[[ImportedSymbol], bool] = lambda _symbol: True
) -> list[str]:
    """Return what //go:cgo_import_dynamic imports without cgo; `of` leaves out what is not at issue."""
    libraries: dict[str | None, list[str]] = {}
    for symbol in filter(of, facts.cgo.dynamic_imports):
        libraries.setdefault(symbol.library, []).append(symbol.name)
    return [
        f"//go:cgo_import_dynamic imports {listed(names)}{f' from {library}' if library else ''} without cgo"
        for library, names in libraries.items()
    ]


def dynamic_causes(facts: BinaryFacts) -> tuple[str, ...]:
    """Return why an image is dynamic; nothing where the image does not show it."""
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


def libc_causes(facts: BinaryFacts) -> Sequence[str]:
    """Return why an image loads a libc; on Windows the system is not its libc, and only C loads one."""
    return cgo_causes(facts) if facts.format == "pe" else dynamic_causes(facts)
