"""
The symbols that a program calls and the loader will not find in the platform's libraries.

elf.py checks symbols with a version by that version. A symbol without a version may be in any library that is loaded;
glibc gives a version to each of its own symbols.

Source: glibc's elf/dl-lookup.c (do_lookup_x, do_lookup_unversioned); musl's ldso/dynlink.c (do_relocs).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.origin import dynamic_import_causes
from pytest_golink.loader.obstacles import Obstacle
from pytest_golink.platforms.musl import is_of_some_musls, musl_has
from pytest_golink.platforms.symbols import glibc_libraries, is_in_any_glibc, library_has
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts, ImportedSymbol
    from pytest_golink.loader.elf_search import Loaded
    from pytest_golink.platforms import Platform

# musl itself serves as each of these, whatever follows the name: "libc.so.6" and "libpthread.so.0" too.
# Source: musl's ldso/dynlink.c, load_library: the reserved names.
MUSL_ITSELF = re.compile(r"lib(c|pthread|rt|m|dl|util|xnet)\.")
# glibc's libraries that need only each other.
_GLIBC_ITSELF = frozenset(
    {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libutil.so.1"}
)
_LIBC = "libc.so.6"


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """The libraries of a program: those beside it, by name, those of the base system, and the missing ones."""

    shipped: Mapping[str, Loaded] = field(default_factory=dict)
    base: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()

    @property
    def exports(self) -> frozenset[str]:
        """The symbols that the libraries beside the program define."""
        return frozenset().union(*(library.exports for library in self.shipped.values()))


def symbol_obstacles(facts: BinaryFacts, present: Present, platform: Platform, goarch: str) -> Iterator[Obstacle]:
    """Yield the symbols that the loader does not find, and those of which golink cannot know it."""
    if platform.libc not in ("glibc", "musl"):
        return
    exports = present.exports
    loose = [
        each
        for each in facts.imports
        if each.version is None and not each.weak and each.name not in exports and each.library not in present.shipped
    ]
    others = _others(facts, present, platform)
    if platform.libc == "glibc" and platform.libc_version is not None:
        yield from _undeclared(facts, loose, present, platform.libc_version, certain=not others and not present.shipped)
        loose = [each for each in loose if not is_in_any_glibc(each.name)]
    elif platform.libc == "musl":
        version = platform.libc_version or "0"
        loose = [each for each in loose if not musl_has(each.name, version, goarch) and not is_of_some_musls(each.name)]
    else:
        return
    # The program that loads a library may define what it calls; so may a library that is not there.
    if facts.kind == "executable" and not present.lost:
        yield from _without_version(facts, [each.name for each in loose], others, platform)
        yield from _of_shipped(facts, present, platform)


def _others(facts: BinaryFacts, present: Present, platform: Platform) -> tuple[str, ...]:
    """Return the libraries other than the loader and the C library's own."""
    loader = (facts.interpreter or "").rpartition("/")[2]
    rest = sorted(name for name in present.base | present.lost if name != loader)
    if platform.libc == "musl":
        return tuple(name for name in rest if not MUSL_ITSELF.match(name))
    return tuple(name for name in rest if name not in _GLIBC_ITSELF)


def _undeclared(
    facts: BinaryFacts, loose: list[ImportedSymbol], present: Present, version: str, *, certain: bool
) -> Iterator[Obstacle]:
    """Yield unversioned symbols that are in a library of glibc that is not loaded, or only in a newer glibc."""
    missing: dict[str, list[str]] = {}
    newer = []
    for symbol in loose:
        libraries = glibc_libraries(symbol.name, version)
        if not libraries:
            if is_in_any_glibc(symbol.name):
                newer.append(symbol.name)
        elif not {*libraries} & (present.base | present.lost) and libraries != (_LIBC,):
            missing.setdefault(libraries[0], []).append(symbol.name)
    for library, names in missing.items():
        yield Obstacle(
            text=f"calls {listed(names, most=3)} without needing {library}, where glibc {version} has it",
            cause=tuple(dynamic_import_causes(facts)),
            remedy=(f"link with -l{library.removeprefix('lib').partition('.')[0]}",),
            certain=certain,
        )
    for names, at_start in zip(_bound(facts, newer, musl=False), (True, False), strict=True):
        if names:
            yield Obstacle(
                text=f"calls {listed(names, most=3)}, which glibc {version} does not have"
                + ("" if at_start else ": the first call fails"),
                cause=tuple(dynamic_import_causes(facts)),
                remedy=("build on a system as old as that platform",),
                certain=certain,
                caution=not at_start,
            )


def _without_version(
    facts: BinaryFacts, names: list[str], others: tuple[str, ...], platform: Platform
) -> Iterator[Obstacle]:
    """Yield the symbols that neither the C library nor a library beside the program has."""
    at_start, later = _bound(facts, names, musl=platform.libc == "musl")
    for found, certain in ((at_start, True), (later, False)):
        lost: list[str] = []
        unknown: list[str] = []
        asked: dict[str, None] = {}
        for name in found:
            answers = {library: library_has(library, name, platform.name) for library in others}
            if True in answers.values():
                continue
            doubtful = [library for library, has in answers.items() if has is None]
            (unknown if doubtful else lost).append(name)
            asked |= dict.fromkeys(doubtful)
        if lost:
            first = "" if certain else ": the first call fails"
            yield Obstacle(
                text=f"calls {listed(lost, most=3)}, which no library there has{first}",
                caution=not certain,
                remedy=(
                    "link it against the libraries of that platform",
                    "or ship the libraries that it was linked with",
                ),
            )
        if unknown:
            yield Obstacle(
                text=f"calls {listed(unknown, most=3)}: whether {listed(list(asked), most=3)} of {platform.name} has "
                f"{'it' if len(unknown) == 1 else 'them'} is not known here",
                caution=True,
            )


def _of_shipped(facts: BinaryFacts, present: Present, platform: Platform) -> Iterator[Obstacle]:
    """Yield the symbols bound to a library beside the program that does not have them."""
    exports = present.exports
    names = [
        each.name
        for each in facts.imports
        if each.library in present.shipped and not each.weak and each.name not in exports
    ]
    at_start, later = _bound(facts, names, musl=platform.libc == "musl")
    for found, certain in ((at_start, True), (later, False)):
        if found:
            text = f"calls {listed(found, most=3)}, which no library beside the image has"
            yield Obstacle(text=text, certain=certain, remedy=("ship the libraries that it was linked with",))


def _bound(facts: BinaryFacts, names: list[str], *, musl: bool) -> tuple[list[str], list[str]]:
    """Return which of the names the loader looks up before the program starts, and which at the first call."""
    loading = facts.loading
    if musl:
        bound = None if loading is None or loading.bound is None else {*loading.bound, *(loading.lazy or ())}
        return [name for name in names if bound is None or name in bound], []
    if loading is None or loading.bound is None:
        now = facts.hardening.relro == "full"
        return (names, []) if now else ([], names)
    lazy = {*(loading.lazy or ())}
    at_start = {*loading.bound, *(lazy if loading.now else ())}
    return [name for name in names if name in at_start], [name for name in names if name in lazy - at_start]
