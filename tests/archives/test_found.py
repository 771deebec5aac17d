from __future__ import annotations

import gzip
import os
import re
import tarfile
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest

from pytest_golink.archives import Found, find_images
from pytest_golink.archives.found import stamp_of
from pytest_golink.errors import ArchiveError, NoMatchError
from tests.archives.packing import Layout, special, tar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (
        "dist/linux_amd64/agent",
        "dist/linux_arm64/agent",
        "dist/linux_arm64/agent.sha256",
        "dist/.hidden/agent",
    ):
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text(name)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "agent").write_text("outside")
    return tmp_path / "project"


def names(*patterns: str, folder: Path) -> list[str]:
    return [one.name for one in find_images(patterns, folder)]


def refusal(pattern: str, folder: Path) -> str:
    with pytest.raises(NoMatchError) as error:
        find_images([pattern], folder)
    return str(error.value)


def test_globs_find_files_sorted_and_each_once(project: Path) -> None:
    assert names("dist/linux_*/agent", "dist/linux_arm64/*", folder=project) == [
        "dist/linux_amd64/agent",
        "dist/linux_arm64/agent",
        "dist/linux_arm64/agent.sha256",
    ]
    assert names("**/agent", folder=project) == [
        "dist/.hidden/agent",
        "dist/linux_amd64/agent",
        "dist/linux_arm64/agent",
    ]
    assert names("./dist/linux_amd64/agent", folder=project) == ["dist/linux_amd64/agent"]


def test_a_file_is_its_own_extract(project: Path) -> None:
    (found,) = find_images(["dist/linux_amd64/agent"], project)

    assert found == Found(name="dist/linux_amd64/agent", source=project / "dist/linux_amd64/agent")
    assert found.path == found.at(project / "never") == project / "dist/linux_amd64/agent"
    assert not (project / "never").exists()


def test_a_glob_without_a_match_says_what_is_there(project: Path) -> None:
    assert refusal("dist/*/agnet", project) == (
        f"dist/*/agnet: no file matches (looked in {project}/dist); there is "
        "dist/.hidden/agent, dist/linux_amd64/agent, dist/linux_arm64/agent, and 1 more"
    )
    assert refusal("build/agent", project).startswith(
        f"build/agent: no file matches (looked in {project}); there is dist/"
    )
    assert refusal("dist/linux_amd64", project) == (
        f"dist/linux_amd64: dist/linux_amd64 is a folder, not a file (looked in {project})"
    )
    (project / "empty").mkdir()
    assert refusal("empty/*", project) == f"empty/*: no file matches (looked in {project}/empty)"


@pytest.mark.parametrize(
    "pattern", ["../outside/agent", "/etc/passwd", "dist/../../outside/*", "C:/agent", "dist\\..\\x"]
)
def test_a_pattern_does_not_lead_out(pattern: str, project: Path) -> None:
    assert refusal(pattern, project) == f"{pattern}: leads out of the folder (looked in {project})"


def test_a_link_that_leads_out_is_an_error_and_one_that_stays_is_none(project: Path) -> None:
    (project / "inside").symlink_to("dist/linux_amd64/agent")
    (project / "latest").symlink_to("dist/linux_arm64")
    assert names("inside", "latest/agent", folder=project) == ["inside", "latest/agent"]
    # "**" does not go through links to folders: it would see files twice, or go in a circle.
    assert "latest/agent" not in names("**/agent", folder=project)

    (project / "out").symlink_to("../outside/agent")
    (project / "outer").symlink_to("../outside")
    (project / "nothing").symlink_to("gone")
    assert f"out leads out of the folder, to {project.parent}/outside/agent" in refusal("out", project)
    assert f"agent leads out of the folder, to {project.parent}/outside/agent" in refusal("outer/*", project)
    assert "nothing is a link to nothing" in refusal("noth*", project)


def test_only_regular_files_are_images(project: Path) -> None:
    os.mkfifo(project / "dist" / "fifo")

    assert "no file matches" in refusal("dist/f*", project)


def test_a_folder_that_cannot_be_read_is_an_error(project: Path) -> None:
    assert f"{project}/gone: cannot be looked through: No such file or directory" in refusal("*", project / "gone")


