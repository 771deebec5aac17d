"""What pyelftools and binutils' readelf say of an ELF image: readers that share no code with ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection, GNUVerSymSection

from tests.oracles import run

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.facts import BinaryFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """The facts that both our reader and the other tools give."""

    interpreter: str | None
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    version_needs: tuple[tuple[str, str], ...]
    undefined: frozenset[tuple[str, str | None, bool]]


def our_witness(facts: BinaryFacts, *, copied: bool = False) -> Witness:
    """What our reader says; `copied` symbols, which other tools call defined, are left out by the caller's word."""
    return Witness(
        interpreter=facts.interpreter,
        needed=tuple(library.name for library in facts.needed),
        rpath=facts.rpath or (),
        runpath=facts.runpath or (),
        version_needs=tuple((need.library, need.version) for need in facts.version_needs),
        undefined=frozenset() if copied else frozenset((i.name, i.version, i.weak) for i in facts.imports),
    )


def pyelftools_says(path: Path, *, copied: bool = False) -> Witness:
    with path.open("rb") as file:
        elf: Any = ELFFile(file)
        interpreter = None
        tags: dict[str, list[str]] = {"needed": [], "rpath": [], "runpath": []}
        for segment in elf.iter_segments():
            if segment["p_type"] == "PT_INTERP":
                interpreter = segment.get_interp_name()
            if segment["p_type"] == "PT_DYNAMIC":
                for tag in segment.iter_tags():
                    if tag.entry.d_tag in ("DT_NEEDED", "DT_RPATH", "DT_RUNPATH"):
                        name = tag.entry.d_tag[3:].lower()
                        tags[name].append(getattr(tag, name))
        needs: list[tuple[str, str]] = []
        versions: dict[int, str] = {}
        section = elf.get_section_by_name(".gnu.version_r")
        # Go's linker writes an empty section of this name and of no version type.
        if isinstance(section, GNUVerNeedSection):
            for need, auxiliaries in section.iter_versions():
                for auxiliary in auxiliaries:
                    needs.append((str(need.name), auxiliary.name))
                    versions[auxiliary["vna_other"]] = auxiliary.name
        undefined = set()
        symbols = elf.get_section_by_name(".dynsym")
        numbers = elf.get_section_by_name(".gnu.version")
        if symbols is not None and not copied:
            for index, symbol in enumerate(symbols.iter_symbols()):
                if symbol["st_shndx"] == "SHN_UNDEF" and symbol.name:
                    number = numbers.get_symbol(index)["ndx"] if isinstance(numbers, GNUVerSymSection) else None
                    version = versions.get(number & 0x7FFF) if isinstance(number, int) else None
                    undefined.add((symbol.name, version, symbol["st_info"]["bind"] == "STB_WEAK"))
    return Witness(
        interpreter=interpreter,
        needed=tuple(tags["needed"]),
        rpath=tuple(entry for text in tags["rpath"] for entry in text.split(":")),
        runpath=tuple(entry for text in tags["runpath"] for entry in text.split(":")),
        version_needs=tuple(needs),
        undefined=frozenset(undefined),
    )


def readelf_says(path: Path, *, copied: bool = False) -> Witness:
    text = run("readelf", "-dlVW", "--dyn-syms", path).stdout
    interpreter = re.search(r"\[Requesting program interpreter: (.*)\]", text)
    needs, library = [], ""
    for line in text.splitlines():
        if found := re.search(r" Version: 1  File: (\S+)  Cnt", line):
            library = found[1]
        elif library and (found := re.search(r"  Name: (\S+)  Flags: .*  Version: \d+$", line)):
            needs.append((library, found[1]))
    undefined = set()
    pattern = r"^ +\d+: [0-9a-f]+ +\S+ \S+ +(GLOBAL|WEAK) .* UND ([^@\s]+)(?:@(\S+))?(?: \(\d+\))?$"
    for bind, name, version in re.findall(pattern, text, re.MULTILINE):
        undefined.add((name, version or None, bind == "WEAK"))
    return Witness(
        interpreter=interpreter[1] if interpreter else None,
        needed=tuple(re.findall(r"\(NEEDED\) +Shared library: \[(.*)\]", text)),
        rpath=tuple(e for found in re.findall(r"\(RPATH\) +Library rpath: \[(.*)\]", text) for e in found.split(":")),
        runpath=tuple(
            e for found in re.findall(r"\(RUNPATH\) +Library runpath: \[(.*)\]", text) for e in found.split(":")
        ),
        version_needs=tuple(needs),
        undefined=frozenset() if copied else frozenset(undefined),
    )
