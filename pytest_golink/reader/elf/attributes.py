"""
The CPU level that an ELF image's build attributes ask for: what its C compiler was told, joined by the link editor.

Go's linker writes only .MIPS.abiflags. 64-bit PowerPC, arm64, loong64 and s390x have no attribute that names a level.

Sources: Arm's "Addenda to, and Errata in, the ABI for the Arm Architecture"; the RISC-V ELF psABI, "Attributes"; the
RISC-V profiles RVA20 to RVA23; MIPS' "O32 ABI - FR0 and FR1 Interlinking", "The .MIPS.abiflags section".
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_golink.facts import CpuLevel
from pytest_golink.golang.cursor import Cursor
from pytest_golink.reader.elf.target import goarch_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.elf.layout import Layout

# Of Arm, RISC-V and MIPS: a number that is the processor's means the one or the other.
_SHT_ATTRIBUTES, _PT_ATTRIBUTES = 0x70000003, 0x70000003
_SHT_MIPS_ABIFLAGS, _PT_MIPS_ABIFLAGS = 0x7000002A, 0x70000003

_TAG_FILE = 1
_TAG_CPU_ARCH, _TAG_FP_ARCH, _TAG_COMPATIBILITY = 6, 10, 32
_TAG_RISCV_ARCH = 5
# From here on, odd tags have a text and even ones a number.
_FIRST_BY_PARITY = {"aeabi": 32, "riscv": 0}
_CPU_NAMES = (4, 5)

# Tag_CPU_arch → GOARM's number. Go needs more than the older ones, and has no port to those of microcontrollers.
# Go has no name for a level above Armv7.
_GOARM = {3: 5, 4: 5, 5: 5, 6: 6, 7: 6, 8: 6, 9: 6, 10: 7, 14: 7, 15: 7, 18: 7, 19: 7, 20: 7, 22: 7}

# Tag_RISCV_arch: what each profile adds, as far as user code can use it. What no profile has is not named here.
_RVA22 = frozenset({"zba", "zbb", "zbs", "zicbom", "zicbop", "zicboz", "zfhmin", "zihintpause", "zkt"})
_RVA23 = frozenset(
    {"zvfhmin", "zvbb", "zvkb", "zvkt", "zihintntl", "zicond", "zimop", "zcmop", "zcb", "zfa", "zawrs", "supm"}
)
_RVA23_VECTORS = re.compile(r"zve\d+[xfd]|zvl\d+b")

_FP_ABI_AT = 7
_ABIFLAGS_BYTES = 24
# Any, single, hist, xx, 64, 64A: code that has floating-point instructions. 0 is none, 3 is soft.
_HARD_FLOAT = frozenset({1, 2, 4, 5, 6, 7})


def attribute_levels(layout: Layout) -> tuple[CpuLevel, ...]:
    """
    Return the CPU level that the attributes of an arm, riscv64 or MIPS image ask for.

    A level is Go's lowest one with all required features that Go has a name for: no level proves nothing.

    Raises:
        UnreadableBinaryError: The attributes are damaged.
    """
    goarch = goarch_of(layout.header)
    if goarch == "arm":
        return _arm(layout)
    if goarch == "riscv64":
        return _riscv(layout)
    if goarch in ("mips", "mipsle"):
        return _mips(layout, "GOMIPS")
    if goarch in ("mips64", "mips64le"):
        return _mips(layout, "GOMIPS64")
    return ()


def _arm(layout: Layout) -> tuple[CpuLevel, ...]:
    found = dict(_attributes(layout, "aeabi"))
    arch = found.get(_TAG_CPU_ARCH)
    version = _GOARM.get(arch) if isinstance(arch, int) else None
    if version is None:
        return ()
    floats = "hardfloat" if found.get(_TAG_FP_ARCH) else "softfloat"
    return (CpuLevel(setting="GOARM", level=f"{version},{floats}", via=".ARM.attributes"),)


def _riscv(layout: Layout) -> tuple[CpuLevel, ...]:
    arch = dict(_attributes(layout, "riscv")).get(_TAG_RISCV_ARCH)
    if not isinstance(arch, str) or not arch.startswith("rv64"):
        return ()
    # "rv64i2p1_m2p0_zba1p0": single letters first, in one word or in many.
    words = [re.sub(r"\d+(p\d+)?$", "", word) for word in arch[4:].lower().split("_")]
    letters = {letter for word in words if word[:1] not in ("s", "x", "z") for letter in re.sub(r"\d+p\d+", "", word)}
    asked = set(words)
    if "v" in letters or asked & _RVA23 or any(_RVA23_VECTORS.fullmatch(word) for word in asked):
        level = "rva23u64"
    else:
        level = "rva22u64" if asked & _RVA22 else "rva20u64"
    return (CpuLevel(setting="GORISCV64", level=level, via=".riscv.attributes"),)


def _mips(layout: Layout, setting: str) -> tuple[CpuLevel, ...]:
    content = _content(layout, _SHT_MIPS_ABIFLAGS, _PT_MIPS_ABIFLAGS)
    if content is None:
        return ()
    if len(content) < _ABIFLAGS_BYTES:
        raise layout.view.error(f".MIPS.abiflags has {len(content)} bytes, not {_ABIFLAGS_BYTES}")
    level = "hardfloat" if content[_FP_ABI_AT] in _HARD_FLOAT else "softfloat"
    return (CpuLevel(setting=setting, level=level, via=".MIPS.abiflags"),)


def _content(layout: Layout, section_type: int, segment_type: int | None) -> memoryview | None:
    """Return the bytes of the attributes: by the section, or by the segment where the section headers were removed."""
    for section in layout.sections:
        if section.type == section_type:
            return layout.view.slice(section.offset, section.size, section.name)
    segment = layout.one(segment_type) if segment_type is not None else None
    return layout.view.slice(segment.offset, segment.file_size, "the attributes") if segment else None


def _attributes(layout: Layout, vendor: str) -> Iterator[tuple[int, int | str]]:
    """Yield (tag, value) of each attribute that a vendor has for the whole file."""
    segment_type = _PT_ATTRIBUTES if vendor == "riscv" else None
    content = _content(layout, _SHT_ATTRIBUTES, segment_type)
    if content is None:
        return
    reader = _Reader(
        bytes(content),
        byteorder=layout.header.byteorder,
        fail=lambda _, at: layout.view.error(f"the build attributes go past their end, at byte {at} of {len(content)}"),
    )
    if reader.data[:1] != b"A":
        raise layout.view.error(f"the build attributes are of version {bytes(reader.data[:1])!r}, not 'A'")
    reader.skip(1)
    while reader.at < len(reader.data):
        with reader.part() as end:
            name = reader.text().decode("utf-8", "replace")
            while name == vendor and reader.at < end:
                yield from _of_file(reader, vendor)


def _of_file(reader: _Reader, vendor: str) -> Iterator[tuple[int, int | str]]:
    """Read one subsection of a vendor's, and yield its attributes where they are for the whole file."""
    start = reader.at
    scope = reader.leb128()
    with reader.part(start) as end:
        while scope == _TAG_FILE and reader.at < end:
            yield reader.attribute(vendor)


class _Reader(Cursor):
    """Reads build attributes, which lie in parts that begin with their size."""

    @contextmanager
    def part(self, start: int | None = None) -> Iterator[int]:
        """Read the size of the part that begins here, or began at `start`: nothing reads past its end, then all do."""
        start = self.at if start is None else start
        size, outer = self.number(4), self.end
        end = start + size
        if not self.at <= end <= outer:
            raise self._fail(f"have a part of {size} bytes", start)
        self.end = end
        yield end
        self.at, self.end = end, outer

    def attribute(self, vendor: str) -> tuple[int, int | str]:
        """Read a tag and its value."""
        tag = self.leb128()
        if tag == _TAG_COMPATIBILITY and vendor == "aeabi":
            self.leb128()
            return tag, self.text().decode("utf-8", "replace")
        by_parity = tag >= _FIRST_BY_PARITY[vendor]
        is_text = tag % 2 == 1 if by_parity else tag in _CPU_NAMES
        return tag, self.text().decode("utf-8", "replace") if is_text else self.leb128()
