"""
The load commands of one Mach-O image, each held against the file's bounds.

This walk is what lets golink believe an absence.

Source: Apple's mach-o/loader.h, and the checks that dyld makes before it maps an image (dyld's MachOFile.cpp).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.bounds import View

MH_OBJECT, MH_EXECUTE, MH_DYLIB, MH_BUNDLE = 0x1, 0x2, 0x6, 0x8
LC_SEGMENT, LC_SEGMENT_64 = 0x1, 0x19
LC_SYMTAB, LC_DYSYMTAB = 0x2, 0xB
LC_UNIXTHREAD, LC_MAIN = 0x5, 0x80000028
LC_ID_DYLIB, LC_LOAD_DYLINKER, LC_DYLD_ENVIRONMENT, LC_RPATH = 0xD, 0xE, 0x27, 0x8000001C
LC_DYLD_INFO, LC_DYLD_INFO_ONLY, LC_DYLD_CHAINED_FIXUPS = 0x22, 0x80000022, 0x80000034
LC_CODE_SIGNATURE = 0x1D
LC_ENCRYPTION_INFO, LC_ENCRYPTION_INFO_64 = 0x21, 0x2C
LC_BUILD_VERSION, LC_UUID = 0x32, 0x1B
# The GOOS that such a command speaks of: macOS, iOS, tvOS, watchOS; the last two are no ports of Go.
LC_VERSION_MIN = {0x24: "darwin", 0x25: "ios", 0x2F: None, 0x30: None}
# A library's ordinal is its place among all of these, in the image's order, from 1.
LOAD_DYLIB = {
    0xC: "LC_LOAD_DYLIB",
    0x20: "LC_LAZY_LOAD_DYLIB",
    0x80000018: "LC_LOAD_WEAK_DYLIB",
    0x8000001F: "LC_REEXPORT_DYLIB",
    0x80000023: "LC_LOAD_UPWARD_DYLIB",
}

# Commands that begin with the offset of a string inside themselves: dylibs, dylinkers, dyld's environment, umbrella
# and client names, LC_RPATH, LC_TARGET_TRIPLE.
_WITH_STRING = frozenset(
    {*LOAD_DYLIB, LC_ID_DYLIB, LC_LOAD_DYLINKER, 0xF, 0x12, 0x13, 0x14, 0x15, LC_DYLD_ENVIRONMENT, LC_RPATH, 0x39}
)
_LC_REQ_DYLD = 0x80000000
# LC_PREBIND_CKSUM, LC_FILESET_ENTRY and the like need no look; with this bit, dyld refuses what it does not know.
_REQUIRED = frozenset(
    {*LOAD_DYLIB, LC_RPATH, LC_MAIN, LC_DYLD_INFO_ONLY, LC_DYLD_CHAINED_FIXUPS, 0x80000033, 0x80000035}
)
_ONCE = {
    LC_SYMTAB: "LC_SYMTAB",
    LC_DYSYMTAB: "LC_DYSYMTAB",
    LC_LOAD_DYLINKER: "LC_LOAD_DYLINKER",
    LC_MAIN: "LC_MAIN",
    LC_UNIXTHREAD: "LC_UNIXTHREAD",
    LC_CODE_SIGNATURE: "LC_CODE_SIGNATURE",
    LC_DYLD_CHAINED_FIXUPS: "LC_DYLD_CHAINED_FIXUPS",
}
_FILE_TYPES = {
    0x3: "a fixed VM shared library (MH_FVMLIB)",
    0x4: "a core file (MH_CORE)",
    0x5: "a preloaded image (MH_PRELOAD)",
    0x7: "a dynamic linker (MH_DYLINKER)",
    0x9: "a shared library stub (MH_DYLIB_STUB)",
    0xA: "debugging information without its program (MH_DSYM)",
    0xB: "a kernel extension (MH_KEXT_BUNDLE)",
    0xC: "a kernel collection (MH_FILESET)",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One load command: its number, where it starts in the image and how many bytes it has."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Commands:
    """The Mach header and the load commands of a thin image; `order` is struct's word for the byte order."""

    view: View
    order: Literal["<", ">"]
    wide: bool
    cpu: int
    file_type: int
    flags: int
    commands: tuple[Command, ...]

    def all(self, *numbers: int) -> Iterator[Command]:
        """Return the commands with one of these numbers, in the image's order."""
        return (command for command in self.commands if command.number in numbers)

    def first(self, *numbers: int) -> Command | None:
        """Return the first command with one of these numbers."""
        return next(self.all(*numbers), None)

    def fields(self, command: Command, layout: str, what: str) -> tuple[Any, ...]:
        """Return the fields that follow a command's number and size."""
        structure = Struct(self.order + layout)
        if 8 + structure.size > command.size:
            raise self.view.error(f"{what} has {command.size} bytes, fewer than its fields need", command.offset)
        return self.view.unpack(structure, command.offset + 8, what)

    def string(self, command: Command) -> str:
        """Return the string of a command that begins with the string's offset."""
        what = LOAD_DYLIB.get(command.number, f"load command 0x{command.number:x}")
        (start,) = self.fields(command, "I", what)
        text = self.view.cstring(command.offset + start, command.offset + command.size, f"the name in {what}")
        if not text or not text.isprintable():
            raise self.view.error(f"the name in {what} is empty or not printable: {text[:40]!r}", command.offset)
        return text


def read_commands(view: View) -> Commands:
    """
    Walk the Mach header and the load commands.

    Raises:
        UnreadableBinaryError: They do not lie inside the file, or are of a kind that is not read.
    """
    magic = bytes(view.slice(0, 4, "the Mach header"))
    order: Literal["<", ">"] = ">" if magic.startswith(b"\xfe\xed\xfa") else "<"
    wide = b"\xcf" in magic
    cpu, file_type, count, size, flags = view.unpack(Struct(f"{order}4xI4x4I"), 0, "the Mach header")
    if file_type not in (MH_OBJECT, MH_EXECUTE, MH_DYLIB, MH_BUNDLE):
        raise view.error(f"is {_FILE_TYPES.get(file_type, f'of unknown file type 0x{file_type:x}')}, which is not read")
    start = 32 if wide else 28
    view.check(start, size, "the table of load commands")
    commands = tuple(_walk(view, Struct(f"{order}2I"), count, start, start + size))
    image = Commands(view=view, order=order, wide=wide, cpu=cpu, file_type=file_type, flags=flags, commands=commands)
    for number, name in _ONCE.items():
        if len(list(image.all(number))) > 1:
            raise view.error(f"has more than one {name}")
    for command in commands:
        if command.number in _WITH_STRING:
            image.string(command)
        elif command.number & _LC_REQ_DYLD and command.number not in _REQUIRED:
            raise view.error(f"load command 0x{command.number:x} is unknown, and dyld must know it", command.offset)
    return image


def _walk(view: View, head: Struct, count: int, offset: int, end: int) -> Iterator[Command]:
    for index in range(count):
        what = f"load command {index}"
        if offset + head.size > end:
            raise view.error(f"{what} of {count} starts past the end of their table", offset)
        number, size = view.unpack(head, offset, what)
        # The specification asks for a multiple of 8 in a 64-bit image; the kernel and dyld accept one of 4.
        if size < head.size or size % 4 or offset + size > end:
            raise view.error(f"{what} (0x{number:x}) has the impossible size {size}", offset)
        yield Command(number=number, offset=offset, size=size)
        offset += size
    # A count that is too low would hide load commands, and with them the libraries they name.
    if offset != end:
        raise view.error(f"the {count} load commands end {end - offset} bytes before their table does", offset)
