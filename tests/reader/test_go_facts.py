"""What all readers take from Go's structures, and the marks of a packer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import Content
from pytest_golink.reader.go_facts import read_go_facts
from tests.golang.handmade import TEXT_START, Machine, image, region

if TYPE_CHECKING:
    from pytest_golink.facts import Format
    from pytest_golink.golang.image import MappedImage


def packed(mapped: MappedImage) -> str | None:
    content = read_go_facts(mapped, imports=()).content
    assert content == Content(packed=content.packed)
    return content.packed


def test_without_a_pclntab_the_content_is_unknown() -> None:
    exports = region(b"v3;\npackage main\n", 0, name=".go_export", writable=False)
    code = region(bytes(64), TEXT_START, writable=False, executable=True)

    made = read_go_facts(image(code, sections=[exports]), imports=())

    assert made.build is not None
    assert made.content == Content()


def test_of_a_program_whose_runtime_is_in_a_library_only_the_layout_is_known() -> None:
    table = region(Machine().pclntab(("main.main", "main.init")), name=".gopclntab", writable=False)

    made = read_go_facts(image(table, sections=[table]), imports=())

    assert made.content == Content(pclntab="1.20")
    assert (made.cgo.used, made.resolver) == (None, None)


@pytest.mark.parametrize("image_format", ["elf", "macho"])
def test_upxs_mark_stands_behind_the_headers(image_format: Format) -> None:
    assert packed(image(region(bytes(300) + b"UPX!" + bytes(8000)), image_format=image_format)) == "UPX"
    # A program that looks for the mark has it among its own data.
    assert packed(image(region(bytes(7000) + b"UPX!"), image_format=image_format)) is None


def test_upx_names_the_sections_of_a_pe_image() -> None:
    first, second = region(b"\0", name="UPX0"), region(b"\0", name="UPX1")

    assert packed(image(sections=(first, second), image_format="pe")) == "UPX"
    assert packed(image(sections=(first,), image_format="pe")) is None
    assert packed(image(region(b"UPX!" * 1000), image_format="pe")) is None
