"""Archives that are broken, or made to harm: an error of ours that says what it is, and no file outside."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import stat
import struct
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_golink.archives import find_images, limits
from pytest_golink.archives.streams import Extent, Range, stream
from pytest_golink.errors import ArchiveError, GolinkError
from tests.archives.packing import Layout, ar, cpio, deb, rpm, special, tar, zipped

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FILE = stat.S_IFREG | 0o755


def take(folder: Path, member: str) -> None:
    for found in find_images([f"a!{member}"], folder):
        found.at(folder / "out")


def refusal(folder: Path, content: bytes, member: str = "**") -> str:
    """Return the text of the error for an archive that must not be read; nothing may be written anywhere."""
    (folder / "a").write_bytes(content)
    with pytest.raises(ArchiveError) as error:
        take(folder, member)
    assert [path for path in (folder / "out").rglob("*") if path.is_file()] == []
    return str(error.value)


@pytest.mark.parametrize(
    "name", ["../app", "bin/../../app", "/usr/bin/app", "C:/app", "c:\\app", "..\\app", "\\\\host\\share\\app"]
)
def test_a_name_that_leads_out_of_a_tar_is_refused(name: str, tmp_path: Path) -> None:
    assert ("leads out of the archive" if name != "/usr/bin/app" else "is absolute") in refusal(
        tmp_path, tar({name: b"1"})
    )


@pytest.mark.parametrize("name", ["../app", "/app", "bin\\app", "C:/app"])
def test_a_name_that_leads_out_of_a_zip_is_refused(name: str, tmp_path: Path) -> None:
    assert f'the name of the member "{name}"'.replace("\\", "\\\\") in refusal(tmp_path, zipped({name: b"1"})).replace(
        "\\", "\\\\"
    )


def test_a_name_with_a_nul_is_refused(tmp_path: Path) -> None:
    content = zipped({"app.": b"1"}).replace(b"app.", b"app\0")

    assert refusal(tmp_path, content) == 'a: the name of the member "app\\x00" leads out of the archive'


def test_a_backslash_in_a_unix_name_is_a_character(tmp_path: Path) -> None:
    # As in systemd's units.
    (tmp_path / "a.deb").write_bytes(deb({"lib/system-getty\\x2d.slice": b"1"}))

    (found,) = find_images(["a.deb!lib/*"], tmp_path)

    assert found.at(tmp_path / "out").name == "system-getty_x2d.slice"


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (("app", "../outside"), "a!app: links out of the archive"),
        (("app", "/etc/passwd"), 'a!app: links out of the archive, to "/etc/passwd"'),
        (("app", "gone"), "a!app: links to gone, which is not in the archive"),
        (("app", "app"), "a!app: its links go in a circle"),
        (
            special("app", tarfile.LNKTYPE, "gone"),
            'a!app: is a hard link to "gone", and no file is there when the link is made',
        ),
        (
            special("app", tarfile.LNKTYPE, "../../etc/passwd"),
            'a: the name of the member "../../etc/passwd" leads out of the archive',
        ),
    ],
)
def test_a_link_is_not_followed_out(member: tuple[str, str | tarfile.TarInfo], reason: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, tar([member]), "app") == reason


def test_a_parent_behind_a_linked_folder_is_that_of_its_target(tmp_path: Path) -> None:
    # As the system has it: usr/bin/../app, not app.
    members = [
        ("bin", "usr/bin"),
        ("usr/bin/x", b""),
        ("usr/app", b"installed"),
        ("app", b"shown"),
        ("y", "bin/../app"),
    ]
    (tmp_path / "a.tar").write_bytes(tar(members))

    (found,) = find_images(["a.tar!y"], tmp_path)

    assert found.at(tmp_path / "out").read_bytes() == b"installed"


def test_devices_and_fifos_are_passed_over(tmp_path: Path) -> None:
    members = [special("a", tarfile.CHRTYPE), special("b", tarfile.BLKTYPE), special("c", tarfile.FIFOTYPE)]
    (tmp_path / "a.tar").write_bytes(tar([*members, ("d", b"1"), ("e", "a")]))

    assert [one.name for one in find_images(["a.tar!?"], tmp_path)] == ["a.tar!d"]


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"app": b"1"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert refusal(tmp_path, bytes(content)) == "a!app: is encrypted"


def test_a_compression_that_python_does_not_know_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"app": b"1"}))
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 97

    assert (
        refusal(tmp_path, bytes(content))
        == "a!app: compression method not supported: 97 (WavPack); pack it with Deflate"
    )


def test_a_zip_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"app": b"1" * 1000}))
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 10)

    assert "a!app: has two sizes: (11, 1000) in its own header, (11, 10) in the directory" in refusal(
        tmp_path, bytes(content)
    )
    struct.pack_into("<I", content, 22, 10)
    assert refusal(tmp_path, bytes(content)) == "a!app: is damaged: it unpacks to more than its header says"
    for at in (content.index(b"PK\x01\x02") + 24, 22):
        struct.pack_into("<I", content, at, 1001)
    assert refusal(tmp_path, bytes(content)) == "a!app: is damaged: 1 bytes of it are missing"


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": lambda data: tar({"app": data}),
    "gz": lambda data: gzip.compress(tar({"app": data})),
    "bz2": lambda data: bz2.compress(tar({"app": data})),
    "xz": lambda data: lzma.compress(tar({"app": data})),
    "zst": lambda data: zstd.compress(tar({"app": data})),
    "single": gzip.compress,
    "zip": lambda data: zipped({"app": data}),
    "deb": lambda data: deb({"app": data}),
    "rpm": lambda data: rpm(gzip.compress(cpio([("app", _FILE, data, 1, 1)]))),
}


@pytest.mark.parametrize("kind", PACKERS)
def test_a_truncated_archive_is_refused_wherever_it_is_cut(kind: str, tmp_path: Path) -> None:
    content = PACKERS[kind](b"\x7fELF" + random.Random(4).randbytes(2996))  # noqa: S311 - what does not compress

    # Python fills the rest of a tar's last record with zeros: no cut in there loses anything.
    end = len(content) if kind != "tar" else 512 + 3072 + 512
    for size in range(16, end - 1, max(1, end // 40)):
        assert refusal(tmp_path, content[:size]).startswith("a")


# A checksum covers what is in these: damage may hit a name or a date, and never a member's bytes.
CHECKED = ("gz", "bz2", "xz", "single", "zip")


@pytest.mark.parametrize("kind", PACKERS)
def test_damage_gives_an_error_of_ours_or_the_bytes_that_were_packed(kind: str, tmp_path: Path) -> None:
    program = b"\x7fELF" + bytes(596)
    content = PACKERS[kind](program)
    chance = random.Random(5)  # noqa: S311 - the same damage each time
    errors = 0
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        (tmp_path / "a").write_bytes(bytes(damaged))
        try:
            unpacked = [found.at(tmp_path / "out").read_bytes() for found in find_images(["a!**"], tmp_path)]
        except GolinkError:
            errors += 1
            continue
        assert unpacked
        if kind in CHECKED:
            assert unpacked == [program]
    assert errors
    # bzip2 and xz check their own headers too.
    assert errors < 60 or kind in ("bz2", "xz")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd.compress, bytes])
def test_a_member_over_the_bound_is_refused(
    pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MEMBER_BYTES", 1000)

    assert refusal(tmp_path, pack(tar({"app": bytes(1001)}))) == "a!app: has 1001 bytes, more than the bound of 1000"


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 100_000)

    assert refusal(tmp_path, gzip.compress(tar({"app": b"1", "more": bytes(100_000)})), "app") == (
        "a: unpacks to more than the bound of 100000 bytes"
    )


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd.compress])
def test_a_decompression_bomb_is_refused_early(
    pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RATIO_FROM_BYTES", 1 << 20)
    bomb = pack(tar({"app": bytes(8 << 20)}))

    assert refusal(tmp_path, bomb) == "a: unpacks to more than 200 times its size: a decompression bomb"
    assert "decompression bomb" in refusal(tmp_path, deb({"bomb": bomb}), "bomb!app")


def test_archives_in_an_archive_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = zipped({"app": bytes(1 << 20)})
    (tmp_path / "a").write_bytes(zipped({f"{number}.zip": inner for number in range(8)}))

    assert len(find_images(["a!*.zip!app"], tmp_path)) == 8
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 5 << 20)
    with pytest.raises(GolinkError, match=r"a!4\.zip: what matches unpacks to .* more than the bound"):
        find_images(["a!*.zip!app"], tmp_path)
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 8 << 30)
    monkeypatch.setattr(limits, "RATIO_FROM_BYTES", 2 << 20)
    with pytest.raises(GolinkError, match=r"a!1\.zip: .* a decompression bomb"):
        find_images(["a!*.zip!app"], tmp_path)


def test_a_zip_bomb_is_refused_by_its_own_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBER_BYTES", 1 << 20)

    assert refusal(tmp_path, zipped({"app": bytes(2 << 20)})) == (
        "a!app: has 2097152 bytes, more than the bound of 1048576"
    )


def test_a_compressed_file_is_bound_as_a_member_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBER_BYTES", 1000)

    assert "more than the bound of 1000" in refusal(tmp_path, gzip.compress(b"\x7fELF" + bytes(2000)))


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBERS", 3)
    members: dict[str, bytes] = {str(number): b"" for number in range(4)}
    image = Layout()
    image.index([image.image([tar({"1": b"", "2": b""}), tar({"3": b"", "4": b""})])])
    image.write(tmp_path / "image")

    assert refusal(tmp_path, tar(members)) == "a: has more than the bound of 3 members"
    assert refusal(tmp_path, zipped(members)) == "a: has more than the bound of 3 members"
    with pytest.raises(ArchiveError, match=r"^image: has more than the bound of 3 members"):
        find_images(["image!**"], tmp_path)


def test_too_many_levels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GolinkError, match='more than 4 "!" in one pattern'):
        find_images(["a!b!c!d!e!f"], tmp_path)


def _header(name: bytes, *, size: bytes, kind: bytes) -> bytes:
    """A tar's header whose size field is as given."""
    header = bytearray(tarfile.TarInfo(name.decode()).tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = size
    header[156:157] = kind
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


_NEGATIVE = b"\xff" * 11 + b"\x00"
_HUGE = b"\x80" + (1 << 40).to_bytes(11, "big")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
@pytest.mark.parametrize("size", [_NEGATIVE, _HUGE])
def test_a_tar_header_with_an_absurd_size_is_refused(
    size: bytes, kind: bytes, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    # CVE-2025-8194: tarfile goes round and round on a negative size.
    content = tar({"first": b"1"})[:1024] + _header(b"app", size=size, kind=kind) + tar({"last": b"1"})

    assert refusal(tmp_path, pack(content)).startswith("a: ")


def test_a_pax_header_with_a_negative_size_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("app")
    info.pax_headers = {"size": "-1024"}

    # A Python that was mended refuses it by itself, in its own words.
    assert refusal(tmp_path, info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)).startswith("a: ")


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, tar([("./.", b"1")])) == "a: has a member without a name"


