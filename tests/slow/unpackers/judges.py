"""What real unpackers leave of an archive, and what golink reads in it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING, TypeAlias

from pytest_golink.archives.listing import archive_tree, is_layout, layout_tree

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_CODECS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
    b"\x28\xb5\x2f\xfd": zstd.decompress,
}
# By name: what a link says, or a file's bytes and mode.
Files: TypeAlias = "dict[str, str | tuple[bytes, int | None]]"


def golink(path: Path) -> Files:
    """
    Return the files and links that golink reads in an archive.

    Raises:
        ArchiveError: It refuses the archive.
    """
    if is_layout(path):
        return _read(path, layout_tree(path, "a"))
    with path.open("rb") as file:
        return _read(path, archive_tree(file, "a"))


def _read(path: Path, tree: object) -> Files:
    from pytest_golink.archives.tree import Images, Tree
    from pytest_golink.errors import ArchiveError

    tree = tree.only() if isinstance(tree, Images) else tree
    assert isinstance(tree, Tree)
    found: Files = {}
    for name in tree.names():
        target = tree.link(name)
        if target is not None:
            found[name] = target
            continue
        member = tree.plain_file(name)
        if member is None:
            raise ArchiveError("a", "a member cannot be read")
        with (member.source or path).open("rb") as file:
            found[name] = b"".join(member.chain[0](file, name)), member.mode
    return found


def on_disk(folder: Path) -> Files:
    """Return the files and links in a folder."""
    found: Files = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            # 7z puts its own folder before an absolute one.
            found[name] = re.sub(f"^{folder}(?=/|$)", "", str(path.readlink()))
        elif stat.S_ISREG(status.st_mode):
            found[name] = path.read_bytes(), stat.S_IMODE(status.st_mode)
    return found


def _run(*words: str) -> Callable[[Path, Path], bool]:
    def unpack(archive: Path, out: Path) -> bool:
        out.mkdir()
        command = [word.replace("{archive}", str(archive)).replace("{out}", str(out)) for word in words]
        done = subprocess.run(command, cwd=out, capture_output=True, stdin=subprocess.DEVNULL)
        return done.returncode == 0

    return unpack


def _umoci(archive: Path, out: Path) -> bool:
    command = ["umoci", "raw", "unpack", "--rootless", "--image", f"{archive}:latest", str(out)]
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def _gnu_tar(archive: Path, out: Path) -> bool:
    """Unpack with GNU tar, which asks other programs to decompress: a bare machine does not have all of them."""
    out.mkdir()
    data = archive.read_bytes()
    for magic, decompress in _CODECS.items():
        if data.startswith(magic):
            try:
                data = decompress(data)
            except (OSError, EOFError, ValueError, lzma.LZMAError, zstd.ZstdError):
                return False
    return subprocess.run(["tar", "-xpf", "-"], cwd=out, capture_output=True, input=data).returncode == 0


def _python_tar(archive: Path, out: Path) -> bool:
    try:
        with tarfile.open(archive) as opened:
            opened.extractall(out, filter="fully_trusted")
    except (OSError, KeyError, tarfile.TarError):
        return False
    return True


def _python_zip(archive: Path, out: Path) -> bool:
    out.mkdir()
    try:
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                # It makes no links: of those it is no judge.
                if stat.S_ISLNK(info.external_attr >> 16):
                    return False
            opened.extractall(out)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False
    return True


_RPM2CPIO = 'rpm2cpio "$0" | cpio --quiet -id'
_CPIO = 'tail -c +"$(($(cat "$0.start") + 1))" "$0" | gunzip | cpio --quiet -id'

# By format: unpackers, the one that golink follows first.
JUDGES: dict[str, dict[str, Callable[[Path, Path], bool]]] = {
    "tar": {
        "tar": _gnu_tar,
        "bsdtar": _run("bsdtar", "-xpf", "{archive}"),
        "python": _python_tar,
    },
    "zip": {
        "unzip": _run("unzip", "-qqo", "{archive}"),
        "7z": _run("7z", "x", "-y", "-bd", "-snl", "{archive}"),
        "bsdtar": _run("bsdtar", "-xpf", "{archive}"),
        "python": _python_zip,
    },
    "deb": {"dpkg-deb": _run("dpkg-deb", "-x", "{archive}", "{out}")},
    "rpm": {
        "rpm2cpio": _run("bash", "-o", "pipefail", "-c", _RPM2CPIO, "{archive}"),
        "bsdtar": _run("bsdtar", "-xpf", "{archive}"),
        "cpio": _run("bash", "-o", "pipefail", "-c", _CPIO, "{archive}"),
    },
    "layers": {"umoci": _umoci},
}
# Whose modes count: the others leave them to the umask.
_KEEP_MODES = ("tar", "bsdtar", "dpkg-deb", "umoci")


def missing() -> list[str]:
    """Return the unpackers that are not here."""
    commands = ("tar", "bsdtar", "unzip", "7z", "cpio", "dpkg-deb", "rpm2cpio", "rpmbuild", "umoci", "zip")
    return [command for command in commands if shutil.which(command) is None]


def differences(judge: str, read: Files, there: Files) -> list[str]:
    """Return how what golink read differs from what an unpacker left; [] where it does not."""
    found = []
    for name in sorted(read.keys() | there.keys()):
        mine, theirs = read.get(name), there.get(name)
        same = mine == theirs if judge in _KEEP_MODES else _bytes(mine) == _bytes(theirs)
        if not same:
            found.append(f"{name}: golink {_shown(mine)}, {judge} {_shown(theirs)}")
    return found


def _bytes(value: str | tuple[bytes, int | None] | None) -> str | bytes | None:
    return value[0] if isinstance(value, tuple) else value


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)[:60]


def judged(archive: Path, kind: str, work: Path, names: Sequence[str]) -> dict[str, Files | None]:
    """Unpack an archive with each judge; None for one that fails on it."""
    results: dict[str, Files | None] = {}
    for name, unpack in JUDGES[kind].items():
        if name not in names:
            continue
        out = work / f"out-{name}"
        results[name] = on_disk(out) if unpack(archive, out) else None
        shutil.rmtree(out, ignore_errors=True)
    return results
