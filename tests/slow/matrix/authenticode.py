"""Programs for Windows that osslsigncode signs, and what it says of them once they are changed."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import SignatureContent
from tests.oracles import run
from tests.reader.pe.test_signature import CHANGED, read

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample


@pytest.fixture(scope="module")
def signed(go_sample: GoSample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that osslsigncode signed with a certificate of its own."""
    folder = tmp_path_factory.mktemp("signed")
    made = go_sample("static", target="windows/amd64", cgo=False, ldflags="-s -w").path
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Golink",
         "-addext", "extendedKeyUsage=codeSigning", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    run("osslsigncode", "sign", "-certs", folder / "cert.pem", "-key", folder / "key.pem", "-in", made, "-out",
        folder / "app.exe")  # fmt: skip
    return folder / "app.exe"


def verified(data: bytes, folder: Path) -> str:
    """What osslsigncode says of the digest."""
    (folder / "image.exe").write_bytes(data)
    command = ["osslsigncode", "verify", "-in", str(folder / "image.exe")]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_a_signed_program_is_what_was_signed(signed: Path, tmp_path: Path) -> None:
    data = signed.read_bytes()

    assert "MISMATCH" not in verified(data, tmp_path)
    facts = read(data)
    assert (facts.signed, facts.signature) == ("signed", SignatureContent(kind="authenticode", valid=True))


@pytest.mark.parametrize("place", [0x44, 0x1000, 100_000])
def test_a_program_that_was_changed_is_not(signed: Path, tmp_path: Path, place: int) -> None:
    data = bytearray(signed.read_bytes())
    data[place] ^= 0x20

    assert "MISMATCH" in verified(bytes(data), tmp_path)
    assert read(bytes(data)).signature == SignatureContent(kind="authenticode", valid=False, problem=CHANGED)


def test_the_checksum_is_not_signed(signed: Path, tmp_path: Path) -> None:
    data = bytearray(signed.read_bytes())
    (header,) = struct.unpack_from("<I", data, 0x3C)
    struct.pack_into("<I", data, header + 24 + 64, 0x12345678)

    assert "MISMATCH" not in verified(bytes(data), tmp_path)
    signature = read(bytes(data)).signature
    assert signature is not None
    assert signature.valid is True
