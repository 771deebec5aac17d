"""Remedies that add, change or drop one flag or setting of a build."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_golink.golang.cpu import cpu_setting
from pytest_golink.remedies.linkage import load_musl, turn_cgo_on
from pytest_golink.remedies.model import BuildChange, Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_golink.remedies.model import Case

_STRIP_PRICE = "no symbols and DWARF for debuggers; tracebacks stay whole"
_INTERPRETER_PRICE = "an interpreter is named, even without cgo"
_COMPILER_PRICE = "the build needs a C compiler"


def strip(case: Case) -> Iterator[Remedy]:
    """Yield what leaves out the symbol table and DWARF."""
    if missing := _missing_strip_flags(case):
        yield _with_ldflags(case, *missing, prices=(_STRIP_PRICE,))


def _missing_strip_flags(case: Case) -> list[str]:
    given = case.options.ldflags.split()
    return [flag for flag in ("-s", "-w") if flag not in given]


def _with_ldflags(case: Case, *flags: str, prices: tuple[str, ...] = (), weight: int = 1) -> Remedy:
    given = " ".join((case.options.ldflags, *flags)).strip()
    return Remedy(weight=weight, change=BuildChange(options={"ldflags": given}), prices=prices)


def _with_extldflags(case: Case, *flags: str, prices: tuple[str, ...] = ()) -> Remedy:
    given = " ".join((case.options.extldflags, *flags)).strip()
    return Remedy(weight=1, change=BuildChange(options={"extldflags": given}), prices=prices)


def keep_symbols(case: Case) -> Iterator[Remedy]:
    """Yield what keeps the symbol table and DWARF, where an option left them out."""
    kept = " ".join(flag for flag in case.options.ldflags.split() if flag not in ("-s", "-w"))
    if kept != case.options.ldflags:
        yield Remedy(weight=1, change=BuildChange(options={"ldflags": kept}), prices=("a larger file",))


def trim_paths(case: Case) -> Iterator[Remedy]:
    """Yield what keeps the folders of the build machine out of the image."""
    price = "debuggers must be told where the source is"
    if not case.options.trimpath:
        yield Remedy(weight=1, change=BuildChange(options={"trimpath": True}), prices=(price,))
    if missing := _missing_strip_flags(case):
        ldflags = " ".join((case.options.ldflags, *missing)).strip()
        change = BuildChange(options={"trimpath": True, "ldflags": ldflags})
        yield Remedy(weight=2, change=change, prices=(price, _STRIP_PRICE))


def no_race(case: Case) -> Iterator[Remedy]:
    """Yield the build without -race, where an option turned it on."""
    if case.options.race:
        yield Remedy(weight=1, change=BuildChange(options={"race": False}))


def make_pie(case: Case) -> Iterator[Remedy]:
    """Yield what makes the image position independent."""
    prices = (_INTERPRETER_PRICE,) if case.facts.format == "elf" else ()
    yield Remedy(weight=1, change=BuildChange(options={"buildmode": "pie"}), prices=prices)
    if case.facts.target is not None and case.facts.target.goos == "linux":
        static = {"buildmode": "pie", "cgo": True, "linkmode": "external", "extldflags": "-static-pie"}
        yield Remedy(weight=3, change=BuildChange(options=static), prices=(_COMPILER_PRICE,))


def more_relro(case: Case) -> Iterator[Remedy]:
    """Yield what makes read-only what the loader fills in."""
    if case.facts.link_mode == "external":
        yield _with_extldflags(case, "-Wl,-z,relro,-z,now")
    else:
        # Source: cmd/link's flag -bindnow, since Go 1.22.
        pie = {"buildmode": "pie", "ldflags": f"{case.options.ldflags} -bindnow".strip()}
        yield Remedy(weight=2, change=BuildChange(options=pie), prices=(_INTERPRETER_PRICE,))


def older_cpu(case: Case) -> Iterator[Remedy]:
    """Yield the CPU level that the rule allows for the image's architecture."""
    setting = cpu_setting(case.facts.target.goarch) if case.facts.target is not None else None
    if setting is None:
        return
    # Of several levels the one of this architecture; a level may stand without its setting.
    for level in case.finding.names("level"):
        name, equals, value = level.partition("=")
        if name == setting or not equals:
            change = BuildChange(environment=((setting, value if equals else level),))
            yield Remedy(weight=1, change=change, prices=("newer CPU instructions stay unused",))


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
        yield _with_ldflags(case, f"-macos={limit}", prices=prices)


