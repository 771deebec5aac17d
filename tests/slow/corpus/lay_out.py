"""
Lay the files of manifest.tsv out of the downloaded packages, each checked by its SHA-256.

usage: lay_out.py wanted FILES
         print the packages of the files that are not in FILES yet, one a line, as fetch.sh takes them
       lay_out.py unpack DOWNLOADS FILES
         lay the files into FILES; exit 1 if any is missing at the end
"""

from __future__ import annotations

import hashlib
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
Row = dict[str, str]

# No registry has a fat Mach-O of Go: these are joined from thin ones, as lipo does. By artifact.
_MADE = {
    "made:lipo:lefthook-2.2.2": (
        "npm/lefthook-darwin-x64@2.2.2/bin/lefthook",
        "npm/lefthook-darwin-arm64@2.2.2/bin/lefthook",
    ),
}
# lipo aligns a slice to its CPU's page: 2**12 and 2**14 bytes.
_PAGE_BITS = {0x01000007: 12, 0x0100000C: 14}
_BLOCK_BYTES = 1 << 20


def read_manifest() -> list[Row]:
    """Read manifest.tsv: key, source, artifact, member, lang, size, sha256."""
    head, *lines = (HERE / "manifest.tsv").read_text(encoding="utf-8").splitlines()
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def wanted(files: Path) -> list[str]:
    """Return the packages of the files that are not there yet; a joined file's are those of its parts."""
    rows = {row["key"]: row for row in read_manifest()}
    keys = {key for key, row in rows.items() if not in_place(row, files)}
    keys |= {part for key in keys for part in _MADE.get(rows[key]["artifact"], ()) if not in_place(rows[part], files)}
    return sorted({rows[key]["artifact"] for key in keys if rows[key]["artifact"] not in _MADE})


def in_place(row: Row, files: Path) -> bool:
    """Whether a file is there with the right bytes."""
    path = files / row["key"]
    if not path.is_file() or path.stat().st_size != int(row["size"]):
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest() == row["sha256"]


def package_path(artifact: str, downloads: Path) -> Path:
    """Return the place of a downloaded package, as fetch.sh names it."""
    source, name = artifact.split(":", 1)
    if source == "npm":
        return downloads / "npm" / f"{name.replace('/', '+')}.tgz"
    if source == "pypi":
        return downloads / "pypi" / name
    package, version = name.split("=", 1)
    package, architecture = package.rsplit(":", 1)
    return downloads / "deb" / f"{package}_{version.replace(':', '%3a')}_{architecture}.deb"


def unpack_members(package: Path, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield each wanted member of a package with its bytes."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as wheel:
            for name in wheel.namelist():
                if name in wanted:
                    yield name, wheel.read(name)
        return
    command = ["dpkg-deb", "--fsys-tarfile"] if package.suffix == ".deb" else ["gzip", "-dc"]
    with (
        subprocess.Popen([*command, str(package)], stdout=subprocess.PIPE) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as archive,
    ):
        for entry in archive:
            content = archive.extractfile(entry) if entry.isreg() and entry.name in wanted else None
            if content is not None:
                yield entry.name, content.read()


def join_slices(images: list[bytes]) -> bytes:
    """Make one fat Mach-O of thin little-endian ones, byte for byte as llvm-lipo does."""
    table, body = [], bytearray(8 + 20 * len(images))
    for image in images:
        cpu, subtype = struct.unpack_from("<2I", image, 4)
        bits = _PAGE_BITS[cpu]
        body += bytes(-len(body) % (1 << bits))
        table.append(struct.pack(">5I", cpu, subtype, len(body), len(image), bits))
        body += image
    header = struct.pack(">2I", 0xCAFEBABE, len(images)) + b"".join(table)
    return header + bytes(body[len(header) :])


def write(row: Row, data: bytes, files: Path) -> None:
    """Write a file if its bytes are the right ones."""
    if hashlib.sha256(data).hexdigest() == row["sha256"]:
        path = files / row["key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def unpack(downloads: Path, files: Path) -> int:
    """Lay out what is not there yet, and say what is missing."""
    rows = read_manifest()
    by_package: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if not in_place(row, files):
            by_package[row["artifact"]][row["member"]] = row
    for artifact, members in by_package.items():
        package = package_path(artifact, downloads) if artifact not in _MADE else None
        if package is not None and package.is_file():
            for member, data in unpack_members(package, set(members)):
                write(members[member], data, files)
    for artifact, members in by_package.items():
        thin = [files / key for key in _MADE.get(artifact, ())]
        if thin and all(path.is_file() for path in thin):
            for row in members.values():
                write(row, join_slices([path.read_bytes() for path in thin]), files)
    missing = [
        row["key"] for members in by_package.values() for row in members.values() if not (files / row["key"]).is_file()
    ]
    for key in missing:
        print(f"missing: {key}")
    print(f"{len(rows) - len(missing)} of {len(rows)} files in place")
    return 1 if missing else 0


def main(arguments: list[str]) -> int:
    """Run a command of the usage text."""
    if len(arguments) == 2 and arguments[0] == "wanted":
        print(*wanted(Path(arguments[1])), sep="\n")
        return 0
    if len(arguments) == 3 and arguments[0] == "unpack":
        return unpack(Path(arguments[1]), Path(arguments[2]))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
