"""One entry of an archive, as its header describes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_golink.archives import limits
from pytest_golink.errors import ArchiveError
from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO, TypeAlias

    # Returns a member's bytes from the open file that holds it; the name is for messages.
    Step: TypeAlias = Callable[[BinaryIO, str], Iterator[bytes]]

HEAD_BYTES = 16
_LONGEST_SHOWN = 120
# A single backslash is an ordinary character on Unix: names of systemd units have it.
_LEADS_OUT = re.compile(r"\0|(?:^|[/\\])\.\.(?:$|[/\\])|^[A-Za-z]:[/\\]|^\\")
_PLAIN = re.compile(r"[\w+-][\w.+-]*(?:/[\w+-][\w.+-]*)*", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """
    One entry of an archive.

    Attributes:
        name: Its path, posix, relative, without "." and "..".
        kind: A device, FIFO or socket is "other".
        mode: Its permission bits; None where the archive has none, as in a zip from Windows.
        size: Its size by its header.
        offset: Where its bytes start in a tar, decompressed.
        head: Its first bytes; enough for a magic number.
        target: A symlink's target as written; the name of the other member for a hard link.
        chain: How to get its bytes: each step reads the file that the step before returns, the first reads `source`.
        source: The file that holds the bytes; None for the archive itself.
        problem: Why its bytes cannot be had ("is encrypted"); "" where they can.
    """

    name: str
    kind: Literal["file", "folder", "symlink", "hardlink", "other"]
    mode: int | None = None
    size: int = 0
    offset: int = 0
    head: bytes = b""
    target: str = ""
    chain: tuple[Step, ...] = ()
    source: Path | None = None
    problem: str = ""


def shown(name: str) -> str:
    """Return a stranger's name for a message: printable, and no longer than a reader needs."""
    text = escape_message(name)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:80]}…{text[-30:]}"


def inner_name(raw: str, *, path: str, root: bool) -> str:
    """
    Return a member's name without "./" and the like; "" for the archive's own root.

    Args:
        raw: The name as it is written.
        path: The archive, for the message.
        root: Whether the archive is a root file system, whose names may start with "/".

    Raises:
        ArchiveError: The name leads out of the archive, or is longer than the bound.
    """
    if len(raw) > limits.NAME_BYTES:
        raise ArchiveError(
            path, f'the name of the member "{shown(raw)}" is longer than the bound of {limits.NAME_BYTES} characters'
        )
    if _PLAIN.fullmatch(raw):
        return raw
    if _LEADS_OUT.search(raw):
        raise ArchiveError(path, f'the name of the member "{shown(raw)}" leads out of the archive')
    if raw.startswith("/") and not root:
        raise ArchiveError(path, f'the name of the member "{shown(raw)}" is absolute')
    return "/".join(part for part in raw.split("/") if part not in ("", "."))
