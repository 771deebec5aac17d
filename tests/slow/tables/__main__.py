"""
Write the tables of symbols from Debian's packages: `python -m tests.slow.tables FOLDER`, which is made once.

glibc.symbols says which library of glibc has a symbol, and from which version on; libraries.symbols which release of
Debian has it in a library whose symbols have no version, or not all. Nothing of the packages is installed or run.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from itertools import groupby
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerSymSection

from tests.platforms.debian import root_of

TABLES = Path(__file__).parents[3] / "pytest_golink/platforms/tables"
_SUITES = {"bullseye": "debian11", "bookworm": "debian12", "trixie": "debian13"}
_ARCHITECTURES = ("amd64", "386", "arm64", "arm")
_GLIBC = ("libc", "libm", "libpthread", "libdl", "librt", "libresolv", "libutil", "libanl", "ld-linux[-a-z0-9]*", "ld")
_GLIBC_FILE = re.compile(rf"({'|'.join(_GLIBC)})\.so\.\d+")
# What Go programs link to through cgo, and the base system of some release has: the package, and how its interface is
# spelled. Some export their inner functions too.
_PACKAGES = {
    "libz.so.1": ("zlib1g", ""),
    "libzstd.so.1": ("libzstd1", "ZSTD_|ZDICT_|ZBUFF_"),
    "libseccomp.so.2": ("libseccomp2", "seccomp_"),
    "libsqlite3.so.0": ("libsqlite3-0", "sqlite3_"),
    "libbz2.so.1.0": ("libbz2-1.0", "BZ2_bz"),
    "liblz4.so.1": ("liblz4-1", "LZ4"),
    "libcap.so.2": ("libcap2", "cap_|capgetp|capsetp|psx_"),
    "libpcre2-8.so.0": ("libpcre2-8-0", "pcre2_"),
}
# As pyelftools names them.
_VERSION_NUMBERS = {"VER_NDX_LOCAL": 0, "VER_NDX_GLOBAL": 1}
_VERSION = re.compile(r"GLIBC_(\d+(?:\.\d+)*)")
_WIDTH = 118


def _symbols(path: Path) -> dict[str, list[tuple[str | None, bool]]]:
    """Give each symbol that a library defines, with its versions and whether each is hidden."""
    found: dict[str, list[tuple[str | None, bool]]] = defaultdict(list)
    with path.open("rb") as file:
        # The library has no types.
        elf: Any = ELFFile(file)
        numbers = next((each for each in elf.iter_sections() if isinstance(each, GNUVerSymSection)), None)
        names: Any = next((each for each in elf.iter_sections() if isinstance(each, GNUVerDefSection)), None)
        for index, symbol in enumerate(elf.get_section_by_name(".dynsym").iter_symbols()):
            if symbol["st_shndx"] == "SHN_UNDEF" or symbol["st_info"]["bind"] == "STB_LOCAL" or not symbol.name:
                continue
            number = _number(numbers.get_symbol(index)["ndx"]) if numbers is not None else 1
            version = None
            if number & 0x7FFF > 1 and names is not None:
                named = names.get_version(number & 0x7FFF)
                assert named is not None
                version = next(iter(named[1])).name
            if symbol.name != version:
                found[symbol.name].append((version, bool(number & 0x8000)))
    return found


def _number(index: Any) -> int:
    return int({"VER_NDX_LOCAL": 0, "VER_NDX_GLOBAL": 1}.get(index, index))


def _files(root: Path, pattern: re.Pattern[str]) -> dict[str, Path]:
    return {path.name: path for path in root.rglob("*.so*") if pattern.fullmatch(path.name) and path.is_file()}


def _key(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def glibc(folder: Path) -> str:
    """Give the table of glibc."""
    since: dict[tuple[str, str], str] = {}
    for suite in _SUITES:
        for goarch in _ARCHITECTURES:
            for library, path in sorted(_files(root_of(folder, suite, goarch, ("libc6",)), _GLIBC_FILE).items()):
                # The loader's own symbols are there for every program.
                place = "libc.so.6" if library.startswith("ld") else library
                for name, versions in _symbols(path).items():
                    public = [(match[1], hidden) for version, hidden in versions
                              if (match := _VERSION.fullmatch(version or ""))]  # fmt: skip
                    if not public:
                        continue
                    # What a later release has for the first time came with the version that is not hidden.
                    first = suite == next(iter(_SUITES)) or all(hidden for _, hidden in public)
                    numbers = [version for version, hidden in public if first or not hidden]
                    oldest = min(numbers, key=_key)
                    known = since.get((place, name))
                    if known is None or (first and goarch == "amd64" and suite == next(iter(_SUITES))):
                        since[place, name] = oldest
    lines = [
        "# What each library of glibc has, and from which version on: .dynsym of libc6 in Debian 11, 12 and 13, for",
        "# amd64, i386, arm64 and armhf together, without GLIBC_PRIVATE. Written by `python -m tests.slow.tables`.",
    ]
    rows = sorted((library, _key(version), version, name) for (library, name), version in since.items())
    for (library, _, version), group in groupby(rows, key=lambda row: row[:3]):
        lines += _wrapped(f"{library} {version}:", sorted(row[3] for row in group))
    return "\n".join(lines) + "\n"


def libraries(folder: Path) -> str:
    """Give the table of the other libraries."""
    lines = [
        "# What libraries of Debian have whose symbols have no version, or not all: .dynsym of its packages for amd64.",
        "# Written by `python -m tests.slow.tables`.",
    ]
    for library, (package, interface) in _PACKAGES.items():
        places: dict[str, list[str]] = defaultdict(list)
        for suite, release in _SUITES.items():
            files = _files(root_of(folder, suite, "amd64", (package,)), re.compile(re.escape(library)))
            for name in _symbols(files[library].resolve()):
                if re.match(interface, name):
                    places[name].append(release)
        rows = sorted((tuple(releases), name) for name, releases in places.items())
        for releases, group in groupby(rows, key=lambda row: row[0]):
            lines += _wrapped(f"{library} {' '.join(releases)}:", [name for _, name in group])
    return "\n".join(lines) + "\n"


def _wrapped(head: str, names: list[str]) -> list[str]:
    lines = [head]
    for name in names:
        if len(lines[-1]) + 1 + len(name) > _WIDTH:
            lines.append("")
        lines[-1] += f" {name}"
    return lines


if __name__ == "__main__":
    made = Path(sys.argv[1]).resolve()
    try:
        (TABLES / "glibc.symbols").write_text(glibc(made), encoding="ascii")
        (TABLES / "libraries.symbols").write_text(libraries(made), encoding="ascii")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stderr}")
