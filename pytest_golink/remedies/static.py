"""
Every way in which a program does without a libc at run time.

In their order: those that keep all C and all behaviour, those that exchange an implementation at a known price, and
those that take C away.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.builder.options import BuildOptions
from pytest_golink.findings import BuildChange, Loss, Remedy
from pytest_golink.remedies.cgo_off import why_cgo_is_needed, without_cgo, words_without_cgo
from pytest_golink.remedies.compilers import zig_cc
from pytest_golink.remedies.linker_flags import linkmode_of
from pytest_golink.remedies.tags import PRICES, TAGS, linked_in, tags_for, tags_without_dlopen
from pytest_golink.traits import (
    always_dynamic,
    is_plain_pie,
    is_race,
    opens_libraries,
    own_cgo_packages,
    setting,
    uses_boring,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_golink.facts import BinaryFacts

EXTERNAL_STATIC = "-ldflags '-linkmode external -extldflags \"-static\"'"
EXTERNAL_STATIC_PIE = EXTERNAL_STATIC.replace("-static", "-static-pie")
STATIC_PIE = "CGO_ENABLED=1 -buildmode=pie -ldflags '-linkmode external -extldflags \"-static-pie\"'"
OPENS_LIBRARIES = "none: the program opens libraries with dlopen, and a static program has no loader to open them with"

COMPILER_PRICE = "the build needs a C compiler"
_NO_OPTIONS = BuildOptions()
_EXE: Mapping[str, object] = MappingProxyType({"buildmode": "exe"})
_INSIDE_PRICE = "libc is inside: its fixes come with a new build"
_FIXED_ADDRESS_PRICE = "the program itself is loaded at a fixed address"
_MUSL_PRICE = "musl's resolver and allocator in place of glibc's"


def described(words: str, remedies: Iterable[Remedy]) -> Iterator[Remedy]:
    """Yield remedies of which the first one has these words; they stand by themselves where there is none."""
    for number, remedy in enumerate(remedies):
        yield remedy if number or not words else replace(remedy, words=words)
        words = ""
    if words:
        yield Remedy(words=words)


def without_words(remedies: Iterable[Remedy]) -> Iterator[Remedy]:
    """Yield the remedies that change the build, for a text that has other words."""
    return (replace(remedy, words="") for remedy in remedies if remedy.change is not None)


def names_interpreter_as_pie(facts: BinaryFacts) -> bool:
    """Return whether -buildmode=pie gives an image an interpreter that it would not have otherwise."""
    return facts.format == "elf" and bool(facts.hardening.pie) and always_dynamic(facts) is None


def calls_dlopen_itself(facts: BinaryFacts) -> bool:
    """Return whether Go code opens libraries while the program runs: through package plugin, cgo, or without cgo."""
    if "plugin" in facts.cgo.packages or any("dlopen" in calls for _, calls in facts.cgo.calls):
        return True
    if any(symbol.name == "dlopen" for symbol in facts.cgo.dynamic_imports):
        return True
    # Packages that take only its address have no wrapper in the image: then no other package's C explains it.
    foreign = [package for package in own_cgo_packages(facts) if package not in TAGS]
    return opens_libraries(facts) and (bool(facts.content.importers) or not foreign)


def _needs_a_loader(facts: BinaryFacts, options: BuildOptions) -> bool:
    """Return whether the program opens libraries while it runs, and no tag keeps it from that."""
    if not opens_libraries(facts):
        return "plugin" in facts.cgo.packages
    return calls_dlopen_itself(facts) or not tags_without_dlopen(own_cgo_packages(facts), options)[0]


def ways(facts: BinaryFacts, options: BuildOptions, *, pie: bool) -> Iterator[Remedy]:
    """Yield every way to do without libc at run time: the lines of a text in their order, trials by rank."""
    if facts.cgo.used:
        yield from _ways_with_cgo(facts, options, pie=pie)
    elif facts.cgo.used is None:
        # Whether C is linked in is unknown: trials tell, a text does not guess.
        yield from without_words(_ways_with_cgo(facts, options, pie=pie))
    else:
        yield from _ways_without_cgo(facts, pie=pie)


def _ways_with_cgo(facts: BinaryFacts, options: BuildOptions, *, pie: bool) -> Iterator[Remedy]:
    own = own_cgo_packages(facts)
    if "plugin" in own:
        yield Remedy(words="none for a program that opens plugins: a static one has no loader to open them with")
    elif calls_dlopen_itself(facts):
        yield Remedy(words=OPENS_LIBRARIES)
        return
    yield from with_tags(facts, options, pie=pie)
    if (
        all(package in TAGS for package in own)
        or "plugin" in own
        or uses_boring(facts)
        or _needs_a_loader(facts, options)
    ):
        yield from turn_cgo_off(facts, options, pie=pie)
        yield from _link_libc_in(facts, options, pie=pie, either="or ")
    else:
        yield from _link_libc_in(facts, options, pie=pie)
        yield from turn_cgo_off(facts, options, pie=pie, either="or " if _words_of_static_libc(facts) else "")


def with_tags(facts: BinaryFacts, options: BuildOptions, *, pie: bool, external: bool = False) -> Iterator[Remedy]:
    """
    Yield the tags that keep net and os/user off C, where no other package needs it.

    Args:
        facts: The image.
        options: Its build.
        pie: Whether the image must not name the interpreter of a PIE.
        external: Whether they help in an external link too, which brings runtime/cgo in by itself.
    """
    tags, prices = tags_for(linked_in(facts), options)
    if not tags or not all(package in TAGS for package in own_cgo_packages(facts)) or is_race(facts):
        return
    if linkmode_of(options) == "external" and not external:
        return
    # The line about CGO_ENABLED=0 names the tags too.
    added = {"tags": tags}
    if pie:
        change = BuildChange(options=_EXE, added=added)
        yield Remedy(weight=2, change=change, prices=(*prices, _FIXED_ADDRESS_PRICE), loss=Loss.EXCHANGED)
    else:
        yield Remedy(weight=1, change=BuildChange(added=added), prices=prices, loss=Loss.EXCHANGED)


def _ways_without_cgo(facts: BinaryFacts, *, pie: bool) -> Iterator[Remedy]:
    if pie:
        words = "build without -buildmode=pie" if is_plain_pie(facts) else ""
        yield Remedy(weight=2, change=BuildChange(options=_EXE), words=words, prices=(_FIXED_ADDRESS_PRICE,))
        if words and facts.target is not None and facts.target.goos == "linux":
            change = BuildChange(
                options={"cgo": True, "linkmode": "external"},
                added={"extldflags": ("-static-pie",)},
                dropped={"extldflags": ("-static",)},
            )
            words = f"or a static-pie, with a C compiler: {STATIC_PIE}"
            yield Remedy(weight=4, change=change, words=words, prices=(COMPILER_PRICE, _INSIDE_PRICE))
    if facts.cgo.dynamic_imports:
        yield Remedy(
            words="no flag: build without the package that has this directive (-ldflags=-d makes it a link error)"
        )


def turn_cgo_off(facts: BinaryFacts, options: BuildOptions, *, pie: bool, either: str = "") -> Iterator[Remedy]:
    """Yield the build with cgo off, and without the PIE that would name an interpreter; or why there is none."""
    if reason := why_cgo_is_needed(facts, options):
        yield Remedy(words="" if either else f"none: {reason}")
        return
    own = own_cgo_packages(facts)
    off, lost, loss = without_cgo(facts, options)
    plugin = "with CGO_ENABLED=0 package plugin builds, and plugin.Open always fails"
    words = plugin if "plugin" in own else f"{'' if uses_boring(facts) else either}{words_without_cgo(facts)}"
    named = setting(facts, "-buildmode") == "pie" and "plugin" not in own and not uses_boring(facts)
    if pie:
        off, lost = {**off, **_EXE}, (*lost, _FIXED_ADDRESS_PRICE)
    yield Remedy(weight=3 if pie else 2, change=BuildChange(options=off), words=words, prices=lost, loss=loss)
    yield Remedy(words="and without -buildmode=pie, which names an interpreter by itself" if named else "")


def _link_libc_in(facts: BinaryFacts, options: BuildOptions, *, pie: bool, either: str = "") -> Iterator[Remedy]:
    """Yield the static links to libc; a text names them only where it is not enough to leave C out."""
    words = _words_of_static_libc(facts)
    words = f"{either}{words}" if words and not words.startswith("none") else words
    if facts.target is None or facts.target.goos != "linux" or _needs_a_loader(facts, options):
        yield Remedy(words=words)
        return
    own = own_cgo_packages(facts)
    tags, prices = tags_for(linked_in(facts), options)
    loss = Loss.EXCHANGED if tags else Loss.NOTHING
    without, lost = tags_without_dlopen(own, options) if opens_libraries(facts) else ((), ())
    if without:
        tags, prices, loss = (*tags, *without), (*prices, *lost), Loss.EXCHANGED
    yield from described(words, _links(facts, options, tags, (prices, loss), pie=pie, named=bool(words)))


def _links(
    facts: BinaryFacts,
    options: BuildOptions,
    tags: tuple[str, ...],
    lost: tuple[tuple[str, ...], Loss],
    *,
    pie: bool,
    named: bool,
) -> Iterator[Remedy]:
    prices, loss = lost[0] + (_INSIDE_PRICE,), lost[1]
    exchanged = max(loss, Loss.EXCHANGED)
    external = _external(facts, options)
    tagged = {"tags": tags} if tags else {}
    static = {"extldflags": ("-static",)}
    other = {"extldflags": ("-static-pie",)}
    if pie:
        change = BuildChange(options=external, added={**tagged, "extldflags": ("-static-pie",)}, dropped=static)
        yield Remedy(weight=4, change=change, prices=prices, loss=loss)
        prices, loss, external = (*prices, _FIXED_ADDRESS_PRICE), exchanged, {**external, **_EXE}
    change = BuildChange(options=external, added={**tagged, **static}, dropped=other)
    yield Remedy(weight=5 if pie else 4, change=change, prices=prices, loss=loss)
    if musl := zig_cc(facts, "musl"):
        # musl has its own resolver, which needs no tag.
        other_tags = tuple(tag for tag in tags if tag not in TAGS.values())
        added = {**({"tags": other_tags} if other_tags else {}), **static}
        change = BuildChange(options={**external, "cc": musl}, added=added, dropped=other)
        kept = tuple(price for price in prices if price not in PRICES.values())
        words = f'or link musl in: CC="{musl}" CGO_ENABLED=1 {EXTERNAL_STATIC}' if named else ""
        yield Remedy(weight=7, change=change, words=words, prices=(*kept, _MUSL_PRICE), loss=exchanged)


def _external(facts: BinaryFacts, options: BuildOptions) -> dict[str, object]:
    """Return the options that make the C linker link the program, where it does not by itself."""
    found: dict[str, object] = {}
    if facts.cgo.used is not True:
        found["cgo"] = True
    by_itself = facts.cgo.used is True and facts.link_mode == "external"
    if not by_itself and linkmode_of(options) != "external":
        found["linkmode"] = "external"
    return found


def _words_of_static_libc(facts: BinaryFacts) -> str:
    own = own_cgo_packages(facts)
    plain = all(package in TAGS for package in own)
    if "plugin" in own or (plain and (facts.link_mode == "internal" or is_race(facts))):
        return ""
    if not plain and _needs_a_loader(facts, _NO_OPTIONS):
        return "none else for C that calls dlopen: a static image has no loader to open libraries with"
    # Without the tags glibc's name-service functions come with it, and load shared libraries all the same.
    tags = [TAGS[package] for package in own if package in TAGS]
    tags += tags_without_dlopen(own, _NO_OPTIONS)[0] if opens_libraries(facts) else ()
    flags = f"-tags {','.join(tags)} " if tags else ""
    # A PIE that is linked with -static is not one any more.
    pie = names_interpreter_as_pie(facts) and setting(facts, "-buildmode") == "pie"
    return f"link libc in: {flags}{EXTERNAL_STATIC_PIE if pie else EXTERNAL_STATIC}"
