"""
The notes of an ELF image. No loader needs them to start a program: a damaged one costs only what it would have said.

Source: System V gABI, chapter 5, "Note Section"; the UAPI group's "ELF dlopen() metadata".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_golink.facts import DlopenNote
from pytest_golink.reader.elf.layout import ET_REL, PT_NOTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.elf.layout import Layout, Segment

    Note = tuple[bytes, int, bytes]

_NT_GNU_ABI_TAG, _ABI_TAG_BYTES, _GNU_ABI_LINUX = 1, 16, 0
_DLOPEN = (b"FDO", 0x407C0C0A)
_PRIORITIES = ("required", "recommended", "suggested")


def read_notes(layout: Layout) -> Iterator[Note]:
    """Yield (owner, type, content) of each note that the image maps, up to the first damaged one of a segment."""
    for segment in layout.segments_of(PT_NOTE):
        yield from _notes(layout, segment)[0]


def _notes(layout: Layout, segment: Segment) -> tuple[list[Note], bool]:
    """
    Return the notes of a segment, and whether they fill it.

    Those of a segment that is aligned to 8 pad to 8; but mold puts such that pad to 4 into one with them.
    """
    first, second = (8, 4) if segment.alignment == 8 else (4, 8)
    notes, whole = _walk(layout, segment, first)
    if not whole:
        others, whole = _walk(layout, segment, second)
        notes = others if whole else notes
    return notes, whole


def _walk(layout: Layout, segment: Segment, pad: int) -> tuple[list[Note], bool]:
    # The fields are words of 4 bytes in 64-bit files too.
    head = layout.header.layout("III", "III")
    data = layout.view.data
    notes: list[Note] = []
    at, end = segment.offset, segment.offset + segment.file_size
    while end - at >= head.size:
        owner_size, content_size, kind = layout.view.unpack(head, at, "a note")
        owner_at = at + head.size
        content_at = at + -(-(head.size + owner_size) // pad) * pad
        if content_at + content_size > end:
            return notes, False
        owner = bytes(data[owner_at : owner_at + owner_size]).rstrip(b"\0")
        notes.append((owner, kind, bytes(data[content_at : content_at + content_size])))
        at = content_at + -(-content_size // pad) * pad
    return notes, True


def kernel_minimum(layout: Layout) -> str | None:
    """Return the oldest Linux that C start-up code accepts ("3.2.0"), None without such a note."""
    for owner, kind, content in read_notes(layout):
        if (owner, kind) == (b"GNU", _NT_GNU_ABI_TAG) and len(content) >= _ABI_TAG_BYTES:
            system, *version = layout.header.layout("4I", "4I").unpack_from(content)
            if system == _GNU_ABI_LINUX:
                return ".".join(map(str, version))
    return None


def dlopen_notes(layout: Layout) -> tuple[DlopenNote, ...] | None:
    """Return the libraries that the image says it loads while it runs; None where a note is damaged."""
    if layout.header.type == ET_REL:
        return ()
    found: list[DlopenNote] = []
    for segment in layout.segments_of(PT_NOTE):
        notes, whole = _notes(layout, segment)
        if not whole:
            return None
        for owner, kind, content in notes:
            if (owner, kind) == _DLOPEN:
                try:
                    found += map(_dlopen, json.loads(content.rstrip(b"\0")))
                except (ValueError, TypeError, KeyError, RecursionError):
                    return None
    return tuple(found)


def _dlopen(entry: dict[str, object]) -> DlopenNote:
    sonames, priority = entry["soname"], entry.get("priority", "recommended")
    if not isinstance(sonames, list) or not all(isinstance(name, str) for name in sonames):
        raise TypeError("soname is a list of texts")
    if priority not in _PRIORITIES:
        raise ValueError("an unknown priority")
    feature, description = entry.get("feature"), entry.get("description")
    return DlopenNote(
        sonames=tuple(sonames),
        priority=str(priority),
        feature=feature if isinstance(feature, str) else None,
        description=description if isinstance(description, str) else None,
    )
