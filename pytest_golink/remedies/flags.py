"""Remedies that add, change or drop one flag or setting of a build."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.findings import BuildChange, Remedy
from pytest_golink.remedies.linkage import load_musl, turn_cgo_on
from pytest_golink.remedies.linker_flags import extldflags_of, has_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_golink.case import Case
    from pytest_golink.facts import BinaryFacts

STRIP_FLAGS = ("-s", "-w")
_STRIP_PRICE = "no symbols and DWARF for debuggers; tracebacks stay whole"
INTERPRETER_PRICE = "an interpreter is named, even without cgo"


def strip(case: Case) -> Iterator[Remedy]:
    """Yield what leaves out the symbol table and DWARF."""
    if missing := _missing_strip_flags(case):
        yield _with_ldflags(*missing, prices=(_STRIP_PRICE,))


def _missing_strip_flags(case: Case) -> tuple[str, ...]:
    return tuple(flag for flag in STRIP_FLAGS if not has_words(case.options.ldflags, flag))


def _with_ldflags(*flags: str, prices: tuple[str, ...] = (), weight: int = 1) -> Remedy:
    return Remedy(weight=weight, change=BuildChange(added={"ldflags": flags}), prices=prices)


def with_linker_flags(*flags: str, prices: tuple[str, ...] = ()) -> Remedy:
    """Return the build with more flags of the C linker."""
    return Remedy(weight=1, change=BuildChange(added={"extldflags": flags}), prices=prices)


def keep_symbols(case: Case) -> Iterator[Remedy]:
    """Yield what keeps the symbol table and DWARF, where an option left them out."""
    given = tuple(flag for flag in STRIP_FLAGS if has_words(case.options.ldflags, flag))
    if given:
        yield Remedy(weight=1, change=BuildChange(dropped={"ldflags": given}), prices=("a larger file",))


def trim_paths(case: Case) -> Iterator[Remedy]:
    """Yield what keeps the folders of the build machine out of the image."""
    price = "debuggers need the folder of the source"
    if not case.options.trimpath:
        yield Remedy(weight=1, change=BuildChange(options={"trimpath": True}), prices=(price,))
    if missing := _missing_strip_flags(case):
        change = BuildChange(options={"trimpath": True}, added={"ldflags": missing})
        yield Remedy(weight=2, change=change, prices=(price, _STRIP_PRICE))


def no_race(case: Case) -> Iterator[Remedy]:
    """Yield the build without -race, where an option turned it on."""
    if case.options.race:
        yield Remedy(weight=1, change=BuildChange(options={"race": False}))


def older_macos(case: Case) -> Iterator[Remedy]:
    """Yield the minimum version of macOS that the rule allows."""
    # Source: cmd/link's flag -macos, since Go 1.27; Clang's documentation of MACOSX_DEPLOYMENT_TARGET.
    limits = [limit.lower().split() for limit in case.finding.names("version")]
    limit = next((words[-1] for words in limits if words[0] == "macos" or len(words) == 1), None)
    if case.facts.format != "macho" or limit is None:
        return
    prices = ("Go promises nothing of a macOS that is older than its own minimum",)
    if case.facts.link_mode == "external":
        change = BuildChange(environment=(("MACOSX_DEPLOYMENT_TARGET", limit),))
        yield Remedy(weight=1, change=change, prices=prices)
    else:
        yield _with_ldflags(f"-macos={limit}", prices=prices)


def link_fips(case: Case) -> Iterator[Remedy]:
    """Yield what links the FIPS 140 cryptography in that the rule wants."""
    kind = case.finding.text("kind")
    if kind == "boringcrypto":
        words = "GOEXPERIMENT=boringcrypto CGO_ENABLED=1 with a C compiler, for linux/amd64 or linux/arm64"
        change = BuildChange(options={"cgo": True}, environment=(("GOEXPERIMENT", "boringcrypto"),))
        yield Remedy(weight=3, change=change, words=words, prices=("BoringCrypto's C is linked in",))
    elif kind == "openssl":
        yield Remedy(
            words="build with a toolchain that carries OpenSSL, such as golang-fips/go or microsoft/go, and cgo"
        )
    else:
        module, mode = case.finding.text("module") or "v1.0.0", case.finding.text("mode")
        also = f", and `godebug fips140={mode}` in go.mod" if mode in ("only", "off") else ""
        yield Remedy(
            weight=2,
            change=BuildChange(environment=(("GOFIPS140", module),)),
            words=f"GOFIPS140={module}, with Go 1.24 or newer{also}",
            prices=("cryptography outside of that module's frozen copy stays as it is",),
        )


def without_flags(
    words: str = "", *, ldflags: str | None = None, extldflags: str | None = None
) -> Callable[[Case], Iterator[Remedy]]:
    """Return what yields the build without the flags that match: of Go's linker, and of the C linker."""
    patterns = {name: re.compile(text) for name, text in (("ldflags", ldflags), ("extldflags", extldflags)) if text}

    def drop(case: Case) -> Iterator[Remedy]:
        given = {"ldflags": case.options.ldflags, "extldflags": extldflags_of(case.options)}
        dropped = {
            name: found
            for name, pattern in patterns.items()
            # Quotes may hold blanks: such flags are left to their author.
            if (found := tuple(match[0] for match in pattern.finditer(given[name]) if not set(match[0]) & set("'\"")))
        }
        if dropped:
            yield Remedy(weight=1, words=words, change=BuildChange(dropped=dropped))
        elif words:
            yield Remedy(words=words)

    drop.__doc__ = f"Yield the build without the flags that break the rule{f': {words}' if words else ''}."
    return drop


