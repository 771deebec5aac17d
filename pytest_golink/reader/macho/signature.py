"""
The code signature of a Mach-O image: none, ad-hoc, or signed with a certificate; its flags, entitlements and hashes.

Whether a system trusts the signer is the system's question. Whether the file is still the one that was signed stands in
the file: a page that has another hash than the code directory says kills the program on arm64.

Source: Apple's kern/cs_blobs.h. All its numbers are big-endian.
"""

from __future__ import annotations

import hashlib
import plistlib
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.facts import SignatureContent
from pytest_golink.reader.macho.commands import LC_CODE_SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import Signature
    from pytest_golink.reader.bounds import View
    from pytest_golink.reader.macho.commands import Commands

_SUPER_BLOB, _CODE_DIRECTORY, _BLOB_WRAPPER, _ENTITLEMENTS = 0xFADE0CC0, 0xFADE0C02, 0xFADE0B01, 0xFADE7171
_SLOT_ENTITLEMENTS, _SLOT_CMS = 5, 0x10000
# The first, and those with other kinds of hashes.
_SLOTS_OF_DIRECTORIES = frozenset({0, *range(0x1000, 0x1005)})
# Parts of the signature itself that a code directory has the hash of: requirements, entitlements and those in DER.
_HASHED_SLOTS = {2: "the requirements", 5: "the entitlements", 7: "the entitlements in DER"}
_CS_ADHOC, _CS_RUNTIME = 0x2, 0x10000
_PAIR = Struct(">2I")
# Version, flags, where the hashes are, special slots, code slots, the end of the code; size and kind of a hash, the
# page's size as a power of two.
_DIRECTORY = Struct(">8x3I4x3I2BxB")
_CODE_LIMIT_64_AT, _FIRST_WITH_LIMIT_64 = 56, 0x20300
_HASHES = {1: "sha1", 2: "sha256", 3: "sha256", 4: "sha384"}
# In a leaf certificate of Apple's "Developer ID Application": the object identifier 1.2.840.113635.100.6.1.13.
_DEVELOPER_ID = bytes.fromhex("060a2a864886f7636406010d")
_MOST_ENTITLEMENT_BYTES = 1 << 20
_WHAT = "the code signature"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeSignature:
    """What is there; `flags` are those that every code directory has, None without a signature."""

    kind: Signature
    flags: int | None = None
    entitlements: tuple[str, ...] = ()
    content: SignatureContent | None = None

    @property
    def hardened_runtime(self) -> bool | None:
        """Whether every code directory has that flag, None without a signature."""
        return None if self.flags is None else bool(self.flags & _CS_RUNTIME)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Directory:
    """A code directory: where it starts in the image, and its fields."""

    start: int
    size: int
    flags: int
    hashes_at: int
    special_slots: int
    code_slots: int
    limit: int
    hash_size: int
    hash_kind: int
    page_bits: int


def read_signature(image: Commands) -> CodeSignature:
    """
    Tell what LC_CODE_SIGNATURE points to.

    Returns:
        `kind` "signed" where a CMS signature is there and the code directory is not marked ad-hoc.

    Raises:
        UnreadableBinaryError: There is such a command and no intact signature.
    """
    command = image.first(LC_CODE_SIGNATURE)
    if command is None:
        return CodeSignature(kind="none")
    view = image.view
    start, size = image.fields(command, "2I", _WHAT)
    parts = _parts(view, start, size)
    directories: list[_Directory] = []
    certificate = b""
    entitlements: tuple[str, ...] = ()
    hashed: dict[int, memoryview] = {}
    for slot, kind, at, length in parts:
        if slot in _SLOTS_OF_DIRECTORIES and kind == _CODE_DIRECTORY:
            directories.append(_directory(view, at, length))
        elif slot == _SLOT_CMS and kind == _BLOB_WRAPPER:
            # An ad-hoc signature may have the wrapper and nothing in it.
            certificate = bytes(view.slice(at + _PAIR.size, length - _PAIR.size, _WHAT))
        elif slot == _SLOT_ENTITLEMENTS and kind == _ENTITLEMENTS:
            entitlements = _true_ones(view, at + _PAIR.size, length - _PAIR.size)
        if slot in _HASHED_SLOTS:
            hashed[slot] = view.slice(at, length, _WHAT)
    if not directories:
        raise view.error(f"{_WHAT} has no code directory", start)
    flags = [directory.flags for directory in directories]
    signed = bool(certificate) and not reduce(or_, flags) & _CS_ADHOC
    valid, problem = _validity(view, directories, hashed, start)
    return CodeSignature(
        kind="signed" if signed else "ad-hoc",
        flags=reduce(and_, flags),
        entitlements=entitlements,
        content=SignatureContent(
            kind=("developer-id" if _DEVELOPER_ID in certificate else "certificate") if signed else "ad-hoc",
            valid=valid,
            problem=problem,
        ),
    )


