"""Files that are written whole or not at all, and digests."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from pytest_golink.files import digest, replacing, write_whole


def test_a_file_is_replaced_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"

    assert path.read_text() == "new"
    assert [*tmp_path.iterdir()] == [path]


def test_a_block_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def interrupted() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()

    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def write_on_full_disk() -> None:
        with replacing(path) as file:
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, file.fileno())
            os.close(full)
            file.write(b"new")

    with pytest.raises(OSError, match="No space left"):
        write_on_full_disk()

    assert [*tmp_path.iterdir()] == []


def test_the_mode_is_the_old_file_s_or_that_of_any_new_file(tmp_path: Path) -> None:
    old, new, other = tmp_path / "old", tmp_path / "new", tmp_path / "other"
    old.touch()
    old.chmod(0o604)
    other.touch()

    for path in (old, new):
        write_whole(path, b"text")

    assert stat.S_IMODE(old.stat().st_mode) == 0o604
    assert new.stat().st_mode == other.stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path = tmp_path / "link"
    path.symlink_to("target")

    write_whole(path, b"text")

    assert path.readlink() == Path("target")
    assert (tmp_path / "target").read_bytes() == b"text"


@pytest.mark.parametrize("size", [0, 1, 3 << 20])
def test_a_digest_is_that_of_the_whole_content(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)

    assert digest(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_no_digest_waits_or_leads_elsewhere(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "endless").symlink_to("/dev/zero")

    for name, reason in (("fifo", "is no regular file"), ("endless", "symbolic links")):
        with pytest.raises(OSError, match=reason):
            digest(tmp_path / name)
