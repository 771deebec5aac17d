"""An RPM's header and its payload: rpm takes one, rpm2cpio the other."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.archives import find_images
from pytest_golink.errors import ArchiveError
from tests.archives.packing import cpio, rpm

if TYPE_CHECKING:
    from pathlib import Path

FILE, LINK, FOLDER = 0o100755, 0o120777, 0o040755
ENTRIES = [
    ("./usr/bin", FOLDER, b"", 1, 1),
    ("./usr/bin/app", FILE, b"", 2, 2),
    ("./usr/bin/same", FILE, b"program", 2, 2),
    ("./usr/bin/link", LINK, b"app", 3, 1),
]
PAYLOAD = cpio(ENTRIES)
DIGEST = hashlib.sha256(b"program").hexdigest()
LISTED = {
    "/usr/bin": (FOLDER, 4096, "", ""),
    "/usr/bin/app": (FILE, 7, "", DIGEST),
    "/usr/bin/ghost": (0o100644, 0, "", ""),
    "/usr/bin/link": (LINK, 3, "app", ""),
    "/usr/bin/same": (FILE, 7, "", DIGEST),
}
WHOLE = {f"usr/bin/{name}": "program" for name in ("app", "link", "same")}


def package(*, hash: int = 8, **changes: Any) -> bytes:  # noqa: A002
    """A package whose list says something else of one of app, link, same."""
    named = {f"/usr/bin/{name}": entry for name, entry in changes.items()}
    files = [(name, *entry) for name, entry in {**LISTED, **named}.items() if entry]
    return rpm(PAYLOAD, files, hash=hash)


def contents(folder: Path, data: bytes, pattern: str = "usr/bin/*") -> dict[str, str]:
    (folder / "a.rpm").write_bytes(data)
    images = find_images([f"a.rpm!{pattern}"], folder)
    return {each.name.rpartition("!")[2]: each.at(folder / "out").read_text() for each in images}


def refusal(folder: Path, data: bytes, pattern: str = "usr/bin/*") -> str:
    with pytest.raises(ArchiveError) as caught:
        contents(folder, data, pattern)
    return str(caught.value)


def test_a_package_whose_header_agrees_is_read(tmp_path: Path) -> None:
    assert contents(tmp_path, package()) == WHOLE
    # Without targets, digests, or with a hash that golink does not know.
    assert contents(tmp_path, package(app=(FILE, 7, "", ""), same=(FILE, 7, "", ""))) == WHOLE
    assert contents(tmp_path, package(hash=99)) == WHOLE
    md5 = hashlib.md5(b"program", usedforsecurity=False).hexdigest().upper()
    assert contents(tmp_path, package(app=(FILE, 7, "", md5), same=(FILE, 7, "", md5), hash=1)) == WHOLE


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"same": (0o100644, 7, "", DIGEST)},
            "a.rpm!usr/bin/same: has the mode 100644 in the RPM's header, which rpm takes, "
            "and 100755 in the payload, as rpm2cpio",
        ),
        (
            {"app": (0o104755, 7, "", DIGEST)},
            "a.rpm!usr/bin/app: has the mode 104755 in the RPM's header, which rpm takes, "
            "and 100755 in the payload, as rpm2cpio",
        ),
        (
            {"app": (LINK, 7, "elsewhere", "")},
            "a.rpm!usr/bin/app: has the mode 120777 in the RPM's header, which rpm takes, "
            "and 100755 in the payload, as rpm2cpio",
        ),
        (
            {"same": (FILE, 5, "", DIGEST)},
            "a.rpm!usr/bin/same: has the size 5 in the RPM's header, which rpm takes, "
            "and 7 in the payload, as rpm2cpio",
        ),
        (
            {"link": (LINK, 3, "ghost", "")},
            'a.rpm!usr/bin/link: has the link to "ghost" in the RPM\'s header, which rpm takes, '
            'and "app" in the payload, as rpm2cpio',
        ),
        (
            {"same": None},
            "a.rpm!usr/bin/same: is in the payload and not in the RPM's header: rpm does not install it, "
            "rpm2cpio unpacks it",
        ),
    ],
)
def test_a_header_that_says_something_else_is_refused_with_both(
    changes: dict[str, Any], text: str, tmp_path: Path
) -> None:
    assert refusal(tmp_path, package(**changes)) == text


def test_bytes_of_another_digest_are_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path, package(same=(FILE, 7, "", "00" * 32)))

    assert f"has the digest {'00' * 32} in the RPM's header, which rpm takes, and {DIGEST} in the payload" in text


def test_what_is_not_judged_may_differ(tmp_path: Path) -> None:
    other = package(same=(0o100644, 7, "", DIGEST))

    assert refusal(tmp_path, other, "usr/bin/same")
    # A folder's permissions change no image.
    files = [(name, *entry) for name, entry in (LISTED | {"/usr/bin": (0o040700, 0, "", "")}).items()]
    assert contents(tmp_path, rpm(PAYLOAD, files)) == WHOLE
    # Nor does the root, which no list has.
    assert contents(tmp_path, rpm(cpio([("./", FOLDER, b"", 9, 1), *ENTRIES]), files)) == WHOLE


@pytest.mark.parametrize("tag", [1028, 1030, 1116, 1117, 1118])
def test_a_list_that_is_damaged_is_an_error(tag: int, tmp_path: Path) -> None:
    data = bytearray(package())
    at = data.index(tag.to_bytes(4, "big"), 112)

    for place, value in ((at + 4, 9000), (at + 8, 0xFFFF00), (at + 12, 3)):
        broken = data[:]
        broken[place : place + 4] = value.to_bytes(4, "big")
        assert "the list of files in the RPM's header is damaged" in refusal(tmp_path, bytes(broken))
    data[at + 12 : at + 16] = (200_001).to_bytes(4, "big")
    assert "has more than the bound of 200000 members" in refusal(tmp_path, bytes(data))


def test_a_main_header_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    data = package()

    assert "main header at offset 144 is cut short" in refusal(tmp_path, data[: data.index(b"cpio\0")])


def test_names_of_an_old_rpm_are_paths(tmp_path: Path) -> None:
    data = bytearray(package())
    # OLDFILENAMES in place of BASENAMES, with the same texts: no such file is in the payload.
    at = data.index((1117).to_bytes(4, "big"), 112)
    data[at : at + 4] = (1027).to_bytes(4, "big")

    assert "a.rpm!usr/bin: is in the payload and not in the RPM's header" in refusal(tmp_path, bytes(data))
