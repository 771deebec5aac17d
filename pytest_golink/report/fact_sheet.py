"""The fact sheet of one image, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.golang.cpu_levels import cpu_levels
from pytest_golink.reader.formats import FORMATS
from pytest_golink.text.escape import escape
from pytest_golink.text.sizes import size
from pytest_golink.text.wrap import hanging

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_golink.facts import BinaryFacts, ImportedSymbol

    # The label of a group, and its lines of (label, texts).
    Group = tuple[str, list[tuple[str, list[str]]]]

_RESOLVERS = {
    "cgo": "libc's getaddrinfo, through cgo",
    "go": "Go's own resolver",
    "system": "libSystem's getaddrinfo, without cgo",
    "windows": "Windows' own",
    "none": "no resolver code is linked in",
}
_USER_LOOKUPS = {
    "files": "os/user reads the system's files",
    "system": "os/user asks the system",
    "none": "os/user is not linked in",
}
_CRYPTO = {
    "boringcrypto": "BoringCrypto",
    "go": "the Go Cryptographic Module",
    "openssl": "OpenSSL",
    "plain": "Go's own, of before 1.24",
}
_SIGNATURES = {"none": "none", "ad-hoc": "ad-hoc", "signed": "yes"}

_SONAMES = {"elf": "DT_SONAME", "macho": "LC_ID_DYLIB", "pe": "export directory"}
_SIGNERS = {
    "ad-hoc": "ad hoc, without a certificate",
    "certificate": "by a certificate",
    "developer-id": "by a Developer ID",
    "authenticode": "Authenticode",
}

_LABEL_WIDTH = 21
# A C++ symbol may be longer than a line.
_LONGEST_NAME = 60
_INDENT = 2
# A program for Windows or macOS imports hundreds of symbols, a large one has hundreds of modules: --json has them all.
_MOST = 24


def fact_sheet(facts: BinaryFacts, *, width: int, colour: bool) -> str:
    """
    Return the fact sheet as text.

    Args:
        facts: The image.
        width: Columns of the terminal.
        colour: Whether to mark headings with ANSI escape sequences.
    """
    bold, faint, plain = ("\033[1m", "\033[2m", "\033[0m") if colour else ("", "", "")
    what = [f"{FORMATS[facts.format].title} {facts.kind}"]
    what += [escape(str(facts.target))] if facts.target else []
    what += [f"slice {escape(facts.slice)}"] if facts.slice else []
    what.append(size(facts.size))
    lines = [f"{bold}{escape(facts.path)}{plain}  {', '.join(what)}"]
    for heading, entries in _groups(facts):
        shown = [(label, texts) for label, texts in entries if texts]
        if not shown:
            continue
        lines += ["", f"{faint}{heading}{plain}"]
        for label, texts in shown:
            lines += hanging(
                label,
                texts,
                indent=_INDENT,
                label_width=_LABEL_WIDTH,
                width=width,
            )
    return "\n".join(lines)


def _groups(facts: BinaryFacts) -> Iterable[Group]:
    yield "linkage", _linkage(facts)
    yield "libc", _libc(facts)
    yield "cgo", _cgo(facts)
    yield "Go build", _go(facts)
    yield "hardening", _hardening(facts)
    yield "content", _content(facts)


def _linkage(facts: BinaryFacts) -> list[tuple[str, list[str]]]:
    if facts.linkage is None:
        return [("linkage", [f"none: {facts.kind}, not linked yet"])]
    linkage = facts.linkage + (": a loader, but no library" if facts.needs_loader_only else "")
    interpreter = FORMATS[facts.format].interpreter
    packer = facts.content.packed
    return [
        ("packed", [f"by {packer}: what follows is the unpacker's, not the program's"] if packer else []),
        ("linkage", [linkage]),
        (interpreter or "interpreter", [escape(facts.interpreter or "none")] if interpreter else []),
        ("needs", _cut([f"{escape(library.name)}  ({library.via})" for library in facts.needed]) or ["no library"]),
        ("LC_DYLD_ENVIRONMENT", [escape(each) for each in facts.macho.environment] if facts.macho else []),
        (_SONAMES.get(facts.format, "soname"), [escape(facts.soname)] if facts.soname else []),
        ("LC_RPATH" if facts.format == "macho" else "DT_RPATH", _path_list(facts.rpath)),
        ("LC_RPATH" if facts.format == "macho" else "DT_RUNPATH", _path_list(facts.runpath)),
        ("imports", _imports(facts.imports)),
        ("exports", [_joined(facts.exports)] if facts.exports else []),
        ("loads with dlopen", _dlopen(facts)),
        ("does not start", [escape(reason) for reason in facts.elf.crashes] if facts.elf else []),
        ("link mode", [facts.link_mode] if facts.link_mode else []),
        ("resolver", [f"{name}: {_RESOLVERS[name]}" for name in facts.resolver or ()]),
    ]


def _dlopen(facts: BinaryFacts) -> list[str]:
    notes = facts.elf.dlopen if facts.elf else ()
    if notes is None:
        return ["a note of it is damaged"]
    return [f"{' or '.join(escape(name) for name in note.sonames)}  ({note.priority})" for note in notes]


def _imports(symbols: Iterable[ImportedSymbol]) -> list[str]:
    # Grouped by library: "libc.so.6: getaddrinfo, puts".
    by_library: dict[str | None, list[str]] = {}
    for symbol in symbols:
        by_library.setdefault(symbol.library, []).append(symbol.name)
    return [f"{escape(library) + ': ' if library else ''}{_joined(names)}" for library, names in by_library.items()]


def _without_cgo(facts: BinaryFacts) -> list[str]:
    # On macOS and its like the standard library itself imports hundreds in this way.
    if facts.cgo.dynamic_imports and facts.cgo.dynamic_imports == facts.imports:
        return ["all of the imports above"]
    return _imports(facts.cgo.dynamic_imports)


def _libc(facts: BinaryFacts) -> list[tuple[str, list[str]]]:
    libc = facts.libc
    words = {"none": "none", "embedded": f"{libc.kind}, linked into the image", "dynamic": f"{libc.kind}, loaded"}
    return [
        ("libc", [words[libc.presence]]),
        ("glibc floor", [f"{escape(libc.floor)}, set by {_joined(libc.floor_symbols)}"] if libc.floor else []),
        (
            "name service",
            [f"{_joined(facts.static_name_service)}: glibc's, in a static image"] if facts.static_name_service else [],
        ),
    ]


def _cgo(facts: BinaryFacts) -> list[tuple[str, list[str]]]:
    cgo = facts.cgo
    return [
        ("used", [_said(cgo.used, "yes, runtime/cgo is linked in", "no")]),
        ("but", [escape(witness) for witness in cgo.witnesses]),
        ("packages", [_joined(cgo.packages)] if cgo.packages else []),
        ("CGO_ENABLED", [] if cgo.enabled is None else [str(int(cgo.enabled))]),
        ("imports without cgo", _without_cgo(facts)),
    ]


def _go(facts: BinaryFacts) -> list[tuple[str, list[str]]]:
    build = facts.go
    if build is None:
        made = "the image does not say: it is packed" if facts.content.packed else "no"
        return [("made by Go", [made])] if facts.kind in ("executable", "shared-library") else []
    modules = [
        f"{escape(module.path)} {escape(module.version)}"
        + (f" => {escape(module.replace.path)} {escape(module.replace.version)}" if module.replace else "")
        for module in build.modules
    ]
    return [
        ("version", [escape(build.version or "unknown")]),
        ("package", [escape(build.path)] if build.path else []),
        ("module", [f"{escape(build.module.path)} {escape(build.module.version)}"] if build.module else []),
        ("modules", _cut(modules)),
        ("settings", _cut([_setting(name, value) for name, value in build.settings.items() if value])),
    ]


def _setting(name: str, value: str) -> str:
    if name == "DefaultGODEBUG":
        # It holds dozens of settings that Go chose, in one word.
        return f"{name}={escape(value.replace(',', ', '), longest=_LONGEST_NAME)}"
    return f"{escape(name)}={escape(value)}"


def _hardening(facts: BinaryFacts) -> list[tuple[str, list[str]]]:
    hardening = facts.hardening
    alignments = [header.alignment for header in facts.program_headers if header.type == "PT_LOAD"]
    return [
        ("PIE", [_yes_no(hardening.pie)] if hardening.pie is not None else []),
        ("executable stack", [_yes_no(not hardening.nx)] if hardening.nx is not None else []),
        ("RELRO", [hardening.relro] if hardening.relro else []),
        ("writable code", [_yes_no(hardening.writable_code)] if hardening.writable_code is not None else []),
        ("text relocations", [_yes_no(hardening.textrel)] if hardening.textrel is not None else []),
        *_of_its_format(facts),
        ("CPU level", [f"{each.setting}={escape(each.level)}  ({each.via})" for each in cpu_levels(facts)]),
        ("smallest p_align", [f"0x{min(alignments):x}"] if alignments else []),
    ]


def _of_its_format(facts: BinaryFacts) -> list[tuple[str, list[str]]]:
    pe, macho, elf = facts.pe, facts.macho, facts.elf
    return [
        ("Control Flow Guard", [_yes_no(pe.control_flow_guard)] if pe else []),
        ("high-entropy VA", [_yes_no(pe.high_entropy_va)] if pe else []),
        ("signature", [_signature(facts)] if facts.signed else []),
        ("hardened runtime", _hardened_runtime(facts)),
        ("subsystem", [escape(pe.subsystem)] if pe else []),
        ("minimum OS", [escape(facts.os_minimum)] if facts.os_minimum else []),
        ("oldest kernel", [escape(elf.kernel_minimum)] if elf and elf.kernel_minimum else []),
        ("platform", [escape(macho.platform)] if macho and macho.platform else []),
        ("SDK", [macho.sdk] if macho and macho.sdk else []),
        ("LC_UUID", [macho.uuid or "none"] if macho else []),
    ]


def _signature(facts: BinaryFacts) -> str:
    if facts.signature is None:
        return _SIGNATURES[facts.signed or "none"]
    valid = facts.signature.valid
    state = "its hashes are not read" if valid is None else "its hashes fit" if valid else ""
    return f"{_SIGNERS[facts.signature.kind]}: {escape(facts.signature.problem or '') or state}"


def _hardened_runtime(facts: BinaryFacts) -> list[str]:
    hardened = facts.macho.hardened_runtime if facts.macho else None
    return [] if hardened is None else [_yes_no(hardened)]


def _content(facts: BinaryFacts) -> list[tuple[str, list[str]]]:
    content = facts.content
    paths = (
        None
        if content.build_paths is None
        else [f"{escape(each.path)}  ({each.where})" for each in content.build_paths]
    )
    return [
        ("user lookup", [_USER_LOOKUPS[name] for name in content.user_lookup or ()]),
        ("instrumentation", [f"-{name}" for name in content.instrumentation or ()]),
        (
            "cryptography",
            [
                _CRYPTO[each.kind] + (f" {escape(each.version)}" if each.version else "")
                for each in content.crypto or ()
            ],
        ),
        ("importing packages", [_joined(content.importers)] if content.importers else []),
        ("build paths", [] if paths is None else _cut(paths) or ["none"]),
        ("symbol table", [] if facts.symtab is None else [_yes_no(facts.symtab)]),
        ("DWARF", [] if facts.dwarf is None else [_yes_no(facts.dwarf)]),
    ]


def _path_list(paths: tuple[str, ...] | None) -> list[str]:
    return _cut([escape(path) for path in paths or ()])


def _cut(texts: list[str]) -> list[str]:
    return texts if len(texts) <= _MOST else [*texts[:_MOST], f"… {len(texts) - _MOST} more (--json has all)"]


def _joined(names: Sequence[str]) -> str:
    return ", ".join(_cut([escape(name, longest=_LONGEST_NAME) for name in names]))


def _said(value: bool | None, yes: str, no: str) -> str:
    return "the image does not say" if value is None else yes if value else no


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"
