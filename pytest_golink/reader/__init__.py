"""Bytes → facts: open a file, pick the format by its magic number, and return the fact sheet."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pytest_golink.errors import ParameterError, UnreadableBinaryError
from pytest_golink.reader.crosscheck import crosscheck_if_asked
from pytest_golink.reader.formats import HEAD_BYTES, find_format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.reader.formats import FormatRow

# golink holds a whole image in memory. Far above any Go program, far below what exhausts a machine.
_LARGEST_IMAGE_BYTES = 2 << 30


def read_binary(path: str | os.PathLike[str], *, slice: str | None = None) -> BinaryFacts:  # noqa: A002 - Mach-O's word
    """
    Read the linkage facts of one image, without running it.

    Args:
        path: An executable, shared library, object or archive.
        slice: Which image of a fat Mach-O file, by its GOARCH ("arm64"); needed where there are several.

    Raises:
        UnreadableBinaryError: The file cannot be read whole: missing, no binary, truncated or damaged.
        ParameterError: `slice` is missing where there are several, or names one that is not there.
    """
    images = read_binaries(path)
    return images[_choose(images[0].path, [image.slice for image in images], slice)]


def _choose(path: str, slices: Sequence[str | None], wanted: str | None) -> int:
    """Return the index of the wanted image in a file, by the names of its slices."""
    names = [name for name in slices if name is not None]
    if wanted is None:
        if len(slices) == 1:
            return 0
        raise ParameterError(f"{path}: has {len(slices)} slices; pass slice= with one of {', '.join(names)}")
    if wanted in names:
        return slices.index(wanted)
    if not names:
        raise ParameterError(f'{path}: has no slices, so there is no slice "{wanted}"')
    raise ParameterError(f'{path}: has no slice "{wanted}"; it has {", ".join(names)}')


def read_binaries(path: str | os.PathLike[str]) -> tuple[BinaryFacts, ...]:
    """
    Read the facts of every image in a file: one, or one for each slice of a fat Mach-O file.

    Raises:
        UnreadableBinaryError: The file cannot be read whole: missing, no binary, truncated or damaged.
        ReaderDisagreement: With `--golink-crosscheck`: two readers read different facts.
    """
    name = os.fsdecode(path)
    data, row = _load(name)
    view = memoryview(data)
    images = row.read(name, view)
    crosscheck_if_asked(images, view)
    return images


def read_package_sizes(
    path: str | os.PathLike[str],
    *,
    slice: str | None = None,  # noqa: A002 - Mach-O's word
) -> tuple[tuple[str, int], ...]:
    """
    Read how many bytes of code each Go package brought, the largest first; stripping does not change them.

    A size includes what fills the gaps between functions. Code without a package counts to the one that it stands in,
    C code to "C" where Go's own linker linked it, and to nothing where a C linker did.

    Args:
        path: An executable or shared library.
        slice: Which image of a fat Mach-O file, as for `read_binary`.

    Returns:
        Import paths and bytes; () for an image that Go did not make, an object or an archive.

    Raises:
        UnreadableBinaryError: The file cannot be read whole: missing, no binary, truncated or damaged.
        ParameterError: `slice` is missing where there are several, or names one that is not there.
    """
    from pytest_golink.golang.sizes import package_sizes

    name = os.fsdecode(path)
    data, row = _load(name)
    images = row.map(name, memoryview(data))
    if not images:
        return ()
    at = _choose(name, [of_slice for of_slice, _ in images], slice)
    return package_sizes(images[at][1])


def _pick(path: str, head: bytes) -> FormatRow:
    """Return the format of a file that starts with `head`."""
    row = find_format(head)
    if row is not None:
        return row
    if head.startswith(b"<bigaf>\n"):
        raise UnreadableBinaryError(path, "an AIX archive: name an image inside it", format="xcoff")
    raise UnreadableBinaryError(path, f"not an executable, library, object or archive (starts with {head[:8]!r})")


def _load(path: str) -> tuple[bytes, FormatRow]:
    """
    Return the bytes of a file and their format.

    golink reads the file and does not map it: if a mapped file shrinks, access to a lost page raises SIGBUS, which
    kills the interpreter. The first bytes suffice to refuse a file that is not a binary, however large it is.
    """
    try:
        # Check before opening: opening a device may have effects, opening a FIFO waits for its other end.
        _require_regular(path, os.stat(path))  # noqa: PTH116 - the caller's own spelling, for messages
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - from a descriptor
            status = os.fstat(file.fileno())
            _require_regular(path, status)
            row = _pick(path, file.read(HEAD_BYTES))
            if status.st_size > _LARGEST_IMAGE_BYTES:
                raise UnreadableBinaryError(
                    path, f"is larger than {_LARGEST_IMAGE_BYTES >> 30} GiB (size {status.st_size})"
                )
            file.seek(0)
            data = file.read(status.st_size)
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the path.
        raise UnreadableBinaryError(path, getattr(error, "strerror", None) or str(error)) from error
    if len(data) != status.st_size:
        raise UnreadableBinaryError(path, f"shrank while it was read ({len(data)} of {status.st_size} bytes)")
    return data, row


_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def _require_regular(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((word for test, word in _KINDS if test(status.st_mode)), "something else")
        raise UnreadableBinaryError(path, f"is {kind}, not a regular file")
    if status.st_size == 0:
        raise UnreadableBinaryError(path, "is empty")
