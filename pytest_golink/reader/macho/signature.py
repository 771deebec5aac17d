"""
The code signature of a Mach-O image: none, ad-hoc, or signed with a certificate; its flags and entitlements.

Whether the signature is valid is the system's question; this says what is there.

Source: Apple's kern/cs_blobs.h. All its numbers are big-endian.
"""

from __future__ import annotations

import plistlib
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.reader.macho.commands import LC_CODE_SIGNATURE

if TYPE_CHECKING:
    from pytest_golink.facts import Signature
    from pytest_golink.reader.bounds import View
    from pytest_golink.reader.macho.commands import Commands

_SUPER_BLOB, _CODE_DIRECTORY, _BLOB_WRAPPER, _ENTITLEMENTS = 0xFADE0CC0, 0xFADE0C02, 0xFADE0B01, 0xFADE7171
_SLOT_ENTITLEMENTS, _SLOT_CMS = 5, 0x10000
# The first, and those with other kinds of hashes.
_SLOTS_OF_DIRECTORIES = frozenset({0, *range(0x1000, 0x1005)})
_CS_ADHOC = 0x2
_PAIR = Struct(">2I")
_DIRECTORY = Struct(">4I")
_MOST_ENTITLEMENT_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeSignature:
    """What is there; `flags` are those that every code directory has, None without a signature."""

    kind: Signature
    flags: int | None = None
    entitlements: tuple[str, ...] = ()


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
    what = "the code signature"
    view = image.view
    start, size = image.fields(command, "2I", what)
    magic, length, count = view.unpack(Struct(">3I"), start, what)
    if magic != _SUPER_BLOB or length > size or 12 + count * _PAIR.size > length:
        raise view.error(f"{what} is damaged (magic 0x{magic:x}, {length} of {size} bytes, {count} parts)", start)
    directories: list[int] = []
    certified = False
    entitlements: tuple[str, ...] = ()
    for index in range(count):
        slot, offset = view.unpack(_PAIR, start + 12 + index * _PAIR.size, what)
        kind, part = view.unpack(_PAIR, start + offset, f"part {index} of {what}")
        if part < _PAIR.size or offset + part > length:
            raise view.error(f"part {index} of {what} goes past its end", start + offset)
        if slot in _SLOTS_OF_DIRECTORIES and kind == _CODE_DIRECTORY:
            *_, flags = view.unpack(_DIRECTORY, start + offset, f"the code directory of {what}")
            directories.append(flags)
        elif slot == _SLOT_CMS and kind == _BLOB_WRAPPER:
            # An ad-hoc signature may have the wrapper and nothing in it.
            certified = part > _PAIR.size
        elif slot == _SLOT_ENTITLEMENTS and kind == _ENTITLEMENTS:
            entitlements = _true_ones(view, start + offset + _PAIR.size, part - _PAIR.size)
    if not directories:
        raise view.error(f"{what} has no code directory", start)
    signed = certified and not reduce(or_, directories) & _CS_ADHOC
    return CodeSignature(
        kind="signed" if signed else "ad-hoc", flags=reduce(and_, directories), entitlements=entitlements
    )


def _true_ones(view: View, start: int, size: int) -> tuple[str, ...]:
    """Give the names of the entitlements that are simply true, in the property list's order."""
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