def test_an_archive_that_cannot_be_opened_is_an_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)

    with pytest.raises(ArchiveError, match=r"^dist/linux_amd64/agent: cannot be read: Permission denied$"):
        find_images(["dist/linux_amd64/agent!app"], project)


def test_of_many_files_some_are_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_golink.archives.found._LOOKED_AT", 2)

    assert refusal("x", project).endswith("there is dist/.hidden/agent, dist/linux_amd64/agent")
    assert ".: . is a folder, not a file" in refusal(".", project)


def test_damage_that_shows_when_a_member_is_extracted_is_an_error(tmp_path: Path) -> None:
    def damaged(_file: BinaryIO, _name: str) -> Iterator[bytes]:
        yield b"1"
        raise zlib.error("invalid block type")

    archive = tmp_path / "a.tar"
    archive.write_bytes(b"")
    with archive.open("rb") as file:
        found = Found(name="a.tar!app", source=archive, stamp=stamp_of(file), chain=(damaged,))

    with pytest.raises(ArchiveError, match=r"^a\.tar!app: is damaged: invalid block type$"):
        found.at(tmp_path / "out")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_a_member_is_extracted_once_by_whoever_comes_first(tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(tar({"app": content}), 0))
    paths: list[Path] = []

    def extract() -> None:
        (found,) = find_images(["a.tar.gz!app"], tmp_path)
        paths.append(found.at(tmp_path / "out"))

    threads = [threading.Thread(target=extract) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(paths)) == 1
    assert paths[0].read_bytes() == content
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [paths[0]]
    status = paths[0].stat()
    extract()
    assert paths[-1].stat().st_mtime_ns == status.st_mtime_ns


def test_an_archive_of_the_same_size_and_time_is_another_one(tmp_path: Path) -> None:
    # As SOURCE_DATE_EPOCH and tar's --mtime make them.
    read = []
    for content in (b"1", b"2"):
        (tmp_path / "a.tar").write_bytes(tar({"app": content}))
        os.utime(tmp_path / "a.tar", (1, 1))
        (found,) = find_images(["a.tar!app"], tmp_path)
        read.append(found.at(tmp_path / "out").read_bytes())

    assert read == [b"1", b"2"]


def test_an_extracted_member_that_was_changed_is_extracted_again(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"app": b"right"}))
    (found,) = find_images(["a.tar!app"], tmp_path)
    path = found.at(tmp_path / "out")
    status = path.stat()
    for again in (found, *find_images(["a.tar!app"], tmp_path)):
        path.write_bytes(b"wrong")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert again.at(tmp_path / "out").read_bytes() == b"right"
    path.unlink()
    assert found.at(tmp_path / "out").read_bytes() == b"right"


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"app": b"1"}))
    (tmp_path / "file").write_bytes(b"")
    (found,) = find_images(["a.tar!app"], tmp_path)

    path = found.at(tmp_path / "file" / "out")

    assert path.read_bytes() == b"1"
    assert not path.is_relative_to(tmp_path)


def test_where_no_folder_can_be_written_both_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"app": b"1"}))
    (tmp_path / "file").write_bytes(b"")
    (found,) = find_images(["a.tar!app"], tmp_path)
    monkeypatch.setattr("pytest_golink.archives.extracted._temporary_folder", lambda: tmp_path / "file")

    with pytest.raises(ArchiveError, match=r"^a\.tar!app: cannot be extracted into .*/file/out: .*; nor elsewhere: "):
        found.at(tmp_path / "file" / "out")


def test_a_compressed_archive_is_unpacked_once_for_its_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_golink.archives.streams._CLOCK_S", -1.0)
    for name, add in (("a", b""), ("b", b"!")):
        (tmp_path / name).write_bytes(gzip.compress(tar({str(number): b"%d" % number + add for number in range(9)})))

    found = [*find_images(["a!*"], tmp_path), *find_images(["b!*"], tmp_path), *find_images(["a!*"], tmp_path)]

    content = [str(number).encode() for number in range(9)]
    read = [one.at(tmp_path / "out").read_bytes() for one in found]
    assert read == [*content, *(one + b"!" for one in content), *content]


