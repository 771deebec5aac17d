"""What macholib says of a Mach-O file: the second reader that `--golink-crosscheck` holds ours against."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
_MH_PIE, _MH_ALLOW_STACK_EXECUTION = 0x200000, 0x20000
_VM_PROT_WRITE, _VM_PROT_EXECUTE = 2, 4
# A load command's number and size stand before its fields; string offsets count from there.
_COMMAND_HEAD_BYTES = 8


def ours(facts: BinaryFacts) -> dict[str, object]:
    """Give our facts under the names of the second reader's."""
    identity = facts.macho
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
    }


def theirs(data: memoryview) -> tuple[dict[str, object], ...]:
    """
    Give the facts that macholib can tell, for each image of the file; one that it cannot is not among them.

    Raises:
        ValueError, OSError, struct.error, …: The file is damaged in its eyes.
    """
    from macholib.MachO import MachO

    # Its constructor opens a file by its name; what is read here are the bytes that we have read.
    file: Any = MachO.__new__(MachO)
    file.graphident = file.filename = file.loader_path = ""
    file.fat, file.headers, file.allow_unknown_load_commands = None, [], True
    file.load(io.BytesIO(data))
    return tuple(_image(image) for image in file.headers)


def _image(image: Any) -> dict[str, object]:
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
        "minimum OS": _minimum(commands),
        "LC_UUID": uuids[0] if uuids else None,
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
    return said


def _minimum(commands: list[tuple[int, Any, Any]]) -> str | None:
    for number, command, _ in commands:
        if number == _LC_BUILD_VERSION or number in _LC_VERSION_MIN:
            version = int(command.minos if number == _LC_BUILD_VERSION else command.version)
            patch = f".{version & 0xFF}" if version & 0xFF else ""
            return f"{version >> 16}.{version >> 8 & 0xFF}{patch}"
    return None


def _text(offset: Any, command: Any, data: bytes) -> str:
    from macholib.ptypes import sizeof

    start = int(offset) - _COMMAND_HEAD_BYTES - sizeof(type(command))
    return bytes(data[start:]).partition(b"\0")[0].decode("utf-8")