_without_loader = without_flags(ldflags=r"(?<!\S)--?I(=|\s+)\S+", extldflags=r"(?<!\S)-Wl,--?dynamic-linker[,=]\S+")


def other_loader(case: Case) -> Iterator[Remedy]:
    """Yield what makes the image name the interpreter that the rule wants."""
    if words := _loader_words(case.facts, case.finding.text("path") or ""):
        yield Remedy(words=words)
    dropped = tuple(_without_loader(case))
    yield from dropped
    path = case.finding.text("path") or ""
    musl = "ld-musl" in path
    if case.facts.interpreter is None:
        yield from turn_cgo_on(case)
    elif musl and "ld-musl" not in case.facts.interpreter:
        yield from load_musl(case.facts)
    elif not dropped and not musl and case.facts.libc.kind != "musl" and case.facts.link_mode == "internal":
        yield _with_ldflags(f"-I {path}", prices=("that loader must load this libc",), weight=2)


def _loader_words(facts: BinaryFacts, path: str) -> str:
    if facts.format != "elf" or facts.interpreter is None:
        return ""
    if ("ld-musl" in path) != ("ld-musl" in facts.interpreter) and facts.needed:
        # Another libc's loader cannot load this image's libc: the flags below would break it.
        return "link it to the libc that this loader belongs to"
    if facts.go is None:
        return f"link it with -Wl,--dynamic-linker={path}"
    if facts.link_mode == "external":
        return f"-ldflags '-linkmode external -extldflags \"-Wl,--dynamic-linker={path}\"'"
    return f'-ldflags "-I {path}"'


def larger_pages(case: Case) -> Iterator[Remedy]:
    """Yield what aligns segments to the pages that the rule wants."""
    page = dict(case.finding.parameters)["bytes"]
    flag = f"-Wl,-z,max-page-size={page}"
    # Source: cmd/link's flag -R; GNU ld's -z max-page-size.
    if case.facts.go is None:
        yield Remedy(words=f"link with {flag}")
    elif case.facts.link_mode == "external":
        words = f"-ldflags '-extldflags \"{flag}\"'"
        aligned = with_linker_flags(f"-Wl,-z,max-page-size=0x{page:x}", prices=("a larger file",))
        yield replace(aligned, words=words)
    else:
        words = f'-ldflags -R={page}, the alignment of Go\'s own linker; in an external link -extldflags "{flag}"'
        yield replace(_with_ldflags(f"-R 0x{page:x}", prices=("a larger file",)), words=words)
