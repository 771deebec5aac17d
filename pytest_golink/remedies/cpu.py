"""Remedies for a CPU level that is too new: of Go's code, and of what the C compiler links in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.cpu import OverLimit
from pytest_golink.findings import BuildChange, Loss, Remedy
from pytest_golink.golang.cpu import cpu_setting
from pytest_golink.remedies.compilers import zig_for_cpu
from pytest_golink.remedies.linker_flags import extldflags_of
from pytest_golink.traits import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case

# What GCC and Clang call a level.
_C_FLAGS = {
    "GOAMD64=v1": "-march=x86-64",
    "GOAMD64=v2": "-march=x86-64-v2",
    "GOAMD64=v3": "-march=x86-64-v3",
    "GORISCV64=rva20u64": "-march=rv64gc",
    "GOARM=6": "-march=armv6",
    "GOMIPS=softfloat": "-msoft-float",
    "GOMIPS64=softfloat": "-msoft-float",
}
_UNUSED_PRICE = "newer CPU instructions stay unused"
# Source: ld's manual, -z x86-64-v2, …: they mark the image, whatever its code is.
_MARK = re.compile(r"(?<!\S)(-Wl,-z,|-z\s*)x86-64-(baseline|v\d)(?!\S)")
# Without it C compilers write no level into an object. Source: GCC's manual, "x86 Options", -mneeded.
_MARKING = re.compile(r"(?<!\S)-mneeded(?!\S)")
_MARCH = re.compile(r"(?<!\S)-(march|mcpu)=\S+")


def allow_older_cpu(case: Case) -> Iterator[Remedy]:
    """Yield the CPU level that the rule allows: for Go's code, and for whatever made C ask for more."""
    found = case.details(OverLimit)
    of_c = [over for over in found.levels if over in case.facts.cpu_notes]
    of_go = [over for over in found.levels if over not in of_c]
    if not of_c:
        yield from _older_go(case, f"{of_go[0].setting}={found.limit}" if of_go else "")
        return
    name = f"{of_c[0].setting}={found.limit}"
    environment: tuple[tuple[str, str], ...] = ()
    if of_go:
        environment = ((of_go[0].setting, found.limit),)
        yield Remedy(words=f"{of_go[0].setting}={found.limit}")
    yield _older_c(case, name, environment)


def _older_go(case: Case, words: str) -> Iterator[Remedy]:
    """Yield the level for Go's code, of the image's architecture."""
    name = cpu_setting(case.facts.target.goarch) if case.facts.target is not None else None
    # Of several levels the one of this architecture; a level may stand without its setting.
    for level in case.finding.names("level"):
        named, equals, value = level.partition("=")
        if name is not None and (named == name or not equals):
            change = BuildChange(environment=((name, value if equals else level),))
            yield Remedy(weight=1, change=change, words=words, prices=(_UNUSED_PRICE,))
            return
    yield Remedy(words=words)


def _older_c(case: Case, name: str, environment: tuple[tuple[str, str], ...]) -> Remedy:
    """Return what makes C ask for no more: without a flag that marks, with older C flags, or by another toolchain."""
    facts, flags = case.facts, _C_FLAGS.get(name)
    if facts.go is None:
        return Remedy(words=f"build it for {name.partition('=')[2]}, with a C toolchain whose start files and libc are")
    marked = {where: match for where, text in _linker_texts(case).items() if (match := _MARK.search(text))}
    if marked:
        where, match = next(iter(marked.items()))
        dropped = {name: (match[0],) for name, match in marked.items() if name != "-ldflags"}
        change = BuildChange(dropped=dropped, environment=environment) if dropped else None
        return Remedy(weight=1, change=change, words=f"build without {match[0]} in {where}")
    compiled = setting(facts, "CGO_CFLAGS")
    if flags and _MARKING.search(compiled):
        given = tuple(match[0] for match in _MARCH.finditer(compiled))
        change = BuildChange(added={"CGO_CFLAGS": (flags,)}, dropped={"CGO_CFLAGS": given}, environment=environment)
        words = f"compile the C code with CGO_CFLAGS={flags}"
        return Remedy(weight=1, change=change, words=words, prices=(_UNUSED_PRICE,))
    words = f"a C toolchain whose start files and libc are for {name}"
    compiler = zig_for_cpu(facts, name)
    if compiler is None:
        return Remedy(words=f"{words}, as in a container of a system for that level")
    return Remedy(
        weight=5,
        change=BuildChange(options={"cc": compiler}, environment=environment),
        words=f'{words}: CC="{compiler}" CGO_ENABLED=1, or a container of a system for that level',
        prices=("the build needs zig", _UNUSED_PRICE),
        loss=Loss.EXCHANGED,
    )


def _linker_texts(case: Case) -> dict[str, str]:
    """Return the flags of the C linker, by the option or variable that has them."""
    texts = {
        "extldflags": extldflags_of(case.options),
        "CGO_LDFLAGS": setting(case.facts, "CGO_LDFLAGS"),
        "-ldflags": setting(case.facts, "-ldflags").replace("'", " ").replace('"', " ").replace("=", " "),
    }
    return {name: text for name, text in texts.items() if text}
