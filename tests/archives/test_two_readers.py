"""Archives that two unpackers read as different files are refused, with both names."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from pytest_golink.archives import find_images
from pytest_golink.errors import ArchiveError, NoMatchError
from tests.archives.packing import Layout, ar, deb, tar, zipped

if TYPE_CHECKING:
    from pathlib import Path


def refusal(folder: Path, content: bytes, member: str = "**") -> str:
    with pytest.raises(ArchiveError) as error:
        read(folder, content, member)
    return str(error.value)


def read(folder: Path, content: bytes, member: str = "**") -> dict[str, bytes]:
    (folder / "a").write_bytes(content)
    found = find_images([f"a!{member}"], folder)
    return {one.name.removeprefix("a!"): one.at(folder / "out").read_bytes() for one in found}


def raw_zip(
    members: list[tuple[bytes, bytes]],
    *,
    extra: dict[bytes, bytes] | None = None,
    local_extra: dict[bytes, bytes] | None = None,
    local_names: dict[bytes, bytes] | None = None,
    local_method: int = 0,
    flags: int = 0,
    system: int = 3,
    attributes: int = 0o100755 << 16,
) -> bytes:
    """Pack a zip with stored members whose two headers may differ."""
    local, central = b"", b""
    for name, data in members:
        offset, crc = len(local), zlib.crc32(data)
        more = (extra or {}).get(name, b"")
        its_more = more if local_extra is None else local_extra.get(name, b"")
        its_name = (local_names or {}).get(name, name)
        sizes = (crc, len(data), len(data))
        local += struct.pack(
            "<4s5H3I2H", b"PK\x03\x04", 20, flags, local_method, 0, 0, *sizes, len(its_name), len(its_more)
        )
        local += its_name + its_more + data
        central += struct.pack("<4s6H3I", b"PK\x01\x02", 20 | system << 8, 20, flags, 0, 0, 0, *sizes)
        central += struct.pack("<5H2I", len(name), len(more), 0, 0, 0, attributes, offset) + name + more
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, len(members), len(members), len(central), len(local), 0)
    return local + central + end


def unicode_path(raw: bytes, path: str, *, version: int = 1) -> bytes:
    data = struct.pack("<BI", version, zlib.crc32(raw)) + path.encode()
    return struct.pack("<HH", 0x7075, len(data)) + data


def test_a_zip_whose_unicode_path_is_another_name_is_refused(tmp_path: Path) -> None:
    swapped = {b"agent": unicode_path(b"agent", "readme"), b"readme": unicode_path(b"readme", "agent")}
    members = [(b"agent", b"1"), (b"readme", b"2")]
    reason = 'a!agent: has two names: "agent" in its header, "readme" in its Unicode Path field: unpackers differ'

    assert refusal(tmp_path, raw_zip(members, extra=swapped)) == reason
    assert refusal(tmp_path, raw_zip(members, local_extra=swapped)) == reason
    twice = {b"agent": unicode_path(b"agent", "agent") + unicode_path(b"agent", "other")}
    assert "has the extra field 0x7075 twice" in refusal(tmp_path, raw_zip(members, extra=twice))


def test_a_unicode_path_that_is_the_name_in_utf8_is_taken(tmp_path: Path) -> None:
    raw = "ägent".encode("cp437")

    assert read(tmp_path, raw_zip([(raw, b"1")], extra={raw: unicode_path(raw, "ägent")}, system=0)) == {"ägent": b"1"}
    # A field of another version, or for another name, does not count.
    for field in (unicode_path(raw, "other", version=2), unicode_path(b"other", "other"), b"\x75\x70\xff\xff"):
        assert read(tmp_path, raw_zip([(raw, b"1")], extra={raw: field}, system=0)) == {"ägent": b"1"}
    assert "has two names" in refusal(tmp_path, raw_zip([(raw, b"1")], extra={raw: unicode_path(raw, "other")}))


def test_the_name_of_a_zip_member_is_in_the_encoding_of_its_system(tmp_path: Path) -> None:
    name = "ü".encode()

    assert read(tmp_path, raw_zip([(name, b"1")])) == {"ü": b"1"}
    assert read(tmp_path, raw_zip([(name, b"1")], system=0, flags=0x800)) == {"ü": b"1"}
    assert read(tmp_path, raw_zip([(b"\x81", b"1")], system=0)) == {"ü": b"1"}
    assert read(tmp_path, raw_zip([(b"\x81", b"1")])) == {"\udc81": b"1"}
    assert "is no UTF-8" in refusal(tmp_path, raw_zip([(b"\x81", b"1")], flags=0x800))


def test_a_zip_whose_two_headers_differ_is_refused(tmp_path: Path) -> None:
    members = [(b"agent", b"1")]

    assert refusal(tmp_path, raw_zip(members, local_names={b"agent": b"other"})) == (
        'a!other: has two names: "other" in its own header, "agent" in the directory: unpackers differ'
    )
    assert "has two methods: 8 in its own header, 0 in the directory" in refusal(
        tmp_path, raw_zip(members, local_method=8)
    )


def test_a_zip_with_members_that_its_directory_does_not_list_is_refused(tmp_path: Path) -> None:
    two = raw_zip([(b"first", b"1"), (b"agent", b"2")])
    directory = two.index(b"PK\x01\x02")
    entries = two[directory:-22].split(b"PK\x01\x02")[1:]

    def only(entry: bytes) -> bytes:
        entry = b"PK\x01\x02" + entry
        return two[:directory] + entry + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), directory, 0)

    assert "a!first: is followed by a member that is not in the directory" in refusal(tmp_path, only(entries[0]))
    assert "starts with a member that is not in its directory" in refusal(tmp_path, only(entries[1]))
    assert "starts with a member that is not in its directory" in refusal(tmp_path, zipped({"a": b"1"}) + two)


def test_a_zip_with_two_end_records_is_refused(tmp_path: Path) -> None:
    inner = zipped({"agent": b"1"})
    outer = bytearray(zipped({"agent": b"2"}))
    outer[-2:] = struct.pack("<H", len(inner))

    assert "has two end records" in refusal(tmp_path, bytes(outer) + inner)
    # A signature in a comment that is no end record does not matter.
    outer[-2:] = struct.pack("<H", 8)
    assert read(tmp_path, bytes(outer) + b"PK\x05\x06    ") == {"agent": b"2"}


def test_zip_members_that_are_of_two_kinds_are_refused(tmp_path: Path) -> None:
    def one(name: bytes, mode: int, *, system: int = 3, content: bytes = b"x") -> str:
        return refusal(tmp_path, raw_zip([(name, content)], attributes=mode << 16, system=system))

    assert "a!a/: is a folder by its name, and has what a file or a link has" in one(b"a/", 0o100644)
    assert "a!a/: is a folder by its name, and has what a file or a link has" in one(b"a/", 0o120777, content=b"")
    assert "a!a: is a folder by its mode, and a file by its name" in one(b"a", 0o040755)
    assert "a!a: is a link, of a system that has none" in one(b"a", 0o120777, system=0)
    assert "a!a: is a folder by its attributes, and a file by its name" in refusal(
        tmp_path, raw_zip([(b"a", b"")], attributes=0x10, system=0)
    )
    assert read(tmp_path, raw_zip([(b"b", b"1")], attributes=0, system=0)) == {"b": b"1"}


def test_a_device_in_a_zip_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(raw_zip([(b"a", b"1")], attributes=0o020644 << 16))

    with pytest.raises(NoMatchError, match="no member of a matches"):
        find_images(["a!**"], tmp_path)


def test_names_twice_in_a_zip_in_two_orders_are_refused(tmp_path: Path) -> None:
    two = raw_zip([(b"agent", b"1"), (b"agent", b"2")])
    directory = two.index(b"PK\x01\x02")
    first, second = (b"PK\x01\x02" + entry for entry in two[directory:-22].split(b"PK\x01\x02")[1:])

    assert read(tmp_path, two) == {"agent": b"2"}
    assert "stands twice, in another order than in the directory" in refusal(
        tmp_path, two[:directory] + second + first + two[-22:]
    )


def test_a_zip_over_four_gigabytes_form_is_read(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, archive.open("agent", "w", force_zip64=True) as member:
        member.write(b"1")
    plain = file.getvalue()
    directory, end = plain.index(b"PK\x01\x02"), len(plain) - 22
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, end - directory, directory)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    last = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)

    assert read(tmp_path, plain) == {"agent": b"1"}
    assert read(tmp_path, plain[:end] + record + locator + last) == {"agent": b"1"}
    assert "zip64 end record is not where it belongs" in refusal(tmp_path, plain[:end] + b"x" * 56 + locator + last)
    split = record[:16] + struct.pack("<I", 1) + record[20:]
    assert "is one part of a zip in several files" in refusal(tmp_path, plain[:end] + split + locator + last)


def header(name: str, size: int = 0, kind: bytes = b"0", *, magic: bytes = b"ustar\x0000") -> bytes:
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT))
    block[124:136] = b"%011o\0" % size
    block[156:157] = kind
    block[257:265] = magic
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def long_name(name: str, kind: bytes = b"L") -> bytes:
    data = name.encode() + b"\0"
    return header("././@LongLink", len(data), kind, magic=b"ustar  \0") + padded(data)


def pax(*records: str, kind: bytes = b"x") -> bytes:
    data = b""
    for record in records:
        # Its length counts its own digits.
        size = next(size for size in range(1000) if size == len(f"{size} {record}\n".encode()))
        data += f"{size} {record}\n".encode()
    return header("PaxHeaders/x", len(data), kind) + padded(data)


FILE = header("agent", 1) + padded(b"1")


def test_a_tar_member_whose_long_name_and_pax_path_differ_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, long_name("one") + pax("path=two") + FILE + bytes(1024)) == (
        'a!agent: has two names of its member: "one" as GNU long name, "two" as pax path: unpackers differ'
    )
    assert "has two names of its link target" in refusal(
        tmp_path, long_name("one", b"K") + pax("linkpath=two") + header("agent", 0, b"2") + bytes(1024)
    )
    assert read(tmp_path, long_name("same") + pax("path=same") + FILE + bytes(1024)) == {"same": b"1"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pax("size=2") + FILE, "a!agent: has two sizes: 1 in its header, 2 in its pax header: unpackers differ"),
        (
            pax("path=other", kind=b"g") + FILE,
            "a: a global pax header sets path for all members: some unpackers ignore it",
        ),
        (pax("GNU.sparse.offset=1", kind=b"g") + FILE, "a: a global pax header sets GNU.sparse.offset for all members"),
        (pax("path=") + FILE, "a: is a damaged tar: an empty name of a member"),
        (pax("path=a", "path=b") + FILE, "a: is a damaged tar: a pax header has path twice"),
        (pax("size=-1") + FILE, "a: is a damaged tar: a pax header has '-1' where a number belongs"),
        (pax("mtime=1") + pax("mtime=1") + FILE, "a: is a damaged tar: two pax headers of one member"),
        (long_name("a") + long_name("b") + FILE, "a: is a damaged tar: two long names of one member"),
        (FILE + long_name("a"), "a: is a damaged tar: the end of the tar follows an extended header"),
        (
            header("x", 4, b"x") + padded(b"9 a=") + FILE,
            "a: is a damaged tar: a pax header has a bad record: b'9 a='",
        ),
        (header("a/", 0) + FILE, 'a!a: is a file whose name ends with "/": unpackers differ'),
        (header("a", 1, b"5") + padded(b"1"), "a!a: is no file, and has 1 bytes: unpackers differ on what follows"),
        (header("a", 1, b"2") + padded(b"1"), "a!a: is no file, and has 1 bytes: unpackers differ on what follows"),
        (header("a", 0, b"Z"), "a!a: is of a type that unpackers do not agree on: b'Z'"),
        (header("a", 0, magic=b"ustarXX\0"), "a: is a damaged tar: unknown magic b'ustarXX\\x00'"),
        (header("x", 2, b"x") + b"5 ", "a: is a damaged tar: "),
        (FILE + b"x" * 100, "a: is a damaged tar: "),
        (FILE + bytes(1024) + FILE, "a: another tar follows the end of the first: some unpackers read it, some not"),
        (
            FILE + bytes(1024) + bytes(4096) + zipped({"agent": b"2"}),
            "a: a zip follows the end of the tar: some unpackers read it, some the tar",
        ),
        (
            FILE + bytes(1024) + b"x" * ((2 << 20) + 510) + zipped({"agent": b"2"}),
            "a: a zip follows the end of the tar",
        ),
        (header("a")[:124] + b"8" + header("a")[125:], "a: is not an archive"),
    ],
)
def test_a_tar_that_readers_differ_on_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, content + bytes(1024)).startswith(reason)


def test_what_readers_agree_on_is_read(tmp_path: Path) -> None:
    old = header("folder/", 0, b"\0", magic=bytes(8))
    label = header("label", 0, b"V")
    dump = header("dump", 1, b"D") + padded(b"\0")
    # On tapes what was in memory stands there.
    assert read(tmp_path, FILE + bytes(1024) + b"rest of another") == {"agent": b"1"}
    comment = pax("comment=0123", kind=b"g")
    link = header("hard", 5, b"1")[:157] + b"agent".ljust(100, b"\0") + header("hard")[257:]
    checked = bytearray(link)
    checked[148:156] = b" " * 8
    checked[148:156] = b"%06o\0 " % sum(checked)
    # What follows the end is padding, whatever it is.
    content = comment + label + old + dump + FILE + bytes(checked) + bytes(1024) + b"padding".ljust(512, b"x")

    assert read(tmp_path, content) == {"agent": b"1", "hard": b"1"}
    # The end may be missing, as in the parts of an Alpine package.
    assert read(tmp_path, FILE) == {"agent": b"1"}
    # GNU tar has times where POSIX has a prefix.
    gnu = bytearray(header("agent", 1, magic=b"ustar  \0"))
    gnu[345:357] = b"14000000000\0"
    gnu[148:156] = b" " * 8
    gnu[148:156] = b"%06o\0 " % sum(gnu)
    assert read(tmp_path, bytes(gnu) + padded(b"1")) == {"agent": b"1"}


def test_a_deb_with_two_data_archives_is_refused(tmp_path: Path) -> None:
    one = deb({"app": b"1"})
    two = deb({"app": b"2"})

    assert "has two data.tar" in refusal(tmp_path, one + two[two.index(b"data.tar") :])
    many = ar({"debian-binary": b"2.0\n", **{f"_{number}": b"" for number in range(100)}})
    assert "of more than 100 members" in refusal(tmp_path, many)


def test_a_saved_image_whose_two_lists_differ_is_refused(tmp_path: Path) -> None:
    made = Layout()
    shipped = made.image([tar({"app": b"1"})])
    other = made.image([tar({"app": b"2"})], architecture="arm64")
    made.index([shipped])

    def saved(descriptor: dict[str, str]) -> dict[str, bytes]:
        manifest = json.loads(made.files[f"blobs/sha256/{descriptor['digest'][7:]}"])
        blobs = [f"blobs/sha256/{part['digest'][7:]}" for part in (manifest["config"], *manifest["layers"])]
        return {**made.files, "manifest.json": json.dumps([{"Config": blobs[0], "Layers": blobs[1:]}]).encode()}

    assert read(tmp_path, tar(saved(shipped))) == {"app": b"1"}
    assert "index.json has not: which one is loaded depends on the tool" in refusal(tmp_path, tar(saved(other)))