def test_a_name_that_takes_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    header = _header(b"app", size=b"10000000000\0", kind=tarfile.GNUTYPE_LONGNAME)

    text = refusal(tmp_path, gzip.compress(header + bytes(3 << 20)))
    assert text == "a: a header of 1073741824 bytes, over the bound of 1048576"


def test_a_damaged_header_in_the_middle_is_not_the_end(tmp_path: Path) -> None:
    content = bytearray(tar({"first": b"1", "app": b"2"}))
    content[1024 + 10] ^= 0xFF

    assert refusal(tmp_path, bytes(content)) == "a: is a damaged tar: bad checksum at offset 1024"


def test_a_sparse_file_whose_parts_do_not_fit_is_refused_where_it_is_asked_for(tmp_path: Path) -> None:
    header = bytearray(_header(b"app", size=b"%011o\0" % 1, kind=tarfile.GNUTYPE_SPARSE))
    header[257:265] = b"ustar  \0"
    header[386:410] = b"%011o\0%011o\0" % (0, 2)
    header[483:495] = b"%011o\0" % 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)

    text = refusal(tmp_path, bytes(header) + b"1".ljust(512, b"\0") + bytes(1024))
    assert text == "a!app: is a sparse file whose parts do not fit"


def test_a_compressed_file_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(b"\x7fELF" + bytes(600_000)))
    content[-8] ^= 1

    assert (
        refusal(tmp_path, bytes(content))
        == "a: its gzip data is damaged: Error -3 while decompressing data: incorrect data check"
    )


