"""The facts of an entry that only one format has, or that came after the first version of the lock."""

from __future__ import annotations

import hashlib
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_golink.traits import EXPORTED_BY_CGO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.lock.model import Value
    from pytest_golink.report.facts_json import DlopenJson, ElfJson, FactsJson, MachOJson

    # A field, the name in a field of many, and the value; None where the image has no such fact.
    Line = tuple[str, str, Value | None]

# More exported names than a person reads in a diff are one line, with their digest.
_MOST_EXPORTS = 100
_ADDRESS = re.compile(r"0x[0-9a-f]+")


def format_facts(facts: FactsJson) -> Iterator[Line]:
    """Yield what only ELF, Mach-O or PE has, the signature, and what a library offers."""
    yield "text-relocations", "", facts["hardening"].get("textrel") or None
    yield "soname", "", facts.get("soname")
    yield from _exports(facts)
    signature = facts.get("signature")
    if signature is not None:
        yield "signature", "", signature["kind"]
        yield "signature-valid", "", signature["valid"]
    alignments = {each["alignment"] for each in facts["program_headers"] or () if each["type"] == "PT_LOAD"}
    yield "load-alignment", "", ", ".join(map(str, sorted(alignments))) or None
    elf, macho, pe = facts.get("elf"), facts["macho"], facts.get("pe")
    if elf is not None:
        yield from _elf(elf)
    if macho is not None:
        yield from _macho(macho)
    if pe is not None:
        yield "subsystem", "", pe["subsystem"]
        yield "control-flow-guard", "", pe["control_flow_guard"]
        yield "high-entropy-va", "", pe["high_entropy_va"]


def unknown_fields(facts: FactsJson) -> frozenset[str]:
    """Return the fields of which the facts of an older report say nothing."""
    macho = facts["macho"] or {"environment": (), "hardened_runtime": None}
    lacking = {
        "soname": "soname" not in facts,
        "export": "exports" not in facts,
        "exports": "exports" not in facts,
        "signature": "signature" not in facts,
        "signature-valid": "signature" not in facts,
        "named-version": "version_needs" not in facts,
        "text-relocations": "textrel" not in facts["hardening"],
        "cgo-witness": "witnesses" not in facts["cgo"],
        "pclntab-damage": "damage" not in facts["content"],
        "dyld-environment": "environment" not in macho,
        "runtime-hardened": "hardened_runtime" not in macho,
        **dict.fromkeys(_OF_ELF, "elf" not in facts),
        **dict.fromkeys(_OF_PE, "pe" not in facts),
    }
    return frozenset(field for field, lacks in lacking.items() if lacks)


_OF_ELF = ("packed-relocations", "static-tls", "tls-alignment", "kernel-minimum", "dlopen", "dlopen-notes", "crash")
_OF_PE = ("subsystem", "control-flow-guard", "high-entropy-va")


def _exports(facts: FactsJson) -> Iterator[Line]:
    """Yield what a library offers, without what cgo adds; what a C linker exports from a program comes and goes."""
    if facts["kind"] != "shared-library":
        return
    names = {
        each for each in facts.get("exports") or () if not any(fnmatchcase(each, glob) for glob in EXPORTED_BY_CGO)
    }
    if len(names) > _MOST_EXPORTS:
        text = "\0".join(sorted(names)).encode("utf-8", "surrogatepass")
        yield "exports", "", f"{len(names)} names, sha256:{hashlib.sha256(text).hexdigest()}"
        return
    for name in names:
        yield "export", name, True


def _elf(elf: ElfJson) -> Iterator[Line]:
    yield "packed-relocations", "", elf["relr"] or None
    yield "static-tls", "", elf["static_tls"] or None
    yield "tls-alignment", "", elf["tls_alignment"]
    yield "kernel-minimum", "", elf["kernel_minimum"]
    if elf["dlopen"] is None:
        yield "dlopen-notes", "", "damaged"
    for note in elf["dlopen"] or ():
        yield "dlopen", " or ".join(note["sonames"]), _how(note)
    for reason in elf["crashes"]:
        yield "crash", _ADDRESS.sub("0x…", reason), True


def _how(note: DlopenJson) -> str:
    return note["priority"] if note["feature"] is None else f"{note['priority']}, for {note['feature']}"


def _macho(macho: MachOJson) -> Iterator[Line]:
    yield "platform", "", macho["platform"]
    yield "sdk", "", macho["sdk"]
    # The UUID itself is a digest of the image.
    yield "uuid", "", macho["uuid"] is not None or None
    yield "code-flags", "", None if macho["code_flags"] is None else f"{macho['code_flags']:#x}"
    yield "runtime-hardened", "", macho.get("hardened_runtime") or None
    for name in macho["entitlements"]:
        yield "entitlement", name, True
    yield "restricted", "", macho["restricted"] or None
    for variable in macho.get("environment", ()):
        yield "dyld-environment", variable, True
