"""
The formats that golink reads: one row for each, with everything that other modules must know of it.

A new format is a row here, a module with its reader, and its name in `facts.Format`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_golink.facts import BinaryFacts, Format
    from pytest_golink.golang import MappedImage

    Slices = tuple[tuple[str | None, MappedImage], ...]
    _Reader = Callable[[str, memoryview], BinaryFacts | tuple[BinaryFacts, ...]]
    _Mapper = Callable[[str, memoryview], MappedImage | Slices]

# How many bytes suffice to recognize every format.
HEAD_BYTES = 16
_FAT_MAGICS = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
# A Java class file has the fat magic too; its next word is a version, 45 and up, not a count of slices.
_FIRST_JAVA_VERSION = 45
_XCOFF_MAGICS = (b"\x01\xdf", b"\x01\xf7")
# Two bytes are a weak magic number; so `is_image` also checks the 16-bit count of sections: AIX images have few.
_MOST_XCOFF_SECTIONS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatRow:
    """
    One format.

    Attributes:
        name: The format's name in facts.
        title: The format's name for people.
        magics: The bytes with which a file of the format may start.
        interpreter: The word for the entry that names the interpreter, None where the format has no such thing.
        needed: The word for the entry that names a needed library.
        linked: Whether a linker makes it, unlike objects and archives.
        reader: The module and the function that return the facts.
        mapper: The module and the function that return each slice's name and its mapped image; None where code has no
        addresses yet.
    """

    name: Format
    title: str
    magics: tuple[bytes, ...]
    interpreter: str | None = None
    needed: str = "needed library"
    linked: bool = True
    reader: tuple[str, str]
    mapper: tuple[str, str] | None = None

    def read(self, path: str, data: memoryview) -> tuple[BinaryFacts, ...]:
        """
        Read the facts of each image in a file of this format.

        Raises:
            UnreadableBinaryError: The file is truncated or damaged.
        """
        read = cast("_Reader", _function(self.reader))
        found = read(path, data)
        return found if isinstance(found, tuple) else (found,)

    def map(self, path: str, data: memoryview) -> Slices:
        """
        Return each slice's name and the image as its loader maps it; () for an object or an archive.

        Raises:
            UnreadableBinaryError: The file is truncated or damaged.
        """
        if self.mapper is None:
            return ()
        map_images = cast("_Mapper", _function(self.mapper))
        found = map_images(path, data)
        return found if isinstance(found, tuple) else ((None, found),)


def _function(place: tuple[str, str]) -> object:
    # Imported for the first file that needs it: LIEF takes longer to import than pytest.
    module, name = place
    function: object = getattr(import_module(f"pytest_golink.reader.{module}"), name)
    return function


_ROWS = (
    FormatRow(
        name="elf",
        title="ELF",
        magics=(b"\x7fELF",),
        interpreter="PT_INTERP",
        needed="DT_NEEDED",
        reader=("elf.facts", "read_elf"),
        mapper=("elf.facts", "map_image"),
    ),
    FormatRow(
        name="macho",
        title="Mach-O",
        # Thin, both widths and byte orders (mach-o/loader.h); fat headers are always big-endian (mach-o/fat.h).
        magics=(b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", *_FAT_MAGICS),
        interpreter="LC_LOAD_DYLINKER",
        needed="dylib load command",
        reader=("macho.facts", "read_macho"),
        mapper=("macho.facts", "map_images"),
    ),
    FormatRow(
        name="pe",
        title="PE",
        magics=(b"MZ",),
        needed="import directory",
        reader=("pe.facts", "read_pe"),
        mapper=("pe.facts", "map_image"),
    ),
    FormatRow(
        name="ar",
        title="ar",
        magics=(b"!<arch>\n", b"!<thin>\n"),
        linked=False,
        reader=("ar", "read_archive"),
    ),
    FormatRow(
        name="coff",
        title="COFF",
        # Objects have no magic number, only a machine field: 386, amd64, arm64, arm; and /bigobj's anonymous header.
        magics=(b"\x4c\x01", b"\x64\x86", b"\x64\xaa", b"\xc4\x01", b"\x00\x00\xff\xff"),
        linked=False,
        reader=("coff.facts", "read_coff"),
    ),
    FormatRow(
        name="xcoff",
        title="XCOFF",
        magics=_XCOFF_MAGICS,
        needed="import file",
        reader=("xcoff", "read_xcoff"),
        mapper=("xcoff", "map_image"),
    ),
    FormatRow(
        name="plan9",
        title="Plan 9 a.out",
        # For 386, amd64 and arm (debug/plan9obj).
        magics=(b"\x00\x00\x01\xeb", b"\x00\x00\x8a\x97", b"\x00\x00\x06\x47"),
        reader=("plan9", "read_plan9"),
        mapper=("plan9", "map_image"),
    ),
    FormatRow(
        name="wasm",
        title="WebAssembly",
        magics=(b"\x00asm",),
        needed="host module import",
        reader=("wasm", "read_wasm"),
        mapper=("wasm", "map_image"),
    ),
)

FORMATS: Mapping[Format, FormatRow] = MappingProxyType({row.name: row for row in _ROWS})


def find_format(head: bytes) -> FormatRow | None:
    """Return the format of a file that starts with `head` (HEAD_BYTES of it), None where golink reads none such."""
    if head.startswith(_FAT_MAGICS[0]) and not is_fat(head):
        return None
    return next((row for row in _ROWS if head.startswith(row.magics)), None)


def is_image(head: bytes) -> bool:
    """
    Whether a file that starts with `head` (HEAD_BYTES of it) is an executable or a shared library.

    For files that the user did not name: of these, golink passes over a file that only looks like an image of AIX.
    """
    row = find_format(head)
    if row is None or not row.linked:
        return False
    return row.name != "xcoff" or 0 < int.from_bytes(head[2:4], "big") <= _MOST_XCOFF_SECTIONS


def is_stump(head: bytes) -> bool:
    """Whether a file that is `head` and no more is the beginning of an image's first bytes; an empty one is not."""
    return head != b"" and any(
        magic.startswith(head) and magic != head for row in _ROWS if row.linked for magic in row.magics
    )


def is_fat(head: bytes) -> bool:
    """Whether a file that starts with `head` is a fat Mach-O file, whose slices are images."""
    if not head.startswith(_FAT_MAGICS):
        return False
    return head.startswith(_FAT_MAGICS[1]) or int.from_bytes(head[4:8], "big") < _FIRST_JAVA_VERSION
