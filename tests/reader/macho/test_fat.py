"""Fat Mach-O files: a fact sheet a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink import read_binary
from pytest_golink.errors import ParameterError, UnreadableBinaryError
from pytest_golink.reader import read_binaries
from pytest_golink.reader.macho.facts import read_macho
from tests.reader.handmade_macho import AMD64, ARM64, PPC, Maker, fat

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample


@pytest.mark.parametrize("wide", [False, True])
def test_each_slice_has_its_facts(go_sample: GoSample, tmp_path: Path, wide: bool) -> None:
    thin = {goarch: go_sample("static", target=f"darwin/{goarch}", cgo=False) for goarch in ("amd64", "arm64")}
    path = tmp_path / "fat"
    path.write_bytes(fat((AMD64, thin["amd64"].path.read_bytes()), (ARM64, thin["arm64"].path.read_bytes()), wide=wide))

    facts = read_binaries(path)

    assert [each.slice for each in facts] == ["amd64", "arm64"]
    assert [each.target for each in facts] == [thin[goarch].facts.target for goarch in ("amd64", "arm64")]
    assert [each.imports for each in facts] == [thin[goarch].facts.imports for goarch in ("amd64", "arm64")]
    assert {each.size for each in facts} == {path.stat().st_size}
    assert read_binary(path, slice="arm64") == facts[1]
    with pytest.raises(ParameterError, match="amd64, arm64"):
        read_binary(path)


def test_a_slice_that_is_no_port_of_go_is_named_by_its_cpu() -> None:
    image = fat((PPC, Maker(order=">").image(cpu=PPC)), (0x99, Maker().image(cpu=0x99)))

    assert [facts.slice for facts in read_macho("fat", memoryview(image))] == ["ppc", "0x99"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda image: image[:-1], "goes 1 bytes past the end"),
        (lambda image: image[:20], "the table of 2 slices"),
        (lambda image: image[:6], "the fat header"),
        (lambda image: image[:4] + bytes(4) + image[8:], "without a slice"),
        (lambda image: image[:16] + bytes(4) + image[20:], "overlaps"),
        (lambda image: image[:36] + image[16:20] + image[40:], "overlaps"),
        (lambda image: image[:8] + b"\0\0\0\x12" + image[12:], "the fat header says CPU type 0x12"),
    ],
)
def test_a_damaged_fat_header_is_an_error(damage, reason: str) -> None:  # type: ignore[no-untyped-def]
    image = fat((AMD64, Maker().image(cpu=AMD64, tail=bytes(0x1000))), (ARM64, Maker().image(tail=bytes(0x3000))))

    with pytest.raises(UnreadableBinaryError, match=reason):
        read_macho("fat", memoryview(damage(image)))


def test_damage_in_a_slice_is_named_by_its_place_in_the_file() -> None:
    image = bytearray(fat((AMD64, Maker().image(cpu=AMD64))))
    image[0x4000 + 12] = 4

    with pytest.raises(UnreadableBinaryError, match="a core file"):
        read_macho("fat", memoryview(bytes(image)))
