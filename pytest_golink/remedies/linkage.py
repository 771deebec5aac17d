"""Remedies for C that is linked in, or is not: leave libc, link it in, load an older one, turn cgo on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_golink.builder.options import BuildOptions
from pytest_golink.diagnosis.linkage import linked_externally
from pytest_golink.findings import BuildChange, Loss, Remedy
from pytest_golink.platforms.system_libraries import names_outside_system, system_words
from pytest_golink.remedies.cgo_off import words_without_cgo
from pytest_golink.remedies.compilers import zig_cc
from pytest_golink.remedies.gccgo import gccgo_words, is_gccgo
from pytest_golink.remedies.linker_flags import extldflags_of, has_words, linkmode_of
from pytest_golink.remedies.static import (
    EXTERNAL_STATIC,
    described,
    names_interpreter_as_pie,
    turn_cgo_off,
    ways,
    with_tags,
    without_words,
)
from pytest_golink.remedies.tags import TAGS
from pytest_golink.traits import GLIBC_PRIVATE, always_dynamic, own_cgo_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case
    from pytest_golink.facts import BinaryFacts

_LOADED_PRICE = "libc is loaded at run time, no older than the one of the build machine"
_CXX_PRICE = "libstdc++ and libgcc are inside: their fixes come with a new build"
# What the C++ compiler links in where it is told to. Source: GCC's manual, "Link Options".
_CXX_LIBRARY = re.compile(r"lib(stdc\+\+|gcc_s)[^/\\]*\.(so|dll).*", re.IGNORECASE)
_STATIC_FLAGS = ("-static", "-static-pie")
_CXX_FLAGS = ("-static-libstdc++", "-static-libgcc")


def leave_libc(case: Case) -> Iterator[Remedy]:
    """Yield what keeps C, and libc with it, out of the image."""
    if linkmode_of(case.options) == "external":
        yield from without_words(with_tags(case.facts, case.options, pie=False, external=True))
    yield from without_words(ways(case.facts, case.options, pie=False))


def leave_interpreter(case: Case) -> Iterator[Remedy]:
    """Yield what keeps out C and libc, and the interpreter that -buildmode=pie names."""
    yield from link_cxx_in(case)
    yield from without_words(ways(case.facts, case.options, pie=names_interpreter_as_pie(case.facts)))


def leave_cgo(case: Case) -> Iterator[Remedy]:
    """Yield what keeps C out of the image."""
    yield from without_words(with_tags(case.facts, case.options, pie=False))
    off = turn_cgo_off(case.facts, case.options, pie=False)
    yield from off if case.facts.cgo.used else without_words(off)


def leave_libraries(case: Case) -> Iterator[Remedy]:
    """Yield what keeps the image from needing other libraries than those that the rule names."""
    if is_gccgo(case.facts):
        yield Remedy(words=f"{gccgo_words('-static-libgo')} links libgo in, {gccgo_words('-static')} each library")
        return
    yield from link_cxx_in(case)
    yield from leave_cgo(case)
    yield from (remedy for remedy in leave_libc(case) if _links_statically(remedy))


def _links_statically(remedy: Remedy) -> bool:
    return remedy.change is not None and "extldflags" in remedy.change.added


def link_cxx_in(case: Case) -> Iterator[Remedy]:
    """Yield the link with the C++ compiler's own libraries inside, where the image loads them."""
    facts = case.facts
    loaded = [library.name for library in facts.needed if _CXX_LIBRARY.fullmatch(library.name)]
    if facts.go is not None and facts.cgo.used and loaded:
        flags = _CXX_FLAGS if any("stdc" in name.lower() for name in loaded) else _CXX_FLAGS[1:]
        words = f"-ldflags '-extldflags \"{' '.join(flags)}\"' links {' and '.join(loaded)} in"
        yield Remedy(weight=1, change=BuildChange(added={"extldflags": flags}), words=words, prices=(_CXX_PRICE,))


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
        if ours and case.facts.cgo.used:
            change = BuildChange(added={"extldflags": ("-static",)})
            yield Remedy(weight=1, change=change, prices=("the C compiler's libraries are inside",))
    yield from make_static(case)


def make_static_or_refuse(case: Case) -> Iterator[Remedy]:
    """Yield what makes the same program static, or that no program of its platform is."""
    if always_dynamic(case.facts):
        yield Remedy(words="none: no program is static there; check this target with self-contained instead")
    else:
        yield from make_static(case)


def unload_libc(case: Case) -> Iterator[Remedy]:
    """Yield what keeps the same program from loading a libc, or that every program of its platform loads one."""
    if case.facts.format == "pe":
        # On Windows the system is not its libc: a program without cgo loads none.
        yield from leave_cgo(case)
    elif always_dynamic(case.facts):
        yield Remedy(words="none: every program there loads it; check this target with self-contained instead")
    else:
        yield from make_static(case)