def test_a_stream_goes_forward_only() -> None:
    data = stream(Range(io.BytesIO(gzip.compress(b"12345")), path="a"), "gzip")
    data.seek(3)

    with pytest.raises(ArchiveError, match="a header leads backward"):
        data.seek(2)


def test_a_member_that_is_shorter_than_it_was_is_an_error() -> None:
    extent = Extent(start=0, length=10, codec=None, offset=5, size=10)

    with pytest.raises(ArchiveError, match=r"^a!b: is cut short: 5 bytes of a member are missing"):
        list(extent.chunks(io.BytesIO(bytes(10)), "a!b"))


def test_other_data_after_the_end_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, gzip.compress(tar({"app": b"1"})) + b"more") == "a: other data follows the gzip data"


def test_a_central_directory_that_lies_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"app": b"1"}))
    struct.pack_into("<I", content, len(content) - 10, 1 << 31)

    assert refusal(tmp_path, bytes(content)).startswith("a: its directory has 2147483648 bytes, more than the bound")


def test_a_central_directory_over_the_bound_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DIRECTORY_BYTES", 1000)
    content = zipped({f"{number:0100}": b"" for number in range(20)})

    assert "more than the bound of 1000" in refusal(tmp_path, content)


def test_a_link_of_a_zip_that_is_no_link_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, zipped({"app": "x" * 5000})) == "a!app: is a link of 5000 bytes"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (rpm(b"\x1f\x8b\x08")[:90], "the RPM's signature header at offset 96 is damaged or cut short"),
        (rpm(b"not a cpio" * 20), "the cpio header at offset 0 of the payload is damaged or cut short"),
        (rpm(b"07070X" + bytes(104)), "is an RPM for files over 4 GiB (stripped cpio), which cannot be read"),
        (rpm(cpio([("../app", _FILE, b"1", 1, 1)])), 'the name of the member "../app" leads out of the archive'),
        (
            ar({"debian-binary": b"2.0\n"}),
            "is an ar archive without data.tar, so no Debian package (has debian-binary)",
        ),
        (ar({"debian-binary": b"2.0\n", "data.tar": b""}), "is a damaged tar: empty at offset 0"),
        (b"!<arch>\n" + b"x" * 60, "the ar header at offset 8 is damaged or cut short"),
    ],
)
def test_a_package_that_is_damaged_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, content) == f"a: {reason}"


