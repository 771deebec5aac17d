"""The lock's file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_golink.errors import LockError
from pytest_golink.lock import Lock, lock_path, lock_text, read_lock, write_lock


def test_it_lies_beside_its_policy() -> None:
    assert lock_path(Path("a/golink.toml")) == Path("a/golink.lock")
    assert lock_path(Path("a/strict.toml")) == Path("a/strict.lock")


def test_it_is_written_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "golink.lock"

    write_lock(path, lock_text([]))
    write_lock(path, lock_text([]))

    assert read_lock(path, name="golink.lock") == Lock()
    assert [each.name for each in tmp_path.iterdir()] == ["golink.lock"]


def test_it_keeps_its_mode_and_stays_a_link(tmp_path: Path) -> None:
    real, path = tmp_path / "real", tmp_path / "golink.lock"
    real.write_text("")
    real.chmod(0o640)
    path.symlink_to("real")

    write_lock(path, "text")

    assert path.is_symlink()
    assert real.read_text() == "text"
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_link_out_of_the_project_is_neither_read_nor_written(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    path = project / "golink.lock"
    path.symlink_to("../outside")

    for there in (False, True):
        if there:
            outside.write_text("mine")
        with pytest.raises(LockError, match=r"golink.lock: is a link out of the project, to /.*/outside: "):
            write_lock(path, "text")
        with pytest.raises(LockError, match="is a link out of the project"):
            read_lock(path, name="golink.lock")
    assert outside.read_text() == "mine"


def test_a_link_inside_the_repository_stays_one(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / "golink.lock"
    path.symlink_to("../golink.lock")

    write_lock(path, lock_text([]))

    assert path.is_symlink()
    assert read_lock(path, name="sub/golink.lock") == Lock()


def test_a_fifo_in_its_place_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "golink.lock")

    with pytest.raises(LockError, match=r"golink\.lock: is not a regular file"):
        read_lock(tmp_path / "golink.lock", name="golink.lock")


def test_a_new_one_is_as_readable_as_other_new_files(tmp_path: Path) -> None:
    path, other = tmp_path / "golink.lock", tmp_path / "other"
    other.touch()

    write_lock(path, "text")

    assert path.stat().st_mode == other.stat().st_mode


def test_one_that_is_not_there_is_an_error_that_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(LockError) as caught:
        read_lock(tmp_path / "golink.lock", name="sub/golink.lock")

    assert str(caught.value) == "sub/golink.lock: there is no such file; `pytest --golink-update-lock` writes it"


def test_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "golink.lock"
    path.mkdir()

    with pytest.raises(LockError, match=r"^golink\.lock: cannot be read: Is a directory$"):
        read_lock(path, name="golink.lock")
    with pytest.raises(LockError, match=r"^golink\.lock: cannot be written: Is a directory$"):
        write_lock(path, "text")
    # What was written beside it is gone.
    assert [*tmp_path.iterdir()] == [path]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LockError, match=r"^golink\.lock: cannot be written: No such file or directory$"):
        write_lock(tmp_path / "none" / "golink.lock", "text")


def test_bytes_that_are_no_text_are_an_error_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "golink.lock"
    path.write_bytes(b"lock = 1\n\n\xff\n")

    with pytest.raises(LockError, match=r"^golink\.lock:3: not UTF-8; "):
        read_lock(path, name="golink.lock")


def test_a_file_of_many_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "golink.lock"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)

    with pytest.raises(LockError, match="larger than 67,108,864 bytes: golink did not write it"):
        read_lock(path, name="golink.lock")
