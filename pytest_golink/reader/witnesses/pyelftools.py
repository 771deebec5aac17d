"""
What pyelftools says of an ELF image: the second reader that `--golink-crosscheck` holds ours against.

It reads symbols and versions by the section headers, ours by the dynamic table: two roads to the same facts.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import BinaryFacts

READER = "pyelftools"

_ENDIAN = {("MIPS", 32): "mips", ("MIPS", 64): "mips64", ("PPC64", 64): "ppc64"}
_GOARCH = {
    ("386", 32, True): "386",
    ("X86_64", 64, True): "amd64",
    ("ARM", 32, True): "arm",
    ("AARCH64", 64, True): "arm64",
    ("LOONGARCH", 64, True): "loong64",
    ("RISCV", 64, True): "riscv64",
    ("S390", 64, False): "s390x",
    ("SPARCV9", 64, False): "sparc64",
}
_DF_BIND_NOW, _DF_1_NOW, _DF_1_PIE = 8, 1, 0x08000000
_PF_X, _PF_W = 1, 2
_PAGE_BYTES = 4096
# The n32 ABI of MIPS, which is no port of Go.
_EF_MIPS_ABI2 = 0x20
_VERSION_MASK, _VER_FLG_WEAK = 0x7FFF, 2


def ours(facts: BinaryFacts) -> dict[str, object]:
    """Return our facts under the names of the second reader's."""
    linked = "ET_DYN" if facts.hardening.pie else "ET_EXEC"
    return {
        **({"GOARCH": facts.target.goarch} if facts.target else {}),
        "e_type": "ET_REL" if facts.kind == "object" else linked,
        "kind": facts.kind,
        "PT_INTERP": facts.interpreter,
        "DT_NEEDED": tuple(library.name for library in facts.needed if library.via == "DT_NEEDED"),
        "DT_RPATH": facts.rpath,
        "DT_RUNPATH": facts.runpath,
        "imports": tuple((symbol.name, symbol.library, symbol.version, symbol.weak) for symbol in facts.imports),
        "version needs": tuple((need.library, need.version, need.weak) for need in facts.version_needs),
        "symbol table": facts.symtab,
        "DWARF": facts.dwarf,
        "nx": facts.hardening.nx,
        "RELRO": facts.hardening.relro,
        "writable code": facts.hardening.writable_code,
    }


def theirs(data: memoryview) -> dict[str, object]:
    """
    Return the facts that pyelftools can tell; one that it cannot is not among them.

    Raises:
        ELFError, ValueError, OSError, …: The image is damaged in its eyes.
    """
    from elftools.elf.elffile import ELFFile

    elf: Any = ELFFile(io.BytesIO(data))
    segments = list(elf.iter_segments())
    sections = list(elf.iter_sections())
    tags = [tag for segment in segments if segment["p_type"] == "PT_DYNAMIC" for tag in segment.iter_tags()]
    said: dict[str, object] = {
        "e_type": elf["e_type"],
        "kind": _kind(elf["e_type"], segments, tags),
        "PT_INTERP": next((s.get_interp_name() for s in segments if s["p_type"] == "PT_INTERP"), None),
        "DT_NEEDED": tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
        "DT_RPATH": _paths(tag.rpath for tag in tags if tag.entry.d_tag == "DT_RPATH"),
        "DT_RUNPATH": _paths(tag.runpath for tag in tags if tag.entry.d_tag == "DT_RUNPATH"),
        "symbol table": any(_names_something(table) for table in sections if table["sh_type"] == "SHT_SYMTAB"),
        "DWARF": any(
            section.name in (".debug_info", ".zdebug_info") and section.data_size and section["sh_type"] != "SHT_NOBITS"
            for section in sections
        ),
    }
    goarch = _goarch(elf)
    if goarch is not None:
        said["GOARCH"] = goarch
    if elf["e_type"] != "ET_REL":
        said |= _hardening(segments, tags)
    if any(section["sh_type"] == "SHT_DYNSYM" for section in sections) or not tags:
        said |= _symbols(sections, "little" if elf.little_endian else "big")
    return said


