"""Plan 9 executables: a header, text, data and a symbol table, and no way to name a library."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.facts import BinaryFacts, Hardening, Libc, Target
from pytest_golink.golang.image import MappedImage, Region
from pytest_golink.reader.bounds import View
from pytest_golink.reader.go_facts import read_go_facts

if TYPE_CHECKING:
    from typing import Literal

# Source: Plan 9's a.out(6); Go's debug/plan9obj. All fields are big-endian, whatever the machine.
_HEADER = Struct(">8I")
_ENTRY64 = Struct(">Q")
_WIDE = 0x8000  # HDR_MAGIC: a 64-bit entry point follows the header

# Magic number → GOARCH, pointer size, byte order, where text is loaded and what the data segment is aligned to
# (cmd/link/internal/{x86,amd64,arm}/obj.go, Hplan9).
_MACHINES: dict[int, tuple[str, Literal[4, 8], Literal["little", "big"], int, int]] = {
    0x01EB: ("386", 4, "little", 0x1000, 0x1000),
    0x8A97: ("amd64", 8, "little", 0x200000, 0x200000),
    0x0647: ("arm", 4, "little", 0x1000, 0x1000),
}


def read_plan9(path: str, data: memoryview) -> BinaryFacts:
    """
    Read the facts of one Plan 9 executable.

    Every one is static: the format has no interpreter, no libraries and no imports. It has no DWARF either, so
    `dwarf` is None.

    Raises:
        UnreadableBinaryError: The header is cut, or promises more than the file has.

    Source: a.out(6); Go's debug/plan9obj.
    """
    view = View(data, path=path, format="plan9")
    image, goarch, has_symbols = _map(view)
    target = Target(goos="plan9", goarch=goarch)
    go = read_go_facts(image, imports=())
    return BinaryFacts(
        path=path,
        size=view.size,
        format="plan9",
        kind="executable",
        target=target,
        linkage="static",
        needs_loader_only=None,
        interpreter=None,
        needed=(),
        rpath=None,
        runpath=None,
        imports=(),
        libc=Libc(kind="none", presence="none"),
        cgo=go.cgo,
        link_mode=go.link_mode,
        resolver=go.resolver,
        static_name_service=(),
        symtab=has_symbols,
        dwarf=None,
        hardening=Hardening(pie=False),
        os_minimum=None,
        signed=None,
        go=go.build,
        content=go.content,
    )


def map_image(path: str, data: memoryview) -> MappedImage:
    """
    Return one Plan 9 executable as it is loaded.

    Raises:
        UnreadableBinaryError: The header is cut, or promises more than the file has.
    """
    return _map(View(data, path=path, format="plan9"))[0]


def _map(view: View) -> tuple[MappedImage, str, bool]:
    """Return the image, its GOARCH, and whether it has a symbol table."""
    magic, text, initialized, _bss, symbols, entry, stack_table, line_table = view.unpack(_HEADER, 0, "the header")
    goarch, pointer_size, byteorder, load_address, alignment = _MACHINES[magic]
    header = _HEADER.size
    if magic & _WIDE:
        (entry,) = view.unpack(_ENTRY64, header, "the 64-bit entry point")
        header += _ENTRY64.size

    offset = header
    segments = []
    address = load_address + header
    for what, size, writable in (("text", text, False), ("data", initialized, True)):
        bytes_ = view.slice(offset, size, f"the {what} segment")
        segments.append(
            Region(name="", address=address, offset=offset, data=bytes_, writable=writable, executable=not writable)
        )
        offset += size
        address = -(-(address + size) // alignment) * alignment
    for what, size in (("symbol table", symbols), ("stack table", stack_table), ("line table", line_table)):
        view.check(offset, size, f"the {what}")
        offset += size
    if not segments[0].address <= entry < segments[0].address + text:
        raise view.error(f"the entry point 0x{entry:x} lies outside the text segment", 20)
    image = MappedImage(
        path=view.path,
        format="plan9",
        pointer_size=pointer_size,
        byteorder=byteorder,
        entry=entry,
        segments=tuple(segments),
        sections=(),
        relocated=lambda _address: None,
        symbols=dict,
    )
    return image, goarch, symbols > 0
