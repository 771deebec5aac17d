"""Rules about the platform that an image is for."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from itertools import pairwise
from typing import Annotated

from pytest_golink.case import from_image
from pytest_golink.diagnosis.hardening import why_misaligned
from pytest_golink.diagnosis.sizes import why_large
from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts, ProgramHeader
from pytest_golink.forms import Form
from pytest_golink.remedies.build_info import take_target
from pytest_golink.remedies.content import make_smaller
from pytest_golink.remedies.flags import larger_pages
from pytest_golink.rules.evidence import header_lines
from pytest_golink.rules.parameters import NonEmpty, TargetName
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.text.sizes import parse_size
from pytest_golink.text.words import listed
from pytest_golink.traits import matching


@rule(
    "target",
    group="platform",
    page="GOOS/GOARCH is one of these. What was linked for the iOS simulator is no ios/arm64, which are devices",
    remedies=take_target,
)
def target(subject: Subject, *, targets: Annotated[tuple[TargetName, ...], NonEmpty]) -> Verdict:
    """GOOS/GOARCH is one of these."""
    facts = subject.facts
    expected = listed(targets) if len(targets) == 1 else f"one of {listed(targets)}"
    if facts.target is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="neither the headers nor the build info name a target",
            evidence=(f"{facts.format} {facts.kind}",),
        )
    seen = str(facts.target)
    platform = facts.macho.platform if facts.macho else None
    # The port ios/amd64 is only for the simulator, whose mark Go does not always write.
    simulated = platform == "iossimulator" and facts.target.goarch != "amd64"
    held = bool(matching(facts, [seen], targets)) and not simulated
    return Verdict(
        outcome="passed" if held else "violated",
        expected=expected,
        observed=f"{seen} for the iOS simulator" if simulated else seen,
        evidence=(f"{facts.format} {facts.kind} for {seen}", *((f"platform {platform}",) if platform else ())),
    )


def _is_alignment(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0 and not value & (value - 1)


Alignment = Annotated[
    int,
    Form(
        text="a power of two, in bytes, such as 16384",
        accepts=_is_alignment,
        schema={"type": "integer", "minimum": 1},
    ),
]


@rule(
    "page-alignment",
    group="platform",
    page=("p_align of every PT_LOAD is at least so (Android: 16384), and no page of that size is in two of them"),
    causes=why_misaligned,
    remedies=larger_pages,
)
def page_alignment(subject: Subject, *, bytes: Alignment) -> Verdict:  # noqa: A002 - the parameter's permanent name
    """Every PT_LOAD is aligned at least so, and shares no page of that size with another or with PT_GNU_RELRO's end."""
    facts = subject.facts
    expected = f"every PT_LOAD fits pages of 0x{bytes:x}"
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked:
        return unlinked
    if facts.format != "elf":
        return Verdict(outcome="not-applicable", expected=expected, observed=f"{facts.format} images have no PT_LOAD")
    loads = sorted(
        (header for header in facts.program_headers if header.type == "PT_LOAD" and header.memory_size),
        key=lambda header: header.address,
    )
    if not loads:
        return Verdict(outcome="undecidable", expected=expected, observed="no PT_LOAD is known")
    problems = _misaligned(loads, bytes) or [*_shared_pages(loads, bytes), *_relro_ends(facts, loads, bytes)]
    return Verdict(
        outcome="violated" if problems else "passed",
        expected=expected,
        observed=problems[0] if problems else f"the smallest p_align is 0x{min(each.alignment for each in loads):x}",
        evidence=header_lines(facts, "PT_LOAD", "PT_GNU_RELRO"),
        details=tuple(problems),
    )


def _misaligned(loads: list[ProgramHeader], page: int) -> list[str]:
    smallest = min(loads, key=lambda header: header.alignment)
    found = []
    if smallest.alignment < page:
        found.append(f"p_align 0x{smallest.alignment:x} of the PT_LOAD at 0x{smallest.address:x}")
    # A p_align that was edited afterwards does not move the bytes (golang/go#68754).
    found += [
        f"the PT_LOAD at 0x{header.address:x} is at offset 0x{header.offset:x}, another place in its page"
        for header in loads
        if header.alignment >= page and (header.address - header.offset) % page
    ]
    return found


def _shared_pages(loads: list[ProgramHeader], page: int) -> list[str]:
    # A page has one protection and comes from one place of the file.
    return [
        f"the PT_LOADs at 0x{first.address:x} ({first.flags}) and 0x{second.address:x} ({second.flags}) share a page"
        for first, second in pairwise(loads)
        if (first.address + first.memory_size - 1) // page >= second.address // page
        and (first.flags, first.address - first.offset) != (second.flags, second.address - second.offset)
    ]


def _relro_ends(facts: BinaryFacts, loads: list[ProgramHeader], page: int) -> list[str]:
    # Android's loader protects every page that PT_GNU_RELRO touches; what follows in the last one can then not be
    # written (bionic's linker_phdr.cpp, phdr_table_set_gnu_relro_prot). Others leave the last page writable.
    if facts.target is None or facts.target.goos != "android":
        return []
    return [
        f"PT_GNU_RELRO ends at 0x{end:x}, and what is written to follows in the same page"
        for header in facts.program_headers
        for end in [header.address + header.memory_size]
        if header.type == "PT_GNU_RELRO"
        and end % page
        and any(
            "w" in load.flags and load.address < -(-end // page) * page and load.address + load.memory_size > end
            for load in loads
        )
    ]


def _bytes_of(value: object) -> int | None:
    if isinstance(value, str):
        return parse_size(value) or None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


Size = Annotated[
    int | str,
    Form(
        text='a size such as "20 MB" (10^6), "20 MiB" (2^20) or a number of bytes',
        accepts=lambda value: _bytes_of(value) is not None,
        schema={
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([KkMmGg][Ii]?[Bb]|[Bb])?\s*$"},
            ]
        },
    ),
]


@rule(
    "max-size",
    group="platform",
    page=(
        'the file has at most "20 MB" (10^6), "20 MiB" (2^20), or a number of bytes. Of a fat Mach-O, the whole file'
    ),
    of_the_file=True,
    causes=from_image(why_large),
    remedies=make_smaller,
)
def max_size(subject: Subject, *, size: Size) -> Verdict:
    """Size of the file at most this."""
    facts = subject.facts
    limit = _bytes_of(size)
    if limit is None:  # pragma: no cover - the parameter's form was checked before
        raise ParameterError(f"max-size: size: {size!r}")
    expected = f"at most {limit:,} bytes"
    over = facts.size - limit
    held = over <= 0
    parts = tuple(
        f"{name}: {count:,} bytes"
        for name, there, count in (
            ("symbol table", facts.symtab, facts.symtab_size),
            ("DWARF", facts.dwarf, facts.dwarf_size),
        )
        if there and count
    )
    whole = f"the file: {facts.size:,} bytes" + (", with all its slices" if facts.slice else "")
    return Verdict(
        outcome="passed" if held else "violated",
        expected=expected,
        observed=f"{facts.size:,} bytes" + ("" if held else f", {over:,} too many"),
        evidence=(whole, *parts),
        details=over,
    )
