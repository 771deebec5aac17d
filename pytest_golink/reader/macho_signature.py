"""
The code signature of a Mach-O image: none, ad-hoc, or signed with a certificate; its flags and entitlements.

Whether the signature is valid is the system's question; this says what is there.

Source: Apple's kern/cs_blobs.h. All its numbers are big-endian.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.reader.macho_commands import LC_CODE_SIGNATURE

if TYPE_CHECKING:
    from pytest_golink.facts import Signature
    from pytest_golink.reader.macho_commands import Commands

_SUPER_BLOB, _CODE_DIRECTORY, _BLOB_WRAPPER, _ENTITLEMENTS = 0xFADE0CC0, 0xFADE0C02, 0xFADE0B01, 0xFADE7171
_SLOT_CODE_DIRECTORY, _SLOT_ENTITLEMENTS, _SLOT_CMS = 0, 5, 0x10000
_CS_ADHOC = 0x2
_PAIR = Struct(">2I")
_DIRECTORY = Struct(">4I")
# Entitlements are a property list; only those that are simply true are of interest.
_TRUE_KEY = re.compile(rb"<key>([\w.-]{1,200})</key>\s{0,100}<true\s{0,10}/>")
_MOST_ENTITLEMENTS = 64
_MOST_ENTITLEMENT_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeSignature:
    """What is there; `flags` are those of the code directory, None without a signature."""

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
    flags: int | None = None
    certified = False
    entitlements: tuple[str, ...] = ()
    for index in range(count):
        slot, offset = view.unpack(_PAIR, start + 12 + index * _PAIR.size, what)
        kind, part = view.unpack(_PAIR, start + offset, f"part {index} of {what}")
        if part < _PAIR.size or offset + part > length:
            raise view.error(f"part {index} of {what} goes past its end", start + offset)
        if slot == _SLOT_CODE_DIRECTORY and kind == _CODE_DIRECTORY:
            *_, flags = view.unpack(_DIRECTORY, start + offset, f"the code directory of {what}")
        elif slot == _SLOT_CMS and kind == _BLOB_WRAPPER:
            # An ad-hoc signature may have the wrapper and nothing in it.
            certified = part > _PAIR.size
        elif slot == _SLOT_ENTITLEMENTS and kind == _ENTITLEMENTS:
            text = view.slice(start + offset + _PAIR.size, min(part - _PAIR.size, _MOST_ENTITLEMENT_BYTES), what)
            names = [name.decode("ascii", "backslashreplace") for name in _TRUE_KEY.findall(text)]
            entitlements = tuple(names[:_MOST_ENTITLEMENTS])
    if flags is None:
        raise view.error(f"{what} has no code directory", start)
    return CodeSignature(
        kind="signed" if certified and not flags & _CS_ADHOC else "ad-hoc", flags=flags, entitlements=entitlements
    )
