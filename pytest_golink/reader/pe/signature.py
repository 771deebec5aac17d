"""
The Authenticode signature of a PE image, and whether the file is still the one that was signed.

Who signed, and whether a system trusts them, is the system's question.

Source: Microsoft's "Windows Authenticode Portable Executable Signature Format"; RFC 2315 (PKCS #7).
"""

from __future__ import annotations

import hashlib
from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.facts import SignatureContent
from pytest_golink.reader.der import read_value
from pytest_golink.reader.pe.layout import CERTIFICATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.der import Value
    from pytest_golink.reader.pe.layout import Layout

_CERTIFICATE = Struct("<I2H")
_CERTIFICATE_ALIGNMENT_BYTES = 8
_PKCS_SIGNED_DATA = 2
# The content of object identifiers: SPC_INDIRECT_DATA, and the hashes.
_INDIRECT_DATA = bytes.fromhex("2b060104018237020104")
_HASHES = {
    bytes.fromhex("2b0e03021a"): "sha1",
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
_CHUNK_BYTES = 1 << 20


def read_signature(layout: Layout) -> SignatureContent | None:
    """
    Read the certificate table, None where it holds no signature.

    Raises:
        UnreadableBinaryError: An entry goes past the end of the table.
    """
    signatures = list(_signatures(layout))
    if not signatures:
        return None
    try:
        method, digest = _signed_digest(read_value(signatures[0]))
    except ValueError as error:
        return SignatureContent(kind="authenticode", problem=f"the signature cannot be read: {error}")
    if method is None:
        return SignatureContent(kind="authenticode")
    if _digest(layout, method) == digest:
        return SignatureContent(kind="authenticode", valid=True)
    problem = f"the file has changed since it was signed: its {method} digest is another"
    return SignatureContent(kind="authenticode", valid=False, problem=problem)


def _signatures(layout: Layout) -> Iterator[bytes]:
    start, size = layout.directory(CERTIFICATE) or (0, 0)
    end = start + size
    while start < end:
        what = "an entry of the certificate table"
        length, _, kind = layout.view.unpack(_CERTIFICATE, start, what)
        if length < _CERTIFICATE.size or start + length > end:
            raise layout.view.error(f"{what} has the impossible size {length}", start)
        if kind == _PKCS_SIGNED_DATA:
            yield bytes(layout.view.slice(start + _CERTIFICATE.size, length - _CERTIFICATE.size, what))
        start += -(-length // _CERTIFICATE_ALIGNMENT_BYTES) * _CERTIFICATE_ALIGNMENT_BYTES


def _signed_digest(content_info: Value) -> tuple[str | None, bytes]:
    """Return the hash's name (None for one that is not known) and the digest that was signed."""
    # ContentInfo: type, [0] SignedData: version, digest algorithms, ContentInfo: type, [0] SpcIndirectDataContent:
    # data, DigestInfo: algorithm, digest.
    content = content_info.child(1, 0, 2)
    if content.child(0).content != _INDIRECT_DATA:
        raise ValueError("it signs something else than an image")
    info = content.child(1, 0, 1)
    return _HASHES.get(info.child(0, 0).content), info.child(1).content


def _digest(layout: Layout, method: str) -> bytes:
    """Hash the file without what signing changes: the checksum, the place of the certificates, and those."""
    data = layout.view.data
    start, size = layout.directory(CERTIFICATE) or (0, 0)
    made = hashlib.new(method, usedforsecurity=False)
    skipped = ((layout.checksum_at, 4), (layout.directories_at + CERTIFICATE * 8, 8), (start, size))
    at = 0
    for place, length in (*skipped, (len(data), 0)):
        for chunk in range(at, place, _CHUNK_BYTES):
            made.update(data[chunk : min(chunk + _CHUNK_BYTES, place)])
        at = place + length
    # What a signer hashed before it put the certificates behind was padded to 8 bytes.
    made.update(bytes(-(len(data) - size) % _CERTIFICATE_ALIGNMENT_BYTES))
    return made.digest()
