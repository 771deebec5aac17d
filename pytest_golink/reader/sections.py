"""The parts of a file that have names: sections, as far as its format has any; for comparing two files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.errors import GolinkError
from pytest_golink.reader.bounds import View
from pytest_golink.reader.elf import layout as elf_layout
from pytest_golink.reader.formats import HEAD_BYTES, find_format, is_fat
from pytest_golink.reader.macho import commands as macho_commands
from pytest_golink.reader.macho import layout as macho_layout
from pytest_golink.reader.pe import layout as pe_layout

if TYPE_CHECKING:
    from pathlib import Path

_SHT_NOBITS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A named range of a file's bytes."""

    name: str
    offset: int
    size: int


def read_sections(path: Path, data: bytes) -> tuple[Section, ...]:
    """
    Return the sections of an ELF, Mach-O or PE image, in the order of their bytes, and what lies between them.

    Mach-O names are "__TEXT,__text". What no section holds is called "headers", "between sections", or "__LINKEDIT"
    (Mach-O). A file of another format, or one that is damaged, is a single "file".
    """
    view = View(data, path=str(path), format="")
    try:
        named = _named(view)
    except GolinkError:
        named = []
    if not named:
        return (Section(name="file", offset=0, size=len(data)),)
    found: list[Section] = []
    end = 0
    for section in sorted(named, key=lambda one: one.offset):
        if section.offset > end:
            found.append(Section(name=_gap(end), offset=end, size=section.offset - end))
        found.append(section)
        end = max(end, section.offset + section.size)
    if end < len(data):
        found.append(Section(name="after the sections", offset=end, size=len(data) - end))
    return tuple(found)


def _gap(offset: int) -> str:
    return "between sections" if offset else "headers"


def _named(view: View) -> list[Section]:
    head = bytes(view.data[:HEAD_BYTES])
    row = find_format(head)
    if row is None or is_fat(head):
        return []
    if row.name == "elf":
        return [
            Section(name=section.name, offset=section.offset, size=section.size)
            for section in elf_layout.read_layout(view).sections
            if section.size and section.type != _SHT_NOBITS
        ]
    if row.name == "macho":
        layout = macho_layout.read_layout(macho_commands.read_commands(view))
        named = [
            Section(name=section.name, offset=section.offset, size=len(section.data))
            for section in layout.sections
            if len(section.data)
        ]
        return named + [
            Section(name=name, offset=segment.offset, size=len(segment.data))
            for name, segment in zip(layout.names, layout.segments, strict=True)
            if name == "__LINKEDIT" and len(segment.data)
        ]
    if row.name == "pe":
        return [
            Section(name=section.name, offset=section.offset, size=len(section.data))
            for section in pe_layout.read_layout(view).sections
            if len(section.data)
        ]
    return []