def static_words(facts: BinaryFacts) -> tuple[str, ...]:
    """Return how the same program becomes static, a line each; () where its platform does not allow that."""
    return tuple(remedy.words for remedy in _static(facts, BuildOptions()) if remedy.words)


def cgo_words(facts: BinaryFacts) -> tuple[str, ...]:
    """Return how the same program is built without runtime/cgo."""
    return (words_without_cgo(facts),)


def _static(facts: BinaryFacts, options: BuildOptions) -> Iterator[Remedy]:
    found = ways(facts, options, pie=names_interpreter_as_pie(facts))
    if always_dynamic(facts) or facts.linkage != "dynamic":
        yield from without_words(found)
    elif facts.kind == "shared-library":
        yield Remedy(words="a shared library cannot be static: build the program with it, or check it with only-needs")
    elif facts.go is None:
        yield Remedy(words="link it with -static, or -static-pie")
    elif is_gccgo(facts):
        yield Remedy(words=gccgo_words("-static"))
    else:
        yield from found


def older_glibc(case: Case) -> Iterator[Remedy]:
    """Yield what needs no libc, or no newer glibc than the rule allows."""
    if case.facts.go is not None:
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
        yield Remedy(words=f"{words_without_cgo(facts)}: no libc is needed at all")
        either = "or "
    compiler = zig_cc(facts, f"gnu.{version}")
    if compiler is not None and facts.go is not None and facts.cgo.used is not False:
        yield Remedy(
            weight=5,
            change=BuildChange(options={"cc": compiler} if facts.cgo.used else {"cgo": True, "cc": compiler}),
            words=f'{either}link against that glibc: CC="{compiler}" CGO_ENABLED=1',
            prices=(f"the build needs zig; C calls nothing newer than glibc {version}",),
            loss=Loss.EXCHANGED,
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
        dynamic: dict[str, object] = {"cgo": True, "linkmode": "external", "cc": f"{musl} -dynamic"}
        change = BuildChange(options=dynamic, dropped={"extldflags": _STATIC_FLAGS})
        price = "the build needs zig; musl's resolver and allocator"
        yield Remedy(weight=7, change=change, prices=(price,), loss=Loss.EXCHANGED)


def turn_cgo_on(case: Case) -> Iterator[Remedy]:
    """Yield what links C in, where a package uses cgo, and where none does."""
    in_the_way = tuple(tag for tag in TAGS.values() if tag in case.options.tags)
    dropped = {"tags": in_the_way} if in_the_way else {}
    if case.options.cgo is not True or dropped:
        change = BuildChange(options={"cgo": True}, dropped=dropped)
        yield Remedy(weight=2, change=change, prices=(_LOADED_PRICE,))
    if linkmode_of(case.options) != "external":
        external = BuildChange(options={"cgo": True, "linkmode": "external"})
        yield Remedy(weight=4, change=external, prices=(_LOADED_PRICE,))


def make_dynamic(case: Case) -> Iterator[Remedy]:
    """Yield what makes the image load a libc."""
    if case.facts.libc.presence == "embedded":
        yield from described(
            "build without -extldflags -static" if case.facts.go else "link it without -static", load_again(case)
        )
    else:
        words = "CGO_ENABLED=1 with a C compiler, and a package that uses cgo" if case.facts.cgo.used is False else ""
        yield from described(words, turn_cgo_on(case))


def load_again(case: Case) -> Iterator[Remedy]:
    """Yield the build that loads libc, which its flags of the C linker have put inside."""
    given = tuple(flag for flag in _STATIC_FLAGS if has_words(extldflags_of(case.options), flag))
    if given:
        change = BuildChange(dropped={"extldflags": given})
        yield Remedy(weight=1, change=change, prices=(_LOADED_PRICE,))


def change_link_mode(case: Case) -> Iterator[Remedy]:
    """Yield what makes the C linker link the image, or keeps it away."""
    if case.finding.text("mode") == "external":
        external = BuildChange(options={"cgo": True, "linkmode": "external"})
        words = "CGO_ENABLED=1 with a C compiler, and -ldflags '-linkmode external'"
        yield Remedy(weight=2, change=external, words=words, prices=("the build needs a C compiler",))
        return
    by_itself = "build without -linkmode external; CGO_ENABLED=0 rules it out"
    off = without_words(leave_cgo(case))
    if linked_externally(case.facts):
        yield from described(words_without_cgo(case.facts), off)
        off = iter(())
    else:
        yield Remedy(words=by_itself)
    if linkmode_of(case.options) == "external":
        change = BuildChange(options={"linkmode": None}, dropped={"extldflags": _STATIC_FLAGS})
        yield Remedy(weight=1, change=change)
    yield from off