def layouts() -> dict[str, tuple[dict[str, bytes], str]]:
    good = Layout()
    image = good.image([tar({"app": b"1"})])
    escaping = {**image, "digest": "sha256:../../../etc/passwd"}
    missing = {**image, "digest": "sha256:" + "0" * 64}
    circle = Layout()
    deepest = circle.image([tar({"app": b"1"})])
    for _ in range(6):
        deepest = circle.nested_index([deepest])
    circle.index([deepest])

    tagged = [{**image, "annotations": {"org.opencontainers.image.ref.name": f"{number}"}} for number in range(300)]

    def index(manifests: object, files: dict[str, bytes] = good.files) -> dict[str, bytes]:
        return {**files, "index.json": json.dumps({"manifests": manifests}).encode()}

    return {
        "not json": ({**good.files, "index.json": b"{"}, "index.json of the image is not JSON"),
        "deep json": ({**good.files, "index.json": b"[" * 200_000}, "index.json of the image is not JSON"),
        "no object": ({**good.files, "index.json": b"[]"}, "index.json of the image is not a JSON object"),
        "no list": (index("manifests"), "the image's manifests is not a list of objects"),
        "no image": (index([]), "the image layout has no image"),
        "escaping digest": (index([escaping]), "a descriptor of the image has no digest: 'sha256:../../../etc/passwd'"),
        "missing blob": (index([missing]), "has no blobs/sha256/000000"),
        "deep index": (circle.files, "image indexes within indexes, more than 4 deep"),
        "too many": (index(tagged), "has more than the bound of 256 images"),
    }


@pytest.mark.parametrize("name", layouts())
def test_a_damaged_layout_is_refused(name: str, tmp_path: Path) -> None:
    files, reason = layouts()[name]
    folder = Layout()
    folder.files = files
    folder.write(tmp_path / "folder")

    assert reason in refusal(tmp_path, tar(files))
    with pytest.raises(ArchiveError) as error:
        find_images(["folder!**"], tmp_path)
    assert reason in str(error.value)


