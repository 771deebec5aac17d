"""Platform, SDK and UUID of Mach-O images."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from macholib.MachO import MachO as Second

from pytest_golink import MachO, UnreadableBinaryError
from pytest_golink.reader.macho.facts import read_macho
from tests.reader.handmade_macho import Maker
from tests.reader.macho_edit import without_command

if TYPE_CHECKING:
    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts

LC_UUID = 0x1B


def read(image: bytes) -> BinaryFacts:
    (facts,) = read_macho("image", memoryview(image))
    return facts


def image_with(number: int, fields: bytes) -> bytes:
    return Maker().image(Maker().command(number, f"{len(fields)}s", fields))


@pytest.mark.parametrize("goarch", ["amd64", "arm64"])
def test_macholib_reads_the_same_uuid_and_sdk(go_sample: GoSample, goarch: str) -> None:
    binary = go_sample("static", target=f"darwin/{goarch}", cgo=False)

    macho = binary.facts.macho
    (header,) = Second(str(binary.path)).headers
    commands = {load.cmd: command for load, command, _ in header.commands}
    assert macho is not None
    assert macho.platform == "macos"
    assert macho.uuid == str(UUID(bytes=commands[LC_UUID].uuid)).upper()
    sdk = int(commands[0x32].sdk)
    assert macho.sdk == f"{sdk >> 16}.{sdk >> 8 & 0xFF}"


def test_an_image_whose_uuid_was_cut_out_has_none(go_sample: GoSample) -> None:
    image = go_sample("static", target="darwin/arm64", cgo=False).path.read_bytes()
    facts = read(without_command(image, LC_UUID))

    assert facts.macho is not None
    assert facts.macho.uuid is None
    assert facts.macho.platform == "macos"


@pytest.mark.parametrize(
    ("number", "fields", "expected"),
    [
        (0x32, (1, 0x0D0000, 0x1A0200, 0), MachO(platform="macos", sdk="26.2")),
        (0x32, (7, 0x0D0000, 0x110001, 0), MachO(platform="iossimulator", sdk="17.0.1")),
        (0x32, (99, 0x0D0000, 0, 0), MachO(platform="platform 99")),
        (0x24, (0x0A0900, 0x0A0E00), MachO(platform="macos", sdk="10.14")),
        (0x25, (0x0A0900, 0), MachO(platform="ios")),
        (0x30, (0x040000, 0x040100), MachO(platform="watchos", sdk="4.1")),
    ],
)
def test_each_platform_has_its_name(number: int, fields: tuple[int, ...], expected: MachO) -> None:
    macho = read(image_with(number, struct.pack(f"<{len(fields)}I", *fields))).macho

    # What dyld forbids to an image without libSystem: test_policy.py.
    assert macho is not None
    assert replace(macho, policy=()) == expected


def test_without_such_commands_nothing_is_known() -> None:
    macho = read(image_with(0x2B, b"\0" * 8)).macho

    assert macho is not None
    assert replace(macho, policy=()) == MachO()


def test_a_uuid_that_is_too_short_is_damage() -> None:
    with pytest.raises(UnreadableBinaryError, match="LC_UUID has 16 bytes, fewer than its fields need"):
        read(image_with(LC_UUID, b"\0" * 8))