def test_an_archive_that_was_packed_anew_is_extracted_anew(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"app": b"1"}))
    (before,) = find_images(["a.tar!app"], tmp_path)
    first = before.at(tmp_path / "out")
    (tmp_path / "a.tar").write_bytes(tar({"app": b"2"}))
    os.utime(tmp_path / "a.tar", (1, 1))
    (after,) = find_images(["a.tar!app"], tmp_path)

    assert after.at(tmp_path / "out").read_bytes() == b"2"
    assert first.read_bytes() == b"1"


def fifo(place: Path) -> None:
    os.mkfifo(place)


def endless(place: Path) -> None:
    place.symlink_to("/dev/zero")


def elsewhere(place: Path) -> None:
    (place.parents[3] / "elsewhere").write_bytes(b"1")
    place.symlink_to(place.parents[3] / "elsewhere")


def terabyte(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize("put", [fifo, endless, elsewhere, terabyte])
def test_what_another_put_into_the_cache_is_replaced(put: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"app": b"1"}))
    (found,) = find_images(["a.tar!app"], tmp_path)
    path = found.at(tmp_path / "cache/out")
    path.unlink()
    put(path)

    for one in (found, *find_images(["a.tar!app"], tmp_path)):
        assert one.at(tmp_path / "cache/out") == path
        assert not path.is_symlink()
        assert path.read_bytes() == b"1"


def test_an_archive_that_changes_under_us_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"app": b"1"}))
    (found,) = find_images(["a.tar!app"], tmp_path)
    os.utime(tmp_path / "a.tar", (1, 1))

    with pytest.raises(ArchiveError, match=r"^a\.tar!app: the archive has changed since it was looked into$"):
        found.at(tmp_path / "out")
    (tmp_path / "a.tar").unlink()
    with pytest.raises(ArchiveError, match=r"^a\.tar!app: cannot be extracted: .*No such file"):
        found.at(tmp_path / "out")


@pytest.mark.parametrize("name", ["app", "..app", "a b", "-", "\u00fc" * 90, "x" * 200, ". .", "\x1b[2J"])
def test_a_member_s_file_has_a_name_that_every_system_takes(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({f"bin/{name}": b"1"}))

    (found,) = find_images(["a.tar!bin/*"], tmp_path)
    path = found.at(tmp_path / "out")

    assert path.parent.parent == tmp_path / "out"
    assert re.fullmatch(r"[A-Za-z0-9_.+-]{1,100}", path.name)
    assert path.name.strip(".")
    assert path.stat().st_mode & 0o111 == 0


def test_a_folder_of_a_glob_that_is_no_layout_is_passed_over(tmp_path: Path) -> None:
    made = Layout()
    made.index([made.image([tar({"app": b"1"})])])
    made.write(tmp_path / "dist" / "image")
    (tmp_path / "dist" / "other").mkdir()

    assert names("dist/*!app", folder=tmp_path) == ["dist/image!app"]
    assert "dist/other is a folder" in refusal("dist/other!app", tmp_path)


def test_a_member_s_name_may_be_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"bin/\udcff": b"1"}))

    (found,) = find_images(["a.tar!bin/?"], tmp_path)

    assert found.at(tmp_path / "out").read_bytes() == b"1"


def test_an_archive_may_list_the_folder_that_it_was_packed_from_and_a_folder_twice(
    tmp_path: Path,
) -> None:
    folder = special(".", tarfile.DIRTYPE)
    bin_folder = special("bin", tarfile.DIRTYPE)
    members = [folder, bin_folder, ("bin/app", b"1"), folder, bin_folder]
    (tmp_path / "a.tar").write_bytes(tar([*members, ("latest", "bin"), ("sbin", "bin/app")]))

    assert [found.name for found in find_images(["a.tar!**"], tmp_path)] == ["a.tar!bin/app", "a.tar!sbin"]


def test_a_link_to_the_folder_that_the_archive_was_packed_from_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"bin/app": b"1", "bin/all": "..", "here": "."}))

    assert [found.name for found in find_images(["a.tar!**"], tmp_path)] == ["a.tar!bin/app"]