def link_fips(case: Case) -> Iterator[Remedy]:
    """Yield what links the FIPS 140 cryptography in that the rule asks for."""
    kind = case.finding.text("kind")
    if kind == "boringcrypto":
        change = BuildChange(options={"cgo": True}, environment=(("GOEXPERIMENT", "boringcrypto"),))
        yield Remedy(weight=3, change=change, prices=("BoringCrypto's C is linked in",))
    elif kind == "go":
        change = BuildChange(environment=(("GOFIPS140", case.finding.text("module") or "v1.0.0"),))
        price = "cryptography outside of that module's frozen copy stays as it is"
        yield Remedy(weight=2, change=change, prices=(price,))


def without_flags(*, ldflags: str | None = None, extldflags: str | None = None) -> Callable[[Case], Iterator[Remedy]]:
    """Return what yields the build without the flags that match: of Go's linker, and of the C linker."""
    patterns = {name: re.compile(text) for name, text in (("ldflags", ldflags), ("extldflags", extldflags)) if text}

    def drop(case: Case) -> Iterator[Remedy]:
        given = {"ldflags": case.options.ldflags, "extldflags": case.options.extldflags}
        changed = {
            name: " ".join(pattern.sub("", given[name]).split())
            for name, pattern in patterns.items()
            # Quotes may hold blanks: such flags are left to their author.
            if not set(given[name]) & set("'\"") and pattern.search(given[name])
        }
        if changed:
            yield Remedy(weight=1, change=BuildChange(options=changed))

    return drop


_without_execstack = without_flags(extldflags=r"(?<!\S)(-Wl,-z,|-z\s*)execstack(?!\S)")


def no_exec_stack(case: Case) -> Iterator[Remedy]:
    """Yield what makes the stack not executable."""
    yield from _without_execstack(case)
    external = case.facts.format == "elf" and case.facts.link_mode == "external"
    if external and "execstack" not in case.options.extldflags:
        price = "C that runs code on the stack (nested functions) crashes"
        yield _with_extldflags(case, "-Wl,-z,noexecstack", prices=(price,))


_without_loader = without_flags(ldflags=r"(?<!\S)--?I(=|\s+)\S+", extldflags=r"(?<!\S)-Wl,--?dynamic-linker[,=]\S+")


def other_loader(case: Case) -> Iterator[Remedy]:
    """Yield what makes the image name the interpreter that the rule asks for."""
    dropped = tuple(_without_loader(case))
    yield from dropped
    path = case.finding.text("path") or ""
    musl = "ld-musl" in path
    if case.facts.interpreter is None:
        yield from turn_cgo_on(case)
    elif musl and "ld-musl" not in case.facts.interpreter:
        yield from load_musl(case.facts)
    elif not dropped and not musl and case.facts.libc.kind != "musl" and case.facts.link_mode == "internal":
        yield _with_ldflags(case, f"-I {path}", prices=("that loader must load this libc",), weight=2)


def larger_pages(case: Case) -> Iterator[Remedy]:
    """Yield what aligns segments to the pages that the rule asks for."""
    size = f"0x{dict(case.finding.parameters)['bytes']:x}"
    # Source: cmd/link's flag -R; GNU ld's -z max-page-size.
    if case.facts.link_mode == "external":
        yield _with_extldflags(case, f"-Wl,-z,max-page-size={size}", prices=("a larger file",))
    else:
        yield _with_ldflags(case, f"-R {size}", prices=("a larger file",))
