"""Archives made by hand: the members as a mapping of names to bytes, a link as text."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import stat
import struct
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


def tar(members: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> bytes:
    """Pack a tar: bytes are a file, text is a symlink's target, a TarInfo is taken as it is."""
    pairs = list(members.items()) if isinstance(members, Mapping) else list(members)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in pairs:
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = content if isinstance(content, bytes) else b""
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            info.size = len(data) or info.size
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tuple[str, tarfile.TarInfo]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return name, info


def zipped(members: Mapping[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED
            mode = stat.S_IFLNK | 0o777 if isinstance(content, str) else stat.S_IFREG | 0o755
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return file.getvalue()


def ar(members: Mapping[str, bytes]) -> bytes:
    """Pack an ar archive as dpkg-deb writes it."""
    parts = [b"!<arch>\n"]
    for name, content in members.items():
        parts += [f"{name:16}{0:<12}{0:<6}{0:<6}{'100644':8}{len(content):<10}`\n".encode(), content]
        parts.append(b"\n" * (len(content) % 2))
    return b"".join(parts)


def deb(members: Mapping[str, Any], *, pack: Callable[[bytes], bytes] = gzip.compress, suffix: str = "gz") -> bytes:
    data = pack(tar({f"./{name}": content for name, content in members.items()}))
    control = gzip.compress(tar({"./control": b"Package: app\n"}))
    return ar({"debian-binary": b"2.0\n", "control.tar.gz": control, f"data.tar.{suffix}": data})


def cpio(entries: Iterable[tuple[str, int, bytes, int, int]]) -> bytes:
    """Pack a cpio of the new ASCII format: (name, mode, content, inode, links)."""
    parts = []
    for name, mode, content, inode, links in [*entries, ("TRAILER!!!", 0, b"", 0, 1)]:
        raw = name.encode() + b"\0"
        numbers = (inode, mode, 0, 0, links, 0, len(content), 8, 1, 0, 0, len(raw), 0)
        header = b"070701" + b"".join(f"{number:08x}".encode() for number in numbers)
        parts.append(header + raw + b"\0" * (-(len(header) + len(raw)) % 4) + content + b"\0" * (-len(content) % 4))
    return b"".join(parts)


def rpm(payload: bytes, files: Sequence[tuple[str, int, int, str, str]] = (), *, hash: int = 8) -> bytes:  # noqa: A002
    """
    Put a lead, a signature and a main header before a payload, as rpmbuild does; rpmfile reads it too.

    Args:
        payload: The packed cpio.
        files: The header's list: path, mode, size, target of a link, digest.
        hash: The number of the digests' algorithm; SHA-256.
    """
    lead = struct.pack(">4sBBHH66sHH16x", b"\xed\xab\xee\xdb", 3, 0, 0, 1, b"app-1-1", 1, 5)
    # One entry each: HEADERSIGNATURES or HEADERIMMUTABLE with no data but a string, so that the padding counts.
    signature = _rpm_header([(1000, 6, 1, b"signature\0")])
    listed = [
        (1028, 4, len(files), b"".join(struct.pack(">I", file[2]) for file in files)),
        (1030, 3, len(files), b"".join(struct.pack(">H", file[1]) for file in files)),
        (1035, 8, len(files), b"".join(file[4].encode() + b"\0" for file in files)),
        (1036, 8, len(files), b"".join(file[3].encode() + b"\0" for file in files)),
        (1116, 4, len(files), b"".join(struct.pack(">I", number) for number in range(len(files)))),
        (1117, 8, len(files), b"".join(file[0].rpartition("/")[2].encode() + b"\0" for file in files)),
        (1118, 8, len(files), b"".join(file[0].encode()[: file[0].rindex("/") + 1] + b"\0" for file in files)),
        (5011, 4, 1, struct.pack(">I", hash)),
    ]
    texts = [(1000, 6, 1, b"app\0"), (1124, 6, 1, b"cpio\0"), (1125, 6, 1, b"gzip\0")]
    main = _rpm_header([*(listed if files else ()), *texts])
    return lead + signature + b"\0" * (-len(signature) % 8) + main + payload


def _rpm_header(tags: list[tuple[int, int, int, bytes]]) -> bytes:
    index, data = b"", b""
    for tag, kind, count, values in tags:
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += values
    return b"\x8e\xad\xe8\x01" + struct.pack(">4xII", len(tags), len(data)) + index + data


class Layout:
    """The files of an OCI image layout, put together."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(self, content: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def image(self, layers: Iterable[bytes], *, os: str = "linux", architecture: str = "amd64") -> dict[str, Any]:
        config = {"os": os, "architecture": architecture} if os else {}
        described = [self.blob(layer, "application/vnd.oci.image.layer.v1.tar+gzip") for layer in layers]
        return self.manifest(described, config=config)

    def manifest(
        self,
        layers: list[dict[str, Any]],
        *,
        config: object = None,
        config_type: str = "application/vnd.oci.image.config.v1+json",
    ) -> dict[str, Any]:
        described = self.blob(json.dumps(config or {}).encode(), config_type)
        manifest = {"schemaVersion": 2, "config": described, "layers": layers}
        return self.blob(json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")

    def index(self, manifests: list[dict[str, Any]]) -> None:
        self.files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()

    def nested_index(self, manifests: list[dict[str, Any]]) -> dict[str, Any]:
        content = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
        return self.blob(content, "application/vnd.oci.image.index.v1+json")

    def write(self, folder: Path) -> None:
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
