"""What a system's own ELF file says of itself: a library's name and versions, a program's loader, the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.reader.bounds import View
from pytest_golink.reader.elf.dynamic import DT_SONAME, read_dynamic
from pytest_golink.reader.elf.imports import defined_symbols, defined_versions
from pytest_golink.reader.elf.layout import ET_DYN, read_interpreter, read_layout
from pytest_golink.reader.elf.memory import cpu_notes
from pytest_golink.reader.elf.target import check_machine, goarch_of

if TYPE_CHECKING:
    from pytest_golink.facts import CpuLevel

_MAGIC = b"\x7fELF"


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemFile:
    """
    A library, a loader or a program of a system.

    `goarch` is None for a machine that Go has no port to. `shared` says that a loader can load it: ET_DYN, which a PIE
    is too. `soname` and `interpreter` are None where there is none. `versions` are the symbol versions that it
    defines, in its order ("GLIBC_2.2.5"), `cpu` the CPU levels that its notes ask for.
    """

    goarch: str | None
    shared: bool
    soname: str | None
    interpreter: str | None
    versions: tuple[str, ...]
    cpu: tuple[CpuLevel, ...]


def read_system_file(path: str, data: memoryview) -> SystemFile | None:
    """
    Read what an ELF file says of itself, None for another one: a script, a link editor's text.

    Raises:
        UnreadableBinaryError: The file is ELF, and truncated or damaged.

    Source: System V gABI, chapter 5, "Dynamic Section"; Linux Standard Base, "Symbol Versioning".
    """
    if bytes(data[: len(_MAGIC)]) != _MAGIC:
        return None
    layout = read_layout(View(data, path=path, format="elf"))
    check_machine(layout)
    dynamic = read_dynamic(layout)
    return SystemFile(
        goarch=goarch_of(layout.header),
        shared=layout.header.type == ET_DYN,
        soname=next(iter(dynamic.texts(DT_SONAME)), None),
        interpreter=read_interpreter(layout),
        versions=defined_versions(dynamic),
        cpu=cpu_notes(layout),
    )


def read_exports(path: str, data: memoryview) -> frozenset[str]:
    """
    Return the names of the symbols that an ELF library defines for others, whatever their version.

    Raises:
        UnreadableBinaryError: The file is not ELF, or is truncated or damaged.
    """
    return defined_symbols(read_dynamic(read_layout(View(data, path=path, format="elf"))))
