"""What macholib says of a Mach-O file: the second reader that `--golink-crosscheck` holds ours against."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.facts import BinaryFacts

READER = "macholib"

_LOAD_DYLIB = {
    0xC: "LC_LOAD_DYLIB",
    0x20: "LC_LAZY_LOAD_DYLIB",
    0x80000018: "LC_LOAD_WEAK_DYLIB",
    0x8000001F: "LC_REEXPORT_DYLIB",
    0x80000023: "LC_LOAD_UPWARD_DYLIB",
}
_LC_LOAD_DYLINKER, _LC_RPATH, _LC_UUID, _LC_CODE_SIGNATURE = 0xE, 0x8000001C, 0x1B, 0x1D
_LC_SEGMENTS, _LC_BUILD_VERSION, _LC_VERSION_MIN = (0x1, 0x19), 0x32, (0x24, 0x25, 0x2F, 0x30)
_KINDS = {1: "object", 2: "executable", 6: "shared-library", 8: "shared-library"}
_GOARCH = {0x7: "386", 0x01000007: "amd64", 0xC: "arm", 0x0100000C: "arm64"}
_MH_TWOLEVEL, _MH_PIE, _MH_ALLOW_STACK_EXECUTION = 0x80, 0x200000, 0x20000
_WIDE_MAGICS = (0xFEEDFACF, 0xCFFAEDFE)
# The image itself, dynamic lookup, the main executable.
_SPECIAL_ORDINALS = (0x0, 0xFE, 0xFF)
_VM_PROT_WRITE, _VM_PROT_EXECUTE = 2, 4
# dyld binds it where a program has thread-local variables; not every link editor names it in the symbol table.
_TLV_BOOTSTRAP = "_tlv_bootstrap"
# A load command's number and size stand before its fields; string offsets count from there.
_COMMAND_HEAD_BYTES = 8


def ours(facts: BinaryFacts) -> dict[str, object]:
    """Return our facts under the names of the second reader's."""
    identity = facts.macho
    imports = [symbol for symbol in facts.imports if symbol.name != _TLV_BOOTSTRAP]
    return {
        **({"GOARCH": facts.target.goarch} if facts.target else {}),
        "file type": facts.kind,
        "libraries": tuple((library.via, library.name) for library in facts.needed),
        "LC_LOAD_DYLINKER": facts.interpreter,
        "LC_RPATH": facts.rpath,
        "minimum OS": facts.os_minimum,
        "LC_UUID": identity.uuid.replace("-", "").lower() if identity and identity.uuid else None,
        "signature": facts.signed not in (None, "none"),
        "pie": facts.hardening.pie,
        "nx": facts.hardening.nx,
        "writable code": facts.hardening.writable_code,
        "SDK": identity.sdk if identity else None,
        "symbol table": facts.symtab,
        "DWARF": facts.dwarf,
        "imports": frozenset(symbol.name for symbol in imports),
        "libraries of imports": frozenset((symbol.name, symbol.library) for symbol in imports),
    }


def theirs(data: memoryview) -> tuple[dict[str, object], ...]:
    """
    Return the facts that macholib can tell, for each image of the file; one that it cannot is not among them.

    Raises:
        ValueError, OSError, struct.error, …: The file is damaged in its eyes.
    """
    from macholib.MachO import MachO

    # Its constructor opens a file by its name; what is read here are the bytes that we have read.
    file: Any = MachO.__new__(MachO)
    file.graphident = file.filename = file.loader_path = ""
    file.fat, file.headers, file.allow_unknown_load_commands = None, [], True
    file.load(io.BytesIO(data))
    return tuple(_image(image, data) for image in file.headers)


