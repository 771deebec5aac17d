"""Remedies for C that is linked in, or is not: leave libc, link it in, load an older one, turn cgo on."""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.builder.options import BuildOptions
from pytest_golink.diagnosis.linkage import linked_externally
from pytest_golink.findings import BuildChange, Remedy
from pytest_golink.platforms.system_libraries import names_outside_system, system_words
from pytest_golink.remedies.compilers import zig_cc
from pytest_golink.remedies.tags import PRICES, TAGS, with_tags
from pytest_golink.text.words import listed
from pytest_golink.traits import (
    GLIBC_PRIVATE,
    always_dynamic,
    is_plain_pie,
    is_race,
    own_cgo_packages,
    setting,
    uses_boring,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_golink.case import Case
    from pytest_golink.facts import BinaryFacts

EXTERNAL_STATIC = "-ldflags '-linkmode external -extldflags \"-static\"'"
STATIC_PIE = "CGO_ENABLED=1 -buildmode=pie -ldflags '-linkmode external -extldflags \"-static-pie\"'"

_EXE: Mapping[str, object] = MappingProxyType({"buildmode": "exe"})
_RACE_PRICE = "data races are not detected"
_INSIDE_PRICE = "libc is inside: its fixes come with a new build"
_FIXED_ADDRESS_PRICE = "the program itself is loaded at a fixed address"
_LOADED_PRICE = "libc is loaded at run time, no older than the one of the build machine"
# What a package does without its C. Source: src/plugin/plugin_stubs.go.
_WITHOUT_C = {"plugin": "plugin.Open always fails"}
# -race needs no cgo there. Source: cmd/go/internal/work/init.go, "On macOS, -race does not require cgo."
_APPLE = frozenset({"darwin", "ios"})


def leave_libc(case: Case) -> Iterator[Remedy]:
    """Yield what keeps C, and libc with it, out of the image; its flags are its words."""
    return _without_words(_ways(case.facts, case.options, pie=False))


def leave_interpreter(case: Case) -> Iterator[Remedy]:
    """Yield what keeps out C and libc, and the interpreter that -buildmode=pie names; its flags are its words."""
    return _without_words(_ways(case.facts, case.options, pie=bool(case.facts.hardening.pie)))


def leave_cgo(case: Case) -> Iterator[Remedy]:
    """Yield what keeps C out of the image, in words where it says how."""
    for remedy in _ways(case.facts, case.options, pie=False):
        without = remedy.change is not None and remedy.change.options.get("cgo") is False
        yield remedy if without and case.facts.cgo.used else replace(remedy, words="")


def make_static(case: Case) -> Iterator[Remedy]:
    """Yield what makes the same program static, in words; on a platform that does not allow that, only changes."""
    return _static(case.facts, case.options)


# What gcc for Windows links to by itself: libgcc_s_seh-1.dll, libstdc++-6.dll, libwinpthread-1.dll, …
_COMPILER_DLL = re.compile(r"lib(atomic|gcc_s|gomp|quadmath|ssp|stdc\+\+|winpthread)[^/\\]*\.dll", re.IGNORECASE)


def leave_foreign_libraries(case: Case) -> Iterator[Remedy]:
    """Yield what keeps the image from needing more than its system has."""
    if case.facts.target is not None and system_words(case.facts.target):
        ours = all(_COMPILER_DLL.fullmatch(name) for name in names_outside_system(case.facts))
        link_in = f"link the C compiler's own libraries in: {EXTERNAL_STATIC}"
        leave_out = "leave out the package that links to it, or link its static archive in"
        yield Remedy(words=link_in if ours else leave_out)
    yield from make_static(case)


def make_static_or_refuse(case: Case) -> Iterator[Remedy]:
    """Yield what makes the same program static, or that no program of its platform is."""
    if always_dynamic(case.facts):
        yield Remedy(words="none: no program is static there; check this target with self-contained instead")
    yield from make_static(case)


def unload_libc(case: Case) -> Iterator[Remedy]:
    """Yield what keeps the same program from loading a libc, or that every program of its platform loads one."""
    if case.facts.format == "pe":
        # On Windows the system is not its libc: a program without cgo loads none.
        yield from leave_cgo(case)
    elif always_dynamic(case.facts):
        yield Remedy(words="none: every program there loads it; check this target with self-contained instead")
        yield from leave_libc(case)
    else:
        yield from make_static(case)


def static_words(facts: BinaryFacts) -> tuple[str, ...]:
    """Return how the same program becomes static, a line each; () where its platform does not allow that."""
    return tuple(remedy.words for remedy in _static(facts, BuildOptions()) if remedy.words)


def cgo_words(facts: BinaryFacts) -> tuple[str, ...]:
    """Return how the same program is built without runtime/cgo."""
    return (_words_without_cgo(facts),)


def described(words: str, remedies: Iterable[Remedy]) -> Iterator[Remedy]:
    """Yield remedies of which the first one has these words; they stand by themselves where there is none."""
    for number, remedy in enumerate(remedies):
        yield remedy if number or not words else replace(remedy, words=words)
        words = ""
    if words:
        yield Remedy(words=words)


def _without_words(remedies: Iterable[Remedy]) -> Iterator[Remedy]:
    return (replace(remedy, words="") for remedy in remedies if remedy.change is not None)


def _static(facts: BinaryFacts, options: BuildOptions) -> Iterator[Remedy]:
    ways = _ways(facts, options, pie=bool(facts.hardening.pie))
    if always_dynamic(facts) or facts.linkage != "dynamic":
        yield from _without_words(ways)
    elif facts.kind == "shared-library":
        yield Remedy(words="a shared library cannot be static: build the program with it, or check it with only-needs")
        yield from _without_words(ways)
    elif facts.go is None:
        yield Remedy(words="link it with -static, or -static-pie")
    else:
        yield from ways


def _ways(facts: BinaryFacts, options: BuildOptions, *, pie: bool) -> Iterator[Remedy]:
    """Yield every way to do without libc at run time: the lines of a text in their order, trials by weight."""
    if facts.cgo.used:
        yield from _ways_with_cgo(facts, options, pie=pie)
    elif facts.cgo.used is None:
        # Whether C is linked in is unknown: trials tell, a text does not guess.
        yield from _without_words(_ways_with_cgo(facts, options, pie=pie))
    else:
        yield from _ways_without_cgo(facts, pie=pie)


def _ways_with_cgo(facts: BinaryFacts, options: BuildOptions, *, pie: bool) -> Iterator[Remedy]:
    own = own_cgo_packages(facts)
    tags, prices = with_tags(own or tuple(TAGS), options)
    if "plugin" in own:
        yield Remedy(words="none for a program that opens plugins: a static one has no loader to open them with")
    if tags != options.tags and all(package in TAGS for package in own):
        # The line about CGO_ENABLED=0 names the tags too.
        yield Remedy(weight=1, change=BuildChange(options={"tags": tags}), prices=prices)
    yield from _turn_cgo_off(facts, options, pie=pie)
    added = {"tags": tags} if tags != options.tags else {}
    yield from _link_libc_in(facts, added, prices if added else (), pie=pie)


def _ways_without_cgo(facts: BinaryFacts, *, pie: bool) -> Iterator[Remedy]:
    if pie:
        words = "build without -buildmode=pie" if is_plain_pie(facts) else ""
        yield Remedy(weight=2, change=BuildChange(options=_EXE), words=words, prices=(_FIXED_ADDRESS_PRICE,))
        if words and facts.target is not None and facts.target.goos == "linux":
            yield Remedy(words=f"or a static-pie, with a C compiler: {STATIC_PIE}")
    if facts.cgo.dynamic_imports:
        yield Remedy(
            words="no flag: build without the package that has this directive (-ldflags=-d makes it a link error)"
        )


def _turn_cgo_off(facts: BinaryFacts, options: BuildOptions, *, pie: bool) -> Iterator[Remedy]:
    own = own_cgo_packages(facts)
    off, lost = _without_cgo(facts, options)
    plugin = "with CGO_ENABLED=0 package plugin builds, and plugin.Open always fails"
    words = plugin if "plugin" in own else _words_without_cgo(facts)
    yield Remedy(weight=2, change=BuildChange(options=off), words=words, prices=lost)
    named = setting(facts, "-buildmode") == "pie" and "plugin" not in own and not uses_boring(facts)
    words = "and without -buildmode=pie, which names an interpreter by itself" if named else ""
    if pie:
        change = BuildChange(options={**off, **_EXE})
        yield Remedy(weight=3, change=change, words=words, prices=(*lost, _FIXED_ADDRESS_PRICE))
    else:
        yield Remedy(words=words)


def _words_without_cgo(facts: BinaryFacts) -> str:
    if uses_boring(facts):
        return "no flag: BoringCrypto is C, and with CGO_ENABLED=0 the program silently does without it"
    own = own_cgo_packages(facts)
    others = [package for package in own if package not in TAGS]
    race = " without -race" if is_race(facts) else ""
    if others:
        return f"CGO_ENABLED=0{race}, where {listed(others)} can do without cgo"
    if race:
        return "CGO_ENABLED=0, without -race, which needs cgo"
    if facts.link_mode == "external":
        # A forced external link brings runtime/cgo in whatever the packages do.
        return "CGO_ENABLED=0, without -linkmode external"
    if facts.link_mode != "internal":
        return "CGO_ENABLED=0"
    # Go links cgo by itself only for its own packages, and these two have a tag.
    return f"CGO_ENABLED=0, or -tags {','.join(TAGS[package] for package in own or TAGS)}"


def _without_cgo(facts: BinaryFacts, options: BuildOptions) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return the options that turn cgo off, and what the program loses."""
    own = own_cgo_packages(facts)
    lost = [PRICES[package] for package in (own or TAGS) if package in TAGS]
    others = [package for package in own if package not in TAGS]
    lost += [_WITHOUT_C.get(package, f"{package} has to do without its C") for package in others]
    off: dict[str, object] = {"cgo": False}
    if options.linkmode == "external":
        off["linkmode"] = None
    if options.race and (facts.target is None or facts.target.goos not in _APPLE):
        off["race"] = False
        lost.append(_RACE_PRICE)
    return off, tuple(lost)


def _link_libc_in(
    facts: BinaryFacts, added: Mapping[str, object], prices: tuple[str, ...], *, pie: bool
) -> Iterator[Remedy]:
    """Yield the static links to libc; a text names them only where it is not enough to leave C out."""
    words = _words_of_static_libc(facts)
    if facts.target is None or facts.target.goos != "linux" or opens_libraries(facts):
        yield Remedy(words=words)
        return
    static = {"cgo": True, "linkmode": "external", "extldflags": "-static", **(_EXE if pie else {}), **added}
    prices = (*prices, _INSIDE_PRICE)
    yield Remedy(weight=4, change=BuildChange(options=static), words=words, prices=prices)
    if pie:
        static_pie = {**static, "buildmode": "pie", "extldflags": "-static-pie"}
        yield Remedy(weight=5, change=BuildChange(options=static_pie), prices=prices)
    if musl := zig_cc(facts, "musl"):
        # musl has its own resolver, which needs no tag.
        with_musl = {**{name: value for name, value in static.items() if name != "tags"}, "cc": musl}
        yield Remedy(
            weight=7,
            change=BuildChange(options=with_musl),
            words=f'or link musl in: CC="{musl}" CGO_ENABLED=1 {EXTERNAL_STATIC}' if words else "",
            prices=(_INSIDE_PRICE, "musl's resolver and allocator in place of glibc's"),
        )


def _words_of_static_libc(facts: BinaryFacts) -> str:
    own = own_cgo_packages(facts)
    plain = all(package in TAGS for package in own)
    if "plugin" in own or (plain and (facts.link_mode == "internal" or is_race(facts))):
        return ""
    if not plain and any(symbol.name == "dlopen" for symbol in facts.imports):
        return "none else for C that calls dlopen: a static image has no loader to open libraries with"
    # Without the tags glibc's name-service functions come with it, and load shared libraries all the same.
    tags = [TAGS[package] for package in own if package in TAGS]
    flags = f"-tags {','.join(tags)} " if tags else ""
    return f"or link libc in: {flags}{EXTERNAL_STATIC}"


def opens_libraries(facts: BinaryFacts) -> bool:
    """Whether the program opens libraries while it runs."""
    # A static image has no loader to open them with; musl's dlopen links into one, and always fails.
    return any(symbol.name == "dlopen" for symbol in facts.imports) or "dlopen" in facts.static_name_service


def older_glibc(case: Case) -> Iterator[Remedy]:
    """Yield what needs no libc, or no newer glibc than the rule allows."""
    yield from leave_libc(case)
    if any(need.version == GLIBC_PRIVATE for need in case.facts.version_needs):
        yield Remedy(words="link against public symbols only, and put no part of another glibc beside it")
    else:
        yield from _older_glibc(case.facts, case.finding.text("version") or "", needed=False)


def older_glibc_words(facts: BinaryFacts, version: str) -> tuple[str, ...]:
    """Return how the same program needs no newer glibc than `version`, a line each."""
    return tuple(remedy.words for remedy in _older_glibc(facts, version, needed=False))


def _older_glibc(facts: BinaryFacts, version: str, *, needed: bool) -> Iterator[Remedy]:
    """Yield the ways to an older glibc; where no libc is `needed`, to none first."""
    either = ""
    if not needed and facts.go is not None and facts.cgo.used and {*own_cgo_packages(facts)} <= {*TAGS}:
        yield Remedy(words=f"{_words_without_cgo(facts)}: no libc is needed at all")
        either = "or "
    if compiler := zig_cc(facts, f"gnu.{version}"):
        yield Remedy(
            weight=5,
            change=BuildChange(options={"cgo": True, "cc": compiler}),
            words=f'{either}link against that glibc: CC="{compiler}" CGO_ENABLED=1',
            prices=(f"the build needs zig; C calls nothing newer than glibc {version}",),
        )
        either = "or "
    yield Remedy(words=f"{either}build on a system whose glibc is {version} or older")


def load_libc(case: Case) -> Iterator[Remedy]:
    """Yield what makes the image load the libc that the rule wants."""
    limit = case.finding.text("at-most")
    if case.facts.libc.presence != "dynamic":
        possible = case.facts.cgo.used is False and not always_dynamic(case.facts)
        words = "CGO_ENABLED=1 with a C compiler: without one Go turns cgo off silently" if possible else ""
        yield from described(words, turn_cgo_on(case))
    # The kind or the floor is wrong: another C compiler, never no libc.
    elif case.finding.text("kind") == "musl":
        yield from load_musl(case.facts)
    elif limit is not None and case.facts.libc.kind == "glibc":
        yield from _older_glibc(case.facts, limit, needed=True)


def load_musl(facts: BinaryFacts) -> Iterator[Remedy]:
    """Yield the dynamic link to musl."""
    if musl := zig_cc(facts, "musl"):
        dynamic: dict[str, object] = {"cgo": True, "linkmode": "external", "extldflags": "", "cc": f"{musl} -dynamic"}
        price = "the build needs zig; musl's resolver and allocator"
        yield Remedy(weight=7, change=BuildChange(options=dynamic), prices=(price,))


def turn_cgo_on(case: Case) -> Iterator[Remedy]:
    """Yield what links C in, where a package uses cgo, and where none does."""
    if case.options.cgo is not True or case.options.tags:
        kept = tuple(tag for tag in case.options.tags if tag not in TAGS.values())
        yield Remedy(weight=2, change=BuildChange(options={"cgo": True, "tags": kept}), prices=(_LOADED_PRICE,))
    if case.options.linkmode != "external":
        external = BuildChange(options={"cgo": True, "linkmode": "external"})
        yield Remedy(weight=4, change=external, prices=(_LOADED_PRICE,))


def make_dynamic(case: Case) -> Iterator[Remedy]:
    """Yield what makes the image load a libc."""
    if case.facts.libc.presence == "embedded":
        yield Remedy(words="build without -extldflags -static")
        yield from turn_cgo_on(case)
    else:
        words = "CGO_ENABLED=1 with a C compiler, and a package that uses cgo" if case.facts.cgo.used is False else ""
        yield from described(words, turn_cgo_on(case))


def change_link_mode(case: Case) -> Iterator[Remedy]:
    """Yield what makes the C linker link the image, or keeps it away."""
    if case.finding.text("mode") == "external":
        external = BuildChange(options={"cgo": True, "linkmode": "external"})
        words = "CGO_ENABLED=1 with a C compiler, and -ldflags '-linkmode external'"
        yield Remedy(weight=2, change=external, words=words, prices=("the build needs a C compiler",))
        return
    by_itself = "build without -linkmode external; CGO_ENABLED=0 rules it out"
    yield Remedy(words=_words_without_cgo(case.facts) if linked_externally(case.facts) else by_itself)
    if case.options.linkmode == "external":
        yield Remedy(weight=1, change=BuildChange(options={"linkmode": None, "extldflags": ""}))
    for remedy in leave_libc(case):
        if remedy.change is not None and remedy.change.options.get("linkmode") != "external":
            yield remedy
