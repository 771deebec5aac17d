"""An archive in `path` without "!", and braces in a pattern: the error says what to write."""

from __future__ import annotations

import gzip
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_golink.builder.prebuilt import find_prebuilt
from pytest_golink.errors import NoMatchError, UnreadableBinaryError
from tests.archives.packing import deb, tar

if TYPE_CHECKING:
    from pathlib import Path


def refusal(folder: Path, pattern: str) -> str:
    [found] = find_prebuilt([pattern], folder, extract_to=folder / "out")
    with pytest.raises(UnreadableBinaryError) as caught:
        _ = found.facts
    return caught.value.reason


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar", "a.zip", "a.deb", "a.7z", "a.gz"])
def test_an_archive_says_that_its_members_are_to_be_named(tmp_path: Path, name: str) -> None:
    members = {"bin/app": b"\x7fELF"}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("bin/app", b"")
    (tmp_path / "a.tar").write_bytes(tar(members))
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(tar(members)))
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"app"))
    (tmp_path / "a.deb").write_bytes(deb(members))
    (tmp_path / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(600))

    assert refusal(tmp_path, name) == f"an archive: name its members, `{name}!**`"


def test_a_file_that_is_neither_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# app\n")

    assert "name its members" not in refusal(tmp_path, "README.md")
    (tmp_path / "README.md").write_bytes(bytes(1024))
    assert "name its members" not in refusal(tmp_path, "README.md")


@pytest.mark.parametrize("pattern", ["app{,s}", "bin/{app,tool}", "a.tar!bin/{app,tool}"])
def test_braces_are_not_special(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"bin/app": b""}))

    with pytest.raises(NoMatchError, match="; braces are not special in a pattern: write each of its forms as a "):
        find_prebuilt([pattern], tmp_path, extract_to=tmp_path / "out")


def test_braces_in_a_name_are_found(tmp_path: Path) -> None:
    (tmp_path / "app{s}").write_bytes(b"")

    assert [found.label for found in find_prebuilt(["app{s}"], tmp_path, extract_to=tmp_path)] == ["app{s}"]