def test_a_blob_that_is_a_link_out_of_its_layout_is_refused(tmp_path: Path) -> None:
    made = Layout()
    made.index([made.image([tar({"app": b"1"})])])
    made.write(tmp_path / "image")
    (tmp_path / "outside.json").write_bytes(made.files["index.json"])
    (tmp_path / "image" / "index.json").unlink()
    (tmp_path / "image" / "index.json").symlink_to(tmp_path / "outside.json")

    with pytest.raises(ArchiveError, match=r"the image layout has no index\.json"):
        find_images(["image!**"], tmp_path)


def test_a_saved_image_without_layers_is_refused(tmp_path: Path) -> None:
    manifest = json.dumps([{"Config": "c.json", "Layers": "none"}]).encode()
    assert refusal(tmp_path, tar({"manifest.json": manifest})) == "a: manifest.json names no Config and Layers"


def test_a_stranger_s_names_are_printable_in_errors(tmp_path: Path) -> None:
    text = refusal(tmp_path, tar({"\x1b[2J/../\u202e" + "x" * 300: b"1"}))

    assert text.isprintable()
    assert len(text) < 300


def test_zip_members_that_overlap_cost_no_more_than_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBER_BYTES", 1 << 20)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app", bytes(1 << 20))
        (info,) = archive.infolist()
        archive.filelist.extend([info] * 50)
    (tmp_path / "a.zip").write_bytes(file.getvalue())

    with pytest.raises(ArchiveError, match="is a zip whose members overlap"):
        find_images(["a.zip!app"], tmp_path)


def _pax_sparse(content: bytes, **records: str) -> bytes:
    info = tarfile.TarInfo("app")
    info.size = len(content)
    info.pax_headers = {f"GNU.sparse.{key}": value for key, value in records.items()}
    return info.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % 512 + 1024)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_pax_sparse(b"x" * 9, map="0,1,0,1", size="9"), "a!app: is a sparse file whose parts overlap"),
        (_pax_sparse(b"x" * 9, map="0,1,2", size="9"), "a: is a damaged tar: 3 numbers of a sparse map at offset"),
        (_pax_sparse(b"x" * 9, map="0,1"), "a: is a damaged tar: a sparse file without its size at offset"),
        (_pax_sparse(b"x" * 600, major="1", minor="0", realsize="9"), "a!app: its sparse map is damaged"),
        (_pax_sparse(b"x" * 9, map="0,1,20,1", size="9"), "a!app: is a sparse file whose parts do not fit"),
    ],
)
def test_a_sparse_map_that_is_damaged_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, content).startswith(reason)


def test_links_over_the_bound_of_steps_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STEPS", 20)
    members: list[tuple[str, str]] = [(f"l{number}", f"././././l{number + 1}") for number in range(9)]

    assert refusal(tmp_path, tar(members)) == "a: its links take more than the bound of 20 steps"


def test_a_link_to_a_name_over_the_bound_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, tar([("l", "x" * 5000)])) == "a!l: links to a name that is longer than the bound"


def test_folders_that_only_names_show_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBERS", 3)
    assert refusal(tmp_path, tar({"a/b/c/d": b"1"})) == "a: has more than the bound of 3 members and their folders"
    monkeypatch.setattr(limits, "NAMES_BYTES", 3)
    assert refusal(tmp_path, tar({"abcd": b"1"})) == "a: has names of more than the bound of 3 bytes"


def test_a_link_of_an_rpm_over_the_bound_is_refused(tmp_path: Path) -> None:
    link = cpio([("./l", stat.S_IFLNK | 0o777, b"x" * 5000, 1, 1)])

    assert refusal(tmp_path, rpm(link)) == "a!l: is a link of 5000 bytes"


def test_too_many_members_of_an_rpm_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMBERS", 1)
    two = cpio([("./a", _FILE, b"", 1, 2), ("./b", _FILE, b"", 1, 2)])

    assert refusal(tmp_path, rpm(two)) == "a: has more than the bound of 1 members"


def test_archives_that_golink_cannot_look_into_are_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"7z\xbc\xaf\x27\x1c".ljust(600, b"\1")).startswith(
        "a: is a 7z archive, which golink cannot look into; known are"
    )


def test_what_matches_is_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = zipped({"a": bytes(900_000), "b": bytes(900_000)})
    monkeypatch.setattr(limits, "RATIO_FROM_BYTES", 1_000_000)
    assert "what matches unpacks to more than 200 times the archive's size" in refusal(tmp_path, content)
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 1_000_000)
    assert "what matches unpacks to 1800000 bytes, more than the bound of 1000000" in refusal(tmp_path, content)