def _parts(view: View, start: int, size: int) -> list[tuple[int, int, int, int]]:
    """Return slot, kind, offset and length of each part."""
    magic, length, count = view.unpack(Struct(">3I"), start, _WHAT)
    if magic != _SUPER_BLOB or length > size or 12 + count * _PAIR.size > length:
        raise view.error(f"{_WHAT} is damaged (magic 0x{magic:x}, {length} of {size} bytes, {count} parts)", start)
    parts = []
    for index in range(count):
        slot, offset = view.unpack(_PAIR, start + 12 + index * _PAIR.size, _WHAT)
        kind, part = view.unpack(_PAIR, start + offset, f"part {index} of {_WHAT}")
        if part < _PAIR.size or offset + part > length:
            raise view.error(f"part {index} of {_WHAT} goes past its end", start + offset)
        parts.append((slot, kind, start + offset, part))
    return parts


def _directory(view: View, start: int, size: int) -> _Directory:
    what = f"the code directory of {_WHAT}"
    if size < _DIRECTORY.size:
        raise view.error(f"{what} has {size} bytes, too few", start)
    version, flags, hashes_at, special, code, limit, hash_size, kind, page_bits = view.unpack(_DIRECTORY, start, what)
    if version >= _FIRST_WITH_LIMIT_64 and size >= _CODE_LIMIT_64_AT + 8:
        (limit_64,) = view.unpack(Struct(">Q"), start + _CODE_LIMIT_64_AT, what)
        limit = limit_64 or limit
    return _Directory(
        start=start,
        size=size,
        flags=flags,
        hashes_at=hashes_at,
        special_slots=special,
        code_slots=code,
        limit=limit,
        hash_size=hash_size,
        hash_kind=kind,
        page_bits=page_bits,
    )


def _validity(
    view: View, directories: list[_Directory], hashed: Mapping[int, memoryview], end: int
) -> tuple[bool | None, str | None]:
    """Return whether the hashes of every code directory are those of the file, and the first difference."""
    known = False
    for directory in directories:
        method = _HASHES.get(directory.hash_kind)
        if method is None:
            continue
        known = True
        problem = _problem(view, directory, method, hashed, end)
        if problem is not None:
            return False, problem
    return (True if known else None), None


def _problem(view: View, directory: _Directory, method: str, hashed: Mapping[int, memoryview], end: int) -> str | None:
    first = directory.hashes_at - directory.special_slots * directory.hash_size
    last = directory.hashes_at + directory.code_slots * directory.hash_size
    longest = hashlib.new(method, usedforsecurity=False).digest_size
    if first < 0 or last > directory.size or not 0 < directory.hash_size <= longest:
        return "the code directory has no room for its hashes"
    if directory.limit != end:
        return f"the code directory is for {directory.limit} bytes, but the signature begins at {end}"
    page = 1 << directory.page_bits if directory.page_bits else max(directory.limit, 1)
    if directory.code_slots != -(-directory.limit // page):
        return f"the code directory has {directory.code_slots} hashes for {directory.limit} bytes"

    def differs(data: memoryview, slot: int) -> bool:
        made = hashlib.new(method, data, usedforsecurity=False).digest()[: directory.hash_size]
        at = directory.start + directory.hashes_at + slot * directory.hash_size
        return made != bytes(view.data[at : at + directory.hash_size])

    for index in range(directory.code_slots):
        start = index * page
        if differs(view.data[start : min(start + page, directory.limit)], index):
            return f"page {index} (offset 0x{view.base + start:x}) has another hash than the code directory says"
    for slot, part in hashed.items():
        if slot <= directory.special_slots and differs(part, -slot):
            return f"{_HASHED_SLOTS[slot]} of the signature have another hash than the code directory says"
    return None


def _true_ones(view: View, start: int, size: int) -> tuple[str, ...]:
    """Return the names of the entitlements that are simply true, in the property list's order."""
    what = "the entitlements of the code signature"
    if size > _MOST_ENTITLEMENT_BYTES:
        raise view.error(f"{what} are {size} bytes, more than {_MOST_ENTITLEMENT_BYTES}", start)
    try:
        found = plistlib.loads(bytes(view.slice(start, size, what)), fmt=plistlib.FMT_XML) if size else {}
    except Exception as error:
        # expat's, and whatever the values' own forms raise.
        raise view.error(f"{what} are no property list: {error}", start) from error
    if not isinstance(found, dict):
        raise view.error(f"{what} are not a dictionary", start)
    return tuple(name for name, value in found.items() if value is True)