def _image(image: Any, data: memoryview) -> dict[str, object]:
    flags, file_type = int(image.header.flags), int(image.header.filetype)
    commands = [(int(load.cmd), command, data) for load, command, data in image.commands]
    dylinkers = [_text(c.name, c, data) for number, c, data in commands if number == _LC_LOAD_DYLINKER]
    uuids = [bytes(c.uuid).hex() for number, c, _ in commands if number == _LC_UUID]
    said: dict[str, object] = {
        "file type": _KINDS.get(file_type, file_type),
        "libraries": tuple(
            (_LOAD_DYLIB[number], _text(c.name, c, data)) for number, c, data in commands if number in _LOAD_DYLIB
        ),
        "LC_LOAD_DYLINKER": dylinkers[0] if dylinkers else None,
        "LC_RPATH": tuple(_text(c.path, c, data) for number, c, data in commands if number == _LC_RPATH),
        "minimum OS": _version(commands, "minos", "version"),
        "SDK": _version(commands, "sdk", "sdk", zero=None),
        "LC_UUID": uuids[0] if uuids else None,
        "DWARF": any(
            bytes(section.segname).rstrip(b"\0") == b"__DWARF"
            and bytes(section.sectname).rstrip(b"\0") in (b"__debug_info", b"__zdebug_info")
            and section.size
            for number, _, sections in commands
            if number in _LC_SEGMENTS
            for section in sections
        ),
    }
    if int(image.header.cputype) in _GOARCH:
        said["GOARCH"] = _GOARCH[int(image.header.cputype)]
    if _KINDS.get(file_type) != "object":
        said |= {
            "signature": any(number == _LC_CODE_SIGNATURE for number, _, _ in commands),
            "pie": file_type != 2 or bool(flags & _MH_PIE),
            "nx": not flags & _MH_ALLOW_STACK_EXECUTION,
            "writable code": any(
                c.initprot & _VM_PROT_WRITE and c.initprot & _VM_PROT_EXECUTE
                for number, c, _ in commands
                if number in _LC_SEGMENTS
            ),
        }
        said |= _symbols(image, data, [_text(c.name, c, load) for number, c, load in commands if number in _LOAD_DYLIB])
    return said


def _version(commands: list[tuple[int, Any, Any]], build: str, least: str, *, zero: str | None = "0.0") -> str | None:
    """Return a version of LC_BUILD_VERSION or LC_VERSION_MIN_*, by the names that its fields have."""
    for number, command, _ in commands:
        if number == _LC_BUILD_VERSION or number in _LC_VERSION_MIN:
            version = int(getattr(command, build if number == _LC_BUILD_VERSION else least))
            patch = f".{version & 0xFF}" if version & 0xFF else ""
            return f"{version >> 16}.{version >> 8 & 0xFF}{patch}" if version else zero
    return None


def _symbols(image: Any, data: memoryview, libraries: Sequence[str]) -> dict[str, object]:
    """
    Return what LC_DYSYMTAB says of the symbol table; ours looks at each symbol's type.

    Of macholib's own class for it this reads the undefined symbols alone: it makes an object of each symbol.
    """
    from macholib.mach_o import nlist, nlist_64
    from macholib.ptypes import sizeof

    table, groups = image.getSymbolTableCommand(), image.getDynamicSymbolTableCommand()
    if table is None or groups is None:
        return {}
    kind = nlist_64 if image.MH_MAGIC in _WIDE_MAGICS else nlist
    stream = io.BytesIO(data)
    stream.seek(image.offset + int(table.symoff) + int(groups.iundefsym) * sizeof(kind))
    symbols = [kind.from_fileobj(stream, _endian_=image.endian) for _ in range(int(groups.nundefsym))]
    start = image.offset + int(table.stroff)
    names = bytes(data[start : start + int(table.strsize)])
    imports = []
    for symbol in symbols:
        name = names[int(symbol.n_un) : names.index(b"\0", int(symbol.n_un))].decode("utf-8").removeprefix("_")
        ordinal = int(symbol.n_desc) >> 8 & 0xFF
        imports.append((name, None if ordinal in _SPECIAL_ORDINALS else ordinal))
    imports = [(name, ordinal) for name, ordinal in imports if name != _TLV_BOOTSTRAP]
    said: dict[str, object] = {
        "symbol table": bool(groups.nlocalsym),
        # Sets: older versions of Go's linker have a symbol twice.
        "imports": frozenset(name for name, _ in imports),
    }
    if int(image.header.flags) & _MH_TWOLEVEL:
        # In one flat namespace, as Go's linker has it, only what dyld binds names a library.
        said["libraries of imports"] = frozenset(
            (name, None if ordinal is None else libraries[ordinal - 1]) for name, ordinal in imports
        )
    return said


def _text(offset: Any, command: Any, data: bytes) -> str:
    from macholib.ptypes import sizeof

    start = int(offset) - _COMMAND_HEAD_BYTES - sizeof(type(command))
    return bytes(data[start:]).partition(b"\0")[0].decode("utf-8")
