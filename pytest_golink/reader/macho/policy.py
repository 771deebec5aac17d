"""
What dyld's rules forbid to an image, each from an SDK on: segments, their permissions and order, repeated commands.

Source: dyld-1378: mach_o/Policy.cpp (the SDK of each rule), mach_o/UnsafeHeader.cpp (validSemanticsRPath,
validSemanticsLinkedDylibs, validSegment, validSemanticsSegments), mach_o/Image.cpp (validLinkedit), mach_o/Platform.cpp
(spring 2025 is macOS 15.4, fall 2025 macOS 26).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.facts import PolicyBreach
from pytest_golink.reader.macho.commands import (
    LC_CODE_SIGNATURE,
    LC_RPATH,
    LC_SEGMENT_64,
    MH_DYLIB,
    MH_EXECUTE,
    MH_OBJECT,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import NeededLibrary
    from pytest_golink.reader.macho.commands import Command, Commands

_READ, _WRITE, _EXECUTE = 1, 2, 4
_SG_READ_ONLY = 0x10
_MH_PIE = 0x200000
_CPU_X86_64 = 0x01000007
_LC_SEGMENT_SPLIT_INFO = 0x1E
# The code signature is aligned to this, in bytes.
_SIGNATURE_ALIGNMENT = 16
_WORDS = {_READ: "r--", _READ | _WRITE: "rw-", _READ | _EXECUTE: "r-x"}
_FALL_2019, _FALL_2020, _SPRING_2025, _FALL_2025 = "10.15", "11", "15.4", "26"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Segment:
    name: str
    address: int
    memory_size: int
    offset: int
    file_size: int
    protection: int
    flags: int
    sections_end: int


def read_policy(image: Commands, needed: tuple[NeededLibrary, ...]) -> tuple[PolicyBreach, ...]:
    """
    Return what dyld's rules forbid, in the order in which dyld looks; () of an object or a 32-bit image.

    Raises:
        UnreadableBinaryError: A segment command is shorter than its fields.
    """
    if image.file_type == MH_OBJECT or not image.wide:
        return ()
    segments = [_segment(image, command) for command in image.all(LC_SEGMENT_64)]
    return tuple(
        PolicyBreach(text=text, sdk=sdk)
        for text, sdk in (*_commands(image, needed), *_permissions(image, segments), *_order(image, segments))
    )


def _commands(image: Commands, needed: tuple[NeededLibrary, ...]) -> Iterator[tuple[str, str]]:
    paths = [image.string(command) for command in image.all(LC_RPATH)]
    yield from ((f"duplicate LC_RPATH '{path}'", _FALL_2025) for path in _twice(paths))
    # A lazily loaded library is not among those.
    names = [library.name for library in needed if library.via != "LC_LAZY_LOAD_DYLIB"]
    yield from ((f"duplicate linked dylib '{name}'", _FALL_2025) for name in _twice(names))
    if not names:
        yield "missing LC_LOAD_DYLIB (must link with at least libSystem.dylib)", _SPRING_2025
    signature = image.first(LC_CODE_SIGNATURE)
    if signature is not None and image.fields(signature, "2I", "LC_CODE_SIGNATURE")[0] % _SIGNATURE_ALIGNMENT:
        yield "mis-aligned code signature", _FALL_2019


def _permissions(image: Commands, segments: list[_Segment]) -> Iterator[tuple[str, str]]:
    for segment in segments:
        if segment.file_size > segment.memory_size == segment.protection == 0:
            # Not mapped, as Go's __DWARF is.
            continue
        wanted, sdk = {
            "__TEXT": (_READ | _EXECUTE, _FALL_2019),
            "__LINKEDIT": (_READ, _FALL_2025 if image.file_type == MH_EXECUTE else "10.11"),
            "__DATA": (_READ | _WRITE, _FALL_2025),
            "__DATA_CONST": (_READ | _WRITE, _FALL_2025),
        }.get(segment.name, (segment.protection, ""))
        if segment.protection != wanted:
            yield f"{segment.name} segment permissions is not '{_WORDS[wanted]}'", sdk
        elif segment.name == "__DATA_CONST" and not segment.flags & _SG_READ_ONLY and not _for_the_cache(image):
            yield "__DATA_CONST segment missing SG_READ_ONLY flag", _FALL_2025
        if segment.sections_end > segment.address + segment.memory_size:
            yield f"a section goes past the end of segment '{segment.name}'", _FALL_2020


def _for_the_cache(image: Commands) -> bool:
    return image.file_type == MH_DYLIB and image.first(_LC_SEGMENT_SPLIT_INFO) is not None


def _order(image: Commands, segments: list[_Segment]) -> Iterator[tuple[str, str]]:
    mapped = [segment for segment in segments if segment.memory_size or segment.protection]
    yield from ((f"duplicate segment name '{name}'", _FALL_2025) for name in _twice([each.name for each in mapped]))
    sdk = _FALL_2025 if image.file_type == MH_EXECUTE else _FALL_2019
    # The last one, __LINKEDIT, is not looked at.
    for before, segment in pairwise(segments[:-1]):
        if segment.file_size and segment.offset < before.offset:
            yield f"segment '{before.name}' file offset out of order", sdk
        legacy = image.cpu == _CPU_X86_64 and image.file_type == MH_EXECUTE and not image.flags & _MH_PIE
        if segment.address < before.address and not legacy:
            yield f"segment '{segment.name}' vm address out of order", sdk


def _twice(names: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)


def _segment(image: Commands, command: Command) -> _Segment:
    raw, address, span, offset, size, _, protection, count, flags = image.fields(
        command, "16s4Q4I", "a segment command"
    )
    entry = Struct(f"{image.order}16s16s2Q8I")
    ends = [0]
    for index in range(count):
        fields = image.view.unpack(entry, command.offset + 72 + index * entry.size, "a section header")
        ends.append(fields[2] + fields[3])
    return _Segment(
        name=raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace"),
        address=address,
        memory_size=span,
        offset=offset,
        file_size=size,
        protection=protection,
        flags=flags,
        sections_end=max(ends),
    )
