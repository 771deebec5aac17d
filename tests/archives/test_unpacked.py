"""Members are applied in order, as unpackers do; expected are the trees that GNU tar, containerd and umoci leave."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.archives import find_images
from pytest_golink.errors import ArchiveError, GolinkError
from tests.archives.packing import Layout, cpio, deb, rpm, special, tar, zipped

if TYPE_CHECKING:
    from pathlib import Path

_FILE = 0o100755


def hard(name: str, target: str) -> tuple[str, tarfile.TarInfo]:
    return special(name, tarfile.LNKTYPE, target)


def folder(name: str) -> tuple[str, tarfile.TarInfo]:
    return special(name, tarfile.DIRTYPE)


def contents(archive: Path, pattern: str) -> dict[str, str]:
    found = find_images([f"{archive.name}!{pattern}"], archive.parent)
    return {one.name.partition("!")[2]: one.at(archive.parent / "out").read_text() for one in found}


def refusal(archive: Path, pattern: str = "**") -> str:
    with pytest.raises(GolinkError) as error:
        contents(archive, pattern)
    return str(error.value)


def image(*layers: bytes) -> Layout:
    made = Layout()
    made.index([made.image(layers)])
    return made


TARS: dict[str, list[tuple[str, Any]]] = {
    "through a link": [("bin/agent", b"1"), ("share", "bin"), ("share/agent", b"2")],
    "through a link of a link": [folder("a/b"), ("c", "a"), ("d", "c/b"), ("d/agent", b"1"), ("c/b/agent", b"2")],
    "later replaces earlier": [("agent", b"1"), ("agent", b"2")],
    "file over link": [("agent", b"1"), ("link", "agent"), ("link", b"2")],
    "folder over link": [("bin/agent", b"1"), ("share", "bin"), folder("share"), ("share/agent", b"2")],
    "file over empty folder": [folder("agent"), ("agent", b"1")],
    "folder over file": [("a", b"1"), folder("a"), ("a/agent", b"2")],
    "hard link bound when it is made": [("agent", b"1"), hard("copy", "agent"), ("agent", b"2")],
    "hard link to a link": [("one", b"1"), ("two", b"2"), ("link", "one"), hard("copy", "link"), ("link", "two")],
    "hard link over a file": [("agent", b"1"), ("other", b"2"), hard("other", "agent")],
    "hard link to itself": [("agent", b"1"), hard("agent", "agent")],
    "hard link through a link": [("bin/agent", b"1"), ("share", "bin"), hard("copy", "share/agent")],
    "link that leads up": [("bin/agent", b"1"), ("share/agent", "../bin/agent")],
}


@pytest.mark.parametrize("name", TARS)
def test_a_tar_gives_the_tree_that_gnu_tar_leaves(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar(TARS[name]))
    (tmp_path / "there").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "a.tar", "-C", tmp_path / "there"], check=True)
    there = {
        path.relative_to(tmp_path / "there").as_posix(): path.read_text()
        for path in (tmp_path / "there").rglob("*")
        if path.is_file()
    }

    assert contents(tmp_path / "a.tar", "**") == there
    # A package of Debian is unpacked by GNU tar too.
    (tmp_path / "a.deb").write_bytes(deb(dict(TARS[name])))
    if len(dict(TARS[name])) == len(TARS[name]):
        assert contents(tmp_path / "a.deb", "**") == there


def test_a_path_through_a_link_is_the_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar(TARS["through a link"]))

    assert contents(tmp_path / "a.tar", "share/agent") == {"share/agent": "2"}
    assert contents(tmp_path / "a.tar", "share/*") == {"share/agent": "2"}
    assert contents(tmp_path / "a.tar", "**/agent") == {"bin/agent": "2"}


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("a/b", b"1"), ("a", b"2")], "a.tar!a: replaces a folder that is not empty: it cannot be unpacked"),
        ([("a", b"1"), ("a/b", b"2")], 'a.tar!a/b: lies below "a", which is no folder: it cannot be unpacked'),
        (
            [("a", "gone"), ("a/b", b"2")],
            'a.tar!a/b: lies behind the link "a", which leads to no folder: it cannot be unpacked',
        ),
        (
            [("bin/x", b"1"), ("lib/a", "../bin"), ("lib/a/b", b"2")],
            'a.tar!lib/a/b: lies behind the link "lib/a" to "../bin", made last: it cannot be unpacked',
        ),
        ([folder("a"), hard("b", "a")], 'a.tar!b: is a hard link to "a", and no file is there when the link is made'),
        ([hard("b", "a"), ("a", b"1")], 'a.tar!b: is a hard link to "a", and no file is there when the link is made'),
    ],
)
def test_what_gnu_tar_fails_on_is_refused(members: list[tuple[str, Any]], reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar(members))
    (tmp_path / "there").mkdir()

    there = subprocess.run(["tar", "-xf", tmp_path / "a.tar", "-C", tmp_path / "there"], stderr=subprocess.DEVNULL)

    assert there.returncode != 0
    assert refusal(tmp_path / "a.tar") == reason


LAYERS: dict[str, tuple[tuple[bytes, ...], dict[str, str]]] = {
    "through a link of a lower layer": (
        (tar([("usr/bin/agent", b"1"), ("bin", "usr/bin")]), tar({"bin/agent": b"2"})),
        {"usr/bin/agent": "2"},
    ),
    "through an absolute link": (
        (tar([("usr/bin/agent", b"1"), ("opt/bin", "/usr/bin")]), tar({"opt/bin/agent": b"2"})),
        {"usr/bin/agent": "2"},
    ),
    "through a link above the root": (
        (tar([("usr/bin/agent", b"1"), ("bin", "../../usr/bin")]), tar({"bin/agent": b"2"})),
        {"usr/bin/agent": "2"},
    ),
    "through a link to nothing": ((tar([("bin", "usr/bin"), ("bin/agent", b"1")]),), {"usr/bin/agent": "1"}),
    "hard link to a link of a lower layer": (
        (tar([("one", b"1"), ("two", b"2"), ("link", "one")]), tar([hard("copy", "link"), ("link", "two")])),
        {"one": "1", "two": "2", "link": "2", "copy": "1"},
    ),
    "hard link to a file that is replaced then": (
        (tar({"agent": b"1"}), tar([hard("copy", "agent"), ("agent", b"2")])),
        {"agent": "2", "copy": "1"},
    ),
    "whiteout below a linked folder": (
        (tar([("usr/bin/agent", b"1"), ("bin", "usr/bin"), ("kept", b"1")]), tar({"bin/.wh.agent": b""})),
        {"kept": "1"},
    ),
    "opaque folder below a linked folder": (
        (tar([("usr/bin/a", b"1"), ("bin", "usr/bin")]), tar({"bin/.wh..wh..opq": b"", "bin/b": b"2"})),
        {"usr/bin/b": "2"},
    ),
    "opaque folder, listed last": (
        (
            tar([("d/a", b"1"), ("d/e/f", b"1")]),
            tar([folder("d"), folder("d/e"), ("d/e/g", b"2"), ("d/.wh..wh..opq", b"")]),
        ),
        {"d/e/g": "2"},
    ),
    "whiteout of a folder, and a new one": (
        (tar([("d/a", b"1")]), tar([(".wh.d", b""), ("d/b", b"2")])),
        {"d/b": "2"},
    ),
    "whiteout of what is not there": (
        (tar({"a": b"1"}), tar({".wh.b": b"", "c/.wh.d": b"", ".wh..wh.aufs": b""})),
        {"a": "1"},
    ),
    "file over folder": ((tar({"d/a": b"1"}), tar({"d": b"2"})), {"d": "2"}),
    "folder over link": (
        (tar([("b/a", b"1"), ("l", "b")]), tar([folder("l"), ("l/a", b"2")])),
        {"b/a": "1", "l/a": "2"},
    ),
    "twice in one layer": ((tar([("a", b"1"), ("a", b"2")]),), {"a": "2"}),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_give_the_tree_that_containerd_and_umoci_leave(name: str, tmp_path: Path) -> None:
    layers, expected = LAYERS[name]
    image(*map(gzip.compress, layers)).write(tmp_path / "image")

    assert contents(tmp_path / "image", "**") == expected


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (
            (tar([("a", b"1"), (".wh.a", b"")]),),
            "image!.wh.a: takes away what the same layer holds: umoci keeps it, and containerd does not",
        ),
        (
            (tar({"d/e/f": b"1"}), tar([("d/e/g", b"1"), ("d/.wh..wh..opq", b"")])),
            "image!d/.wh..wh..opq: takes away what the same layer holds: umoci keeps it, and containerd does not",
        ),
        (
            (tar({"d/e": b"1"}), tar([("d/f", b"1"), (".wh.d", b"")])),
            "image!.wh.d: takes away what the same layer holds: umoci keeps it, and containerd does not",
        ),
        ((tar({"d/.wh.": b""}),), "image!d/.wh.: is a whiteout without a name: it cannot be unpacked"),
        ((tar({"d/.wh...": b""}),), "image!d/.wh...: is a whiteout without a name: it cannot be unpacked"),
        (
            (tar({"a": b"1"}), tar({"a/b": b"1"})),
            'image!a/b: lies below "a", which is no folder: it cannot be unpacked',
        ),
        (
            (tar([("a", b"1"), ("l", "a/b")]), tar({"l/c": b"1"})),
            'image!l/c: lies behind the link "l", which leads to no folder: it cannot be unpacked',
        ),
        (
            (tar([("l", "x/../l")]), tar({"l/c": b"1"})),
            "image!l: its links go in a circle",
        ),
    ],
)
def test_layers_that_unpackers_differ_or_fail_on_are_refused(
    layers: tuple[bytes, ...], reason: str, tmp_path: Path
) -> None:
    image(*layers).write(tmp_path / "image")

    assert refusal(tmp_path / "image") == reason


def test_a_member_of_a_zip_behind_a_link_is_refused(tmp_path: Path) -> None:
    # unzip and 7z make links last; Python's zipfile makes none.
    (tmp_path / "a.zip").write_bytes(zipped({"bin/agent": b"1", "share": "bin", "share/agent": b"2"}))

    assert refusal(tmp_path / "a.zip") == (
        'a.zip!share/agent: lies behind the link "share": where it is installed depends on the unpacker'
    )


def test_of_zip_members_of_one_name_the_last_is_installed(tmp_path: Path) -> None:
    one = zipped({"agent": b"1", "other": b"2", "folder/": b"", "folder/x": b""})
    (tmp_path / "a.zip").write_bytes(one.replace(b"other", b"agent"))

    assert contents(tmp_path / "a.zip", "agent") == {"agent": "2"}
    (tmp_path / "b.zip").write_bytes(zipped({"agent": b"1", "other": "agent"}).replace(b"other", b"agent"))
    assert "b.zip!agent: stands twice in the archive" in refusal(tmp_path / "b.zip")


def test_a_name_that_stands_twice_in_an_rpm_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.rpm").write_bytes(rpm(cpio([("./a", _FILE, b"1", 1, 1), ("./a", _FILE, b"2", 2, 1)])))

    assert "a.rpm!a: stands twice in the archive" in refusal(tmp_path / "a.rpm")
    (tmp_path / "a.rpm").write_bytes(rpm(cpio([("./a", _FILE, b"1", 1, 2), ("./b", _FILE, b"2", 1, 2)])))
    assert refusal(tmp_path / "a.rpm") == "a.rpm!b: has the bytes of one file twice"
    (tmp_path / "a.rpm").write_bytes(rpm(cpio([("./a", _FILE, b"1", 1, 2), ("./b", _FILE, b"", 1, 2)])))
    assert refusal(tmp_path / "a.rpm") == ("a.rpm!b: is a name of a file whose bytes stand before it: unpackers differ")


def test_a_glob_passes_links_over_that_lead_to_no_file(tmp_path: Path) -> None:
    members: list[tuple[str, Any]] = [
        ("agent", b"1"),
        ("etc/mtab", "/proc/mounts"),
        ("gone", "nothing"),
        ("loop", "loop"),
        ("up", "../../x"),
    ]
    (tmp_path / "a.tar").write_bytes(tar(members))
    image(tar(members)).write(tmp_path / "image")

    assert contents(tmp_path / "a.tar", "**") == {"agent": "1"}
    assert contents(tmp_path / "image", "**") == {"agent": "1"}
    assert refusal(tmp_path / "a.tar", "gone") == "a.tar!gone: links to nothing, which is not in the archive"
    assert refusal(tmp_path / "a.tar", "etc/mtab") == 'a.tar!etc/mtab: links out of the archive, to "/proc/mounts"'
    assert refusal(tmp_path / "image", "etc/mtab") == (
        "image!etc/mtab: links to proc/mounts, which is not in the archive"
    )
    assert "no member of a.tar matches" in refusal(tmp_path / "a.tar", "etc/*")


def test_a_path_below_a_file_leads_nowhere(tmp_path: Path) -> None:
    members: list[tuple[str, Any]] = [
        ("app", b"1"),
        ("a", "app/"),
        ("b", "app/../app"),
        ("c", "./app"),
        ("d", "none/../app"),
    ]
    (tmp_path / "a.tar").write_bytes(tar(members))

    assert contents(tmp_path / "a.tar", "*") == {"app": "1", "c": "1"}


def test_a_member_keeps_the_mode_that_it_ships_with(tmp_path: Path) -> None:
    info = tarfile.TarInfo("app")
    info.mode = 0o644
    (tmp_path / "a.tar").write_bytes(tar([("app", info)]))
    (tmp_path / "a.zip").write_bytes(zipped({"app": b"1"}))
    (tmp_path / "a.rpm").write_bytes(rpm(cpio([("./app", 0o100750, b"1", 1, 1)])))

    modes = [find_images([f"a.{kind}!app"], tmp_path)[0].mode for kind in ("tar", "zip", "rpm")]

    assert modes == [0o644, 0o755, 0o750]


def test_a_sparse_file_has_its_zeros(tmp_path: Path) -> None:
    (tmp_path / "holes").mkdir()
    with (tmp_path / "holes" / "app").open("wb") as file:
        for at in (0, 200_000, 400_000, 600_000, 800_000, 1_000_000):
            file.seek(at)
            file.write(b"part")
        file.truncate(1_200_000)
    content = (tmp_path / "holes" / "app").read_bytes()
    forms = [["--format=gnu"], *(["--format=pax", f"--sparse-version={version}"] for version in ("0.0", "0.1", "1.0"))]
    for form in forms:
        command = ["tar", "-S", *form, "-czf", str(tmp_path / "a.tar.gz"), "-C", str(tmp_path / "holes"), "app"]
        subprocess.run(command, check=True)
        (found,) = find_images(["a.tar.gz!app"], tmp_path)
        assert found.at(tmp_path / "out").read_bytes() == content, form
        assert found.head == b"part" + bytes(12)


def test_members_of_a_freebsd_package_are_named_from_the_root_on(tmp_path: Path) -> None:
    members = [
        ("+COMPACT_MANIFEST", b"{}"),
        ("+MANIFEST", b"{}"),
        ("/usr/local/bin/app", b"1"),
        hard("/x", "/usr/local/bin/app"),
    ]
    (tmp_path / "a.pkg").write_bytes(tar(members))

    assert contents(tmp_path / "a.pkg", "usr/local/**") == {"usr/local/bin/app": "1"}
    assert contents(tmp_path / "a.pkg", "x") == {"x": "1"}


def test_python_s_reader_agrees_on_a_layered_tree(tmp_path: Path) -> None:
    raw = tar(TARS["through a link"])
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        archive.extractall(tmp_path / "there")  # noqa: S202 - of members that are written above
    (tmp_path / "a.tar").write_bytes(raw)

    assert (tmp_path / "there/bin/agent").read_text() == contents(tmp_path / "a.tar", "bin/agent")["bin/agent"]


def test_the_error_is_typed(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar([("a/b", b"1"), ("a", b"2")]))

    with pytest.raises(ArchiveError):
        find_images(["a.tar!**"], tmp_path)
