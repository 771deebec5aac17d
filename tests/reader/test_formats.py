"""The table of formats: what a file's first bytes tell."""

from __future__ import annotations

from typing import get_args

import pytest

from pytest_golink import facts
from pytest_golink.reader.formats import FORMATS, FormatRow, find_format, is_fat, is_image


def test_each_format_of_the_fact_has_a_row() -> None:
    assert set(FORMATS) == set(get_args(facts.Format))


@pytest.mark.parametrize("row", FORMATS.values(), ids=lambda row: row.name)
def test_each_magic_number_finds_its_row_and_only_that(row: FormatRow) -> None:
    assert {find_format(magic) for magic in row.magics} == {row}


@pytest.mark.parametrize(
    ("head", "image"),
    [
        (b"\x7fELF\2\1\1", True),
        (b"\xcf\xfa\xed\xfe\7\0\0\1", True),
        (b"\xca\xfe\xba\xbe\0\0\0\2", True),
        (b"\xca\xfe\xba\xbf\0\0\0\2", True),
        (b"MZ\x90\0", True),
        (b"\0asm\1\0\0\0", True),
        (b"\0\0\x06\x47", True),
        (b"\x01\xf7\0\x0e", True),
        # As many sections no image of AIX has; a Java class file; an object; an archive; a text.
        (b"\x01\xf7\x7f\x0e", False),
        (b"\xca\xfe\xba\xbe\0\0\0\x41", False),
        (b"\x64\x86\3\0", False),
        (b"!<arch>\n", False),
        (b"#!/bin/sh\n", False),
        (b"", False),
    ],
)
def test_an_image_is_told_by_its_first_bytes(head: bytes, image: bool) -> None:
    assert is_image(head) is image


def test_a_java_class_is_no_fat_file() -> None:
    assert is_fat(b"\xca\xfe\xba\xbe\0\0\0\2")
    assert not is_fat(b"\xca\xfe\xba\xbe\0\0\0\x41")
    assert not is_fat(b"\xcf\xfa\xed\xfe\7\0\0\1")
