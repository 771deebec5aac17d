"""A real image out of every format that is shipped, read."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_golink.archives import find_images, images_in
from pytest_golink.errors import ArchiveError, NoMatchError
from pytest_golink.reader import read_binary
from tests.archives.packing import Layout, cpio, deb, rpm, special, tar, zipped

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_golink import GoSample

_FILE = stat.S_IFREG | 0o755


@pytest.fixture(scope="module")
def app(go_sample: GoSample) -> bytes:
    return go_sample("static", target="linux/amd64", cgo=False, ldflags="-s -w").path.read_bytes()


def apk(app: bytes) -> bytes:
    """Alpine's package: gzip members one after another; only the last one's tar has an end."""
    signature = tar({".SIGN.RSA.key": b"signature"})[:1024]
    control = tar({".PKGINFO": b"pkgname = app"})[:1024]
    return b"".join(gzip.compress(part) for part in (signature, control, tar({"usr/bin/app": app})))


def saved(app: bytes) -> bytes:
    """As `docker save` wrote before Docker 25: a layer that two images share is a link."""
    layer = tar({"usr/bin/app": app})
    manifest = [{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["a/layer.tar", "b/layer.tar"]}]
    return tar(
        {
            "c.json": json.dumps({"os": "linux", "architecture": "amd64"}).encode(),
            "a/layer.tar": tar({"etc/hosts": b""}),
            "b/layer.tar": "../d/layer.tar",
            "d/layer.tar": layer,
            "manifest.json": json.dumps(manifest).encode(),
        }
    )


def layout(app: bytes) -> Layout:
    made = Layout()
    made.index([made.image([gzip.compress(tar({"usr/bin/app": app}))])])
    return made


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "app.tar": lambda app: tar({"app-1.0/usr/bin/app": app}),
    "app.tar.gz": lambda app: gzip.compress(tar({"./usr/bin/app": app}), 1),
    "app.tgz": lambda app: gzip.compress(tar({"usr/bin/app": app}), 1),
    "app.tar.xz": lambda app: lzma.compress(tar({"usr/bin/app": app}), preset=0),
    "app.tar.bz2": lambda app: bz2.compress(tar({"usr/bin/app": app}), 1),
    "app.tar.zst": lambda app: zstd.compress(tar({"usr/bin/app": app})),
    "app.zip": lambda app: zipped({"app/usr/bin/app": app}),
    "app.whl": lambda app: zipped({"app/bin/app": app, "app-1.0.dist-info/RECORD": b""}),
    "gz.deb": lambda app: deb({"usr/bin/app": app}),
    "xz.deb": lambda app: deb({"usr/bin/app": app}, pack=lambda data: lzma.compress(data, preset=0), suffix="xz"),
    "zst.deb": lambda app: deb({"usr/bin/app": app}, pack=zstd.compress, suffix="zst"),
    "gz.rpm": lambda app: rpm(gzip.compress(cpio([("./usr/bin/app", _FILE, app, 1, 1)]), 1)),
    "zst.rpm": lambda app: rpm(zstd.compress(cpio([("/usr/bin/app", _FILE, app, 1, 1)]))),
    "app.apk": apk,
    "app.gz": lambda app: gzip.compress(app, 1),
    "saved.tar": saved,
    "saved.tar.gz": lambda app: gzip.compress(saved(app), 1),
    "oci.tar": lambda app: tar(layout(app).files),
    "two.tar.gz": lambda app: gzip.compress(tar({"app.whl": zipped({"app/bin/app": app})}), 1),
}


@pytest.mark.parametrize("name", PACKED)
def test_an_image_comes_out_of_an_archive_as_it_went_in(name: str, app: bytes, tmp_path: Path) -> None:
    # The suffix does not count, the magic number does.
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / f"{name}.bin").write_bytes(PACKED[name](app))
    inner = "app.whl!**/app" if name == "two.tar.gz" else "**/app*"

    (found,) = find_images([f"dist/*!{inner}"], tmp_path)
    extracted = found.at(tmp_path / "out")

    assert found.path is None
    assert found.name.startswith(f"dist/{name}.bin!")
    assert extracted.read_bytes() == app
    assert read_binary(extracted).linkage == "static"


def test_a_layout_is_a_folder_too(app: bytes, tmp_path: Path) -> None:
    layout(app).write(tmp_path / "dist" / "image")

    (found,) = find_images(["dist/image!usr/bin/app"], tmp_path)

    assert found.name == "dist/image!usr/bin/app"
    assert found.at(tmp_path / "out").read_bytes() == app


def test_every_platform_of_a_layout_is_an_image(tmp_path: Path) -> None:
    made = Layout()
    amd64 = made.image([tar({"bin/app": b"amd64", "bin/link": "/bin/app", "up": "../../bin/app"})])
    arm = made.image([tar([("bin/app", b"arm"), special("bin/hard", b"1", "bin/app")])], architecture="arm")
    platform = {"os": "linux", "architecture": "arm", "variant": "v7"}
    statement = made.blob(b"{}", "application/vnd.in-toto+json")
    attestation = {**made.manifest([statement]), "platform": {"os": "unknown", "architecture": "unknown"}}
    made.index([made.nested_index([amd64, {**arm, "platform": platform}, attestation])])
    made.write(tmp_path / "image")

    found = find_images(["image!**/app", "image!**/link", "image!**/hard", "image!**/up"], tmp_path)

    assert {one.name: one.at(tmp_path / "out").read_text() for one in found} == {
        "image!linux/amd64/bin/app": "amd64",
        "image!linux/amd64/bin/link": "amd64",
        "image!linux/amd64/up": "amd64",
        "image!linux/arm/v7/bin/app": "arm",
        "image!linux/arm/v7/bin/hard": "arm",
    }


def test_several_tags_of_one_platform_are_told_apart(tmp_path: Path) -> None:
    made = Layout()
    tagged = [
        {**made.image([tar({"app": tag.encode()})]), "annotations": {"org.opencontainers.image.ref.name": tag}}
        for tag in ("1.0", "../2")
    ]
    made.index(tagged)
    made.write(tmp_path / "image")

    assert [one.name for one in find_images(["image!**/app"], tmp_path)] == [
        "image!linux/amd64/1.0/app",
        "image!linux/amd64/___2/app",
    ]


def test_a_layer_takes_away_what_lies_under_it(tmp_path: Path) -> None:
    made = Layout()
    base = tar({"bin/gone": b"1", "opt/a/app": b"1", "opt/b": b"1", "was/app": b"1", "kept": b"1", "new": b"1"})
    top = tar({"bin/.wh.gone": b"", "opt/.wh..wh..opq": b"", "opt/c": b"2", "was": b"a file now", "new": b"2"})
    made.index([made.image([base, gzip.compress(top)])])
    made.write(tmp_path / "image")

    found = find_images(["image!**"], tmp_path)

    assert {one.name: one.at(tmp_path / "out").read_bytes() for one in found} == {
        "image!kept": b"1",
        "image!new": b"2",
        "image!opt/c": b"2",
        "image!was": b"a file now",
    }


def test_names_of_one_file_in_an_rpm_have_its_bytes(tmp_path: Path) -> None:
    entries = [
        ("./bin", stat.S_IFDIR | 0o755, b"", 1, 2),
        ("./bin/first", _FILE, b"", 7, 2),
        ("./bin/second", _FILE, b"content", 7, 2),
        ("./bin/link", stat.S_IFLNK | 0o777, b"second", 8, 1),
        ("./dev/null", stat.S_IFCHR | 0o666, b"", 9, 1),
        ("./empty", _FILE, b"", 10, 2),
    ]
    (tmp_path / "app.rpm").write_bytes(rpm(cpio(entries)))

    found = find_images(["app.rpm!**"], tmp_path)

    assert {one.name: one.at(tmp_path / "out").read_bytes() for one in found} == {
        "app.rpm!bin/first": b"content",
        "app.rpm!bin/second": b"content",
        "app.rpm!bin/link": b"content",
        "app.rpm!empty": b"",
    }


def test_links_are_resolved_inside_the_archive(tmp_path: Path) -> None:
    members = [
        ("usr/bin/app", b"content"),
        ("bin", "usr/bin"),
        ("bin-app", "bin/app"),
        ("usr/bin/relative", "../../bin-app"),
        special("hard", b"1", "usr/bin/app"),
    ]
    (tmp_path / "a.tar").write_bytes(tar(members))
    (tmp_path / "a.zip").write_bytes(zipped({"bin/": b"", "bin/app": b"content", "link": "bin/app"}))

    found = find_images(["a.tar!*", "a.tar!**/relative", "a.zip!link"], tmp_path)

    # "bin" is a link to a folder.
    assert {one.name: one.at(tmp_path / "out").read_bytes() for one in found} == {
        "a.tar!bin-app": b"content",
        "a.tar!hard": b"content",
        "a.tar!usr/bin/relative": b"content",
        "a.zip!link": b"content",
    }


def test_the_executables_of_an_archive_are_known_by_their_first_bytes(app: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"README": b"text", "bin/app": app, "bin/link": "app", "a.sh": b"#!/bin/sh"}))
    (tmp_path / "a.zip").write_bytes(zipped({"README": b"text", "app.exe": b"MZ"}))

    assert [one.name for one in images_in(tmp_path / "a.tar", tmp_path)] == ["a.tar!bin/app"]
    assert [one.name for one in images_in(tmp_path / "a.zip", tmp_path)] == ["a.zip!app.exe"]


def test_a_tar_with_a_manifest_of_its_own_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar({"manifest.json": b'{"name": "extension"}', "app": b"1"}))

    assert [one.name for one in find_images(["a.tar!app"], tmp_path)] == ["a.tar!app"]


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app").write_bytes(b"\x7fELF" + bytes(2000))
    (tmp_path / "lib.a").write_bytes(b"!<arch>\nlib.o/          0           0     0     100644  2         `\nab")

    with pytest.raises(ArchiveError, match=r"^app: is not an archive that golink can read \(starts with b'\\x7fELF"):
        find_images(["app!**"], tmp_path)
    with pytest.raises(
        ArchiveError, match=r"^lib.a: is an ar archive without data.tar, so no Debian package \(has lib.o"
    ):
        find_images(["lib.a!**"], tmp_path)


def test_a_member_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({f"bin/{name}": b"" for name in ("agentd", "b", "c", "d", "e", "f")}))

    with pytest.raises(NoMatchError) as agent:
        find_images(["a.zip!**/agent"], tmp_path)
    with pytest.raises(NoMatchError) as nothing:
        find_images(["a.zip!usr/*"], tmp_path)

    assert str(agent.value) == (
        "a.zip!**/agent: no member of a.zip matches (looked in a.zip); there is bin/agentd, and 5 more"
    )
    assert nothing.value.near == ("bin/agentd", "bin/b", "bin/c", "bin/d", "bin/e")


def test_every_archive_that_a_glob_names_must_hold_a_match(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"app": b""}))
    (tmp_path / "b.zip").write_bytes(zipped({"other": b""}))

    with pytest.raises(NoMatchError, match=r"no member of b\.zip matches"):
        find_images(["*.zip!app"], tmp_path)


def test_zstd_frames_without_data_are_passed_over(tmp_path: Path) -> None:
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    packed = zstd.compress(tar({"app": b"content"}))
    (tmp_path / "a.tar.zst").write_bytes(packed + skippable)

    (found,) = find_images(["a.tar.zst!app"], tmp_path)

    assert found.at(tmp_path / "out").read_bytes() == b"content"


def test_padding_after_compressed_data_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(tar({"app": b"1"})) + bytes(600_000))

    assert len(find_images(["a.tar.gz!app"], tmp_path)) == 1


def test_an_archive_in_the_middle_of_a_pattern_goes_through_a_temporary_file(tmp_path: Path) -> None:
    inner = deb({"usr/bin/app": b"content"})
    file = io.BytesIO(gzip.compress(tar({"packages/app.deb": inner})))
    (tmp_path / "a.tar.gz").write_bytes(file.getvalue())

    (found,) = find_images(["a.tar.gz!**/*.deb!**/app"], tmp_path)

    assert found.name == "a.tar.gz!packages/app.deb!usr/bin/app"
    assert found.at(tmp_path / "out").read_bytes() == b"content"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.tar.gz"]
