"""Images that are there already: plain files, members of archives, slices of fat files, what goreleaser built."""

from __future__ import annotations

import json
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_golink import GolinkError, UnreadableBinaryError
from pytest_golink.archives.found import Found
from pytest_golink.builder import prebuilt
from pytest_golink.builder.prebuilt import as_image, find_artifacts, find_prebuilt

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

ARCHITECTURES = {"amd64": (0x0100_0007, 3), "arm64": (0x0100_000C, 0)}


@pytest.fixture(scope="module")
def thin(go_sample: GoSample) -> dict[str, bytes]:
    """The Mach-O images of a program, by GOARCH."""
    return {arch: go_sample("static", target=f"darwin/{arch}", cgo=False).path.read_bytes() for arch in ARCHITECTURES}


def fat(images: dict[str, bytes]) -> bytes:
    """What lipo makes of thin images: each at a boundary of 2^14."""
    header, body, offset = struct.pack(">II", 0xCAFEBABE, len(images)), b"", 1 << 14
    for arch, image in images.items():
        cpu, subtype = ARCHITECTURES[arch]
        header += struct.pack(">IIIII", cpu, subtype, offset, len(image), 14)
        body += image + bytes(-len(image) % (1 << 14))
        offset = (1 << 14) + len(body)
    return header.ljust(1 << 14, b"\0") + body


def test_each_slice_of_a_fat_file_is_an_image_in_an_archive_too(tmp_path: Path, thin: dict[str, bytes]) -> None:
    (tmp_path / "app").write_bytes(fat(thin))
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.write(tmp_path / "app", "bin/app")

    found = find_prebuilt(["app", "app.zip!bin/app"], tmp_path, extract_to=tmp_path / "extracted")

    assert [(one.label, one.target) for one in found] == [
        ("app[darwin/amd64]", "darwin/amd64"),
        ("app[darwin/arm64]", "darwin/arm64"),
        ("app.zip!bin/app[darwin/amd64]", "darwin/amd64"),
        ("app.zip!bin/app[darwin/arm64]", "darwin/arm64"),
    ]
    assert [one.facts.slice for one in found] == ["amd64", "arm64"] * 2
    binary = as_image(found[1])
    assert (binary.name, binary.target, binary.facts.slice) == ("app[darwin/arm64]", "darwin/arm64", "arm64")
    assert found[0].facts is found[0].facts


def test_a_fat_file_of_one_slice_is_one_image_and_a_damaged_one_is_an_error_when_it_is_read(
    tmp_path: Path, thin: dict[str, bytes]
) -> None:
    (tmp_path / "one").write_bytes(fat({"arm64": thin["arm64"]}))
    (tmp_path / "damaged").write_bytes(fat(thin)[:20_000])

    damaged, one = find_prebuilt(["one", "damaged"], tmp_path, extract_to=tmp_path)

    assert (one.label, one.target, str(one.facts.target)) == ("one", None, "darwin/arm64")
    assert damaged.label == "damaged"
    with pytest.raises(UnreadableBinaryError):
        _ = damaged.facts


def test_a_file_that_cannot_be_opened_has_no_slices_and_is_an_error_when_it_is_read(tmp_path: Path) -> None:
    # The folder stands for a file that another user owns: root opens that.
    (one,) = prebuilt._slices(Found(name="app", source=tmp_path), extract_to=tmp_path)

    assert one.label == "app"
    with pytest.raises(UnreadableBinaryError, match="directory"):
        _ = one.facts


def test_a_file_that_loses_a_slice_after_it_was_found_is_an_error(tmp_path: Path, thin: dict[str, bytes]) -> None:
    (tmp_path / "app").write_bytes(fat(thin))
    first, _ = find_prebuilt(["app"], tmp_path, extract_to=tmp_path)
    (tmp_path / "app").write_bytes(fat({"arm64": thin["arm64"]}))

    with pytest.raises(GolinkError, match=r"^app\[darwin/amd64\]: the file has changed since it was found$"):
        _ = first.facts


def test_an_image_that_is_not_for_the_target_that_goreleaser_says_is_an_error(
    tmp_path: Path, thin: dict[str, bytes]
) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    entries = []
    for arch, content in (("amd64", thin["amd64"]), ("arm64", thin["amd64"])):
        (dist / arch).write_bytes(content)
        entries.append(
            {"type": "Binary", "name": "app", "path": f"dist/{arch}", "goos": "darwin", "goarch": arch, "extra": {}}
        )
    (dist / "artifacts.json").write_text(json.dumps(entries))

    right, wrong = find_artifacts("dist", tmp_path, ids=(), extract_to=tmp_path)

    assert (right.label, right.target) == ("dist/amd64", "darwin/amd64")
    assert str(right.facts.target) == "darwin/amd64"
    with pytest.raises(GolinkError, match=r"^dist/arm64: listed as darwin/arm64, but the image is for darwin/amd64$"):
        _ = wrong.facts
