"""Notes: those of mixed alignment, damaged ones, and the libraries that a program says it loads while it runs."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import DlopenNote
from pytest_golink.reader.bounds import View
from pytest_golink.reader.elf.facts import read_elf
from pytest_golink.reader.elf.layout import read_layout
from pytest_golink.reader.elf.notes import read_notes
from tests.reader.elf.edits import LOAD, NOTE, Image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reader.c_images import CompileC

DLOPEN = 0x407C0C0A


def note(owner: bytes, kind: int, content: bytes, pad: int) -> bytes:
    head = struct.pack("<3I", len(owner) + 1, len(content), kind) + owner + b"\0"
    head += bytes(-len(head) % pad)
    return head + content + bytes(-len(content) % pad)


def with_notes(program: Path, content: bytes, alignment: int) -> bytes:
    """A program whose first PT_NOTE is this, behind everything else in the file."""
    image = Image(program)
    image.without_sections()
    kept = [header for header in image.headers if header[0] != NOTE]
    spare = len(image.headers) - len(kept)
    place = -(-len(image.bytes) // 8) * 8
    size = len(content)
    image.headers = [*kept, [NOTE, 4, place, 0, 0, size, size, alignment], *[[0] * 8] * (spare - 1)]
    image.bytes += bytes(place - len(image.bytes)) + content
    assert any(header[0] == LOAD for header in image.headers)
    return image.data()


def notes_of(data: bytes) -> list[tuple[bytes, int, bytes]]:
    return list(read_notes(read_layout(View(memoryview(data), path="image", format="elf"))))


def test_notes_that_pad_to_four_in_a_segment_aligned_to_eight_are_read(compile_c: CompileC) -> None:
    # mold puts .note.gnu.property, aligned to 8, and the build ID, aligned to 4, into one PT_NOTE.
    content = note(b"GNU", 3, b"\x14" * 20, 4) + note(b"GNU", 1, struct.pack("<4I", 0, 3, 2, 0), 4)
    data = with_notes(compile_c(), content, 8)

    assert [kind for _, kind, _ in notes_of(data)] == [3, 1]
    elf = read_elf("image", memoryview(data)).elf
    assert elf is not None
    assert elf.kernel_minimum == "3.2.0"


def test_a_damaged_note_costs_only_what_it_would_have_said(compile_c: CompileC) -> None:
    content = note(b"GNU", 1, struct.pack("<4I", 0, 3, 2, 0), 4) + struct.pack("<3I", 4, 1 << 20, 3) + b"GNU\0"
    data = with_notes(compile_c(), content, 4)

    assert [kind for _, kind, _ in notes_of(data)] == [1]
    facts = read_elf("image", memoryview(data))
    assert [library.name for library in facts.needed] == ["libc.so.6"]
    assert facts.elf is not None
    assert facts.elf.dlopen is None


def dlopen(program: Path, *contents: bytes) -> tuple[DlopenNote, ...] | None:
    notes = b"".join(note(b"FDO", DLOPEN, content, 4) for content in contents)
    elf = read_elf("image", memoryview(with_notes(program, notes, 4))).elf
    assert elf is not None
    return elf.dlopen


# The example of the specification: https://uapi-group.org/specifications/specs/elf_dlopen_metadata/
def test_libraries_that_are_loaded_while_the_program_runs(compile_c: CompileC) -> None:
    text = json.dumps(
        [
            {"soname": ["libbpf.so.1", "libbpf.so.0"], "feature": "bpf", "description": "…", "priority": "suggested"},
            {"soname": ["libidn2.so.0"]},
        ]
    )

    assert dlopen(compile_c(), text.encode() + b"\0") == (
        DlopenNote(sonames=("libbpf.so.1", "libbpf.so.0"), priority="suggested", feature="bpf", description="…"),
        DlopenNote(sonames=("libidn2.so.0",)),
    )
    assert dlopen(compile_c()) == ()


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b"3",
        b"[3]",
        b"[{}]",
        b'[{"soname": "libz.so.1"}]',
        b'[{"soname": [1]}]',
        b'[{"soname": ["libz.so.1"], "priority": "maybe"}]',
        b"[" * 100_000,
    ],
)
def test_a_damaged_text_leaves_them_unknown(compile_c: CompileC, content: bytes) -> None:
    assert dlopen(compile_c(), content) is None