def _goarch(elf: Any) -> str | None:
    # A number where pyelftools has no name for the machine.
    machine = str(elf["e_machine"]).removeprefix("EM_")
    little = bool(elf.little_endian)
    if (machine, elf.elfclass) in _ENDIAN:
        n32 = machine == "MIPS" and elf["e_flags"] & _EF_MIPS_ABI2
        return None if n32 else _ENDIAN[machine, elf.elfclass] + ("le" if little else "")
    return _GOARCH.get((machine, elf.elfclass, little))


def _kind(file_type: str, segments: list[Any], tags: list[Any]) -> str:
    """Return whether it is a program: a library has no DT_DEBUG, and a DT_SONAME if it names itself."""
    if file_type == "ET_REL":
        return "object"
    values = {tag.entry.d_tag: tag.entry.d_val for tag in tags}
    if file_type == "ET_EXEC" or values.get("DT_FLAGS_1", 0) & _DF_1_PIE:
        return "executable"
    interpreted = any(segment["p_type"] == "PT_INTERP" for segment in segments)
    if interpreted and "DT_DEBUG" in values:
        return "executable"
    starts = interpreted or "DT_DEBUG" in values or not tags
    return "executable" if starts and "DT_SONAME" not in values else "shared-library"


def _paths(texts: Iterator[str]) -> tuple[str, ...]:
    return tuple(entry for text in texts if text for entry in text.split(":"))


def _names_something(table: Any) -> bool:
    return any(
        symbol.name and symbol["st_info"]["type"] not in ("STT_SECTION", "STT_FILE") for symbol in table.iter_symbols()
    )


def _hardening(segments: list[Any], tags: list[Any]) -> dict[str, object]:
    said: dict[str, object] = {
        "writable code": any(
            segment["p_flags"] & _PF_W and segment["p_flags"] & _PF_X
            for segment in segments
            if segment["p_type"] == "PT_LOAD"
        )
    }
    stack = [segment for segment in segments if segment["p_type"] == "PT_GNU_STACK"]
    if stack:
        # Without one, the machine and the system decide.
        said["nx"] = not stack[0]["p_flags"] & _PF_X
    relro = any(
        (segment["p_vaddr"] + segment["p_memsz"]) // _PAGE_BYTES > segment["p_vaddr"] // _PAGE_BYTES
        for segment in segments
        if segment["p_type"] == "PT_GNU_RELRO"
    )
    # Of two entries with one tag the last one counts.
    values = {tag.entry.d_tag: tag.entry.d_val for tag in tags}
    now = "DT_BIND_NOW" in values or values.get("DT_FLAGS", 0) & _DF_BIND_NOW or values.get("DT_FLAGS_1", 0) & _DF_1_NOW
    if not (relro and now):
        # Full it is only where the relocations lie in those pages, which pyelftools takes too long to read.
        said["RELRO"] = "partial" if relro else "none"
    return said


def _symbols(sections: list[Any], byteorder: Literal["little", "big"]) -> dict[str, object]:
    versions: dict[int, tuple[str, str]] = {}
    needs = []
    numbers = b""
    for section in sections:
        if section["sh_type"] == "SHT_GNU_verneed":
            for need, auxiliaries in section.iter_versions():
                for auxiliary in auxiliaries:
                    weak = bool(auxiliary["vna_flags"] & _VER_FLG_WEAK)
                    needs.append((need.name, auxiliary.name, weak))
                    versions[auxiliary["vna_other"] & _VERSION_MASK] = (need.name, auxiliary.name)
        elif section["sh_type"] == "SHT_GNU_versym":
            # pyelftools makes an object of each, which takes its time where a program exports all its symbols.
            numbers = section.data()
    imports: list[tuple[str, str | None, str | None, bool]] = []
    for table in (section for section in sections if section["sh_type"] == "SHT_DYNSYM"):
        for index, symbol in enumerate(table.iter_symbols()):
            number = int.from_bytes(numbers[2 * index : 2 * index + 2], byteorder) & _VERSION_MASK
            library, version = versions.get(number, (None, None))
            bind = symbol["st_info"]["bind"]
            # A variable that is copied out of a library is defined here, with the library's version.
            wanted = symbol["st_shndx"] == "SHN_UNDEF" or version is not None
            if wanted and symbol.name and bind != "STB_LOCAL":
                imports.append((symbol.name, library, version, bind == "STB_WEAK"))
    return {"imports": tuple(imports), "version needs": tuple(needs)}
