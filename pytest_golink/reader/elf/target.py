"""The port of Go that an ELF image is for, as its headers tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.reader.elf.layout import Header, Layout

# (e_machine, width, byte order) of Go's ELF ports (debug/elf; cmd/link/internal/ld/elf.go).
_GOARCH = {
    (3, 32, "little"): "386",
    (8, 32, "big"): "mips",
    (8, 32, "little"): "mipsle",
    (8, 64, "big"): "mips64",
    (8, 64, "little"): "mips64le",
    (21, 64, "big"): "ppc64",
    (21, 64, "little"): "ppc64le",
    (22, 64, "big"): "s390x",
    (40, 32, "little"): "arm",
    (62, 64, "little"): "amd64",
    (183, 64, "little"): "arm64",
    (243, 64, "little"): "riscv64",
    (258, 64, "little"): "loong64",
}
PORTS = frozenset(_GOARCH.values())
_EF_MIPS_ABI2 = 0x20  # the n32 ABI: 64-bit registers, 32-bit file

# Machines with one width or one byte order only; a file that says otherwise is damaged. x86-64 has x32.
_WIDTHS = {3: (32,), 20: (32,), 21: (64,), 40: (32,), 50: (64,), 258: (32, 64)}
_BYTEORDERS = {3: ("little",), 22: ("big",), 43: ("big",), 62: ("little",), 243: ("little",), 258: ("little",)}

_OS_ABI = {2: "netbsd", 6: "solaris", 9: "freebsd", 12: "openbsd"}
_ELFOSABI_LINUX = 3

# Note names (ELF note 1 of each system) that say which system's C start-up code is linked in.
_NOTE_OWNERS = {
    b"Android": "android",
    b"DragonFly": "dragonfly",
    b"FreeBSD": "freebsd",
    b"NetBSD": "netbsd",
    b"OpenBSD": "openbsd",
}
_NT_GNU_ABI_TAG = 1
# The first word of the GNU ABI tag.
_GNU_ABI_OS = {0: "linux", 2: "solaris", 3: "freebsd"}

_INTERPRETERS = (
    ("/system/bin/linker", "android"),
    ("/libexec/ld-elf.so.2", "dragonfly"),
    ("/usr/libexec/ld-elf.so.2", "dragonfly"),
    ("/libexec/ld-elf", "freebsd"),
    ("/usr/libexec/ld.elf_so", "netbsd"),
    ("/libexec/ld.elf_so", "netbsd"),
    ("/usr/libexec/ld.so", "openbsd"),
    ("/lib/amd64/ld.so.1", "solaris"),
    ("/lib/64/ld.so.1", "solaris"),
    ("/usr/lib/amd64/ld.so.1", "solaris"),
    ("/usr/lib/ld.so.1", "solaris"),
)
_LINUX_LIBRARIES = ("libc.musl-", "ld-musl-", "ld-linux")
_LINUX_LOADERS = ("ld-linux", "ld-musl-", "ld64.so.", "ld-uClibc", "ld64-uClibc")
# Solaris has a loader of this name too.
_LINUX_LOADER_NAMES = ("ld.so.1",)


def goarch_of(header: Header) -> str | None:
    """Return the GOARCH of a header, None for a machine that Go has no port to."""
    if header.machine == 8 and header.flags & _EF_MIPS_ABI2:
        return None
    return _GOARCH.get((header.machine, header.bits, header.byteorder))


def check_machine(layout: Layout) -> None:
    """Refuse a machine field that contradicts the file's width or byte order."""
    header = layout.header
    for table, value, what in ((_WIDTHS, header.bits, "EI_CLASS"), (_BYTEORDERS, header.byteorder, "EI_DATA")):
        accepted = table.get(header.machine)
        if accepted is not None and value not in accepted:
            raise layout.view.error(f"{what} says {value}, which e_machine {header.machine} does not have", 4)


def goos_of(
    header: Header,
    notes: Iterable[tuple[bytes, int, bytes]],
    interpreter: str | None,
    versions: Iterable[str],
    needed: Iterable[str] = (),
) -> str | None:
    """
    Return the GOOS that the headers tell, None where they do not.

    Args:
        header: The file header, for EI_OSABI.
        notes: (owner, type, content) of each note.
        interpreter: PT_INTERP.
        versions: The names of the version needs.
        needed: The needed libraries: a library names no interpreter, but maybe a libc that Linux alone has.
    """
    # Linux looks at neither EI_OSABI nor the notes, so a program that names a Linux loader is for Linux.
    loader = (interpreter or "").rpartition("/")[2]
    if loader.startswith(_LINUX_LOADERS):
        return "linux"
    for owner, kind, content in notes:
        if kind == 1 and owner in _NOTE_OWNERS:
            return _NOTE_OWNERS[owner]
        if owner == b"GNU" and kind == _NT_GNU_ABI_TAG and len(content) >= 4:
            system = int.from_bytes(content[:4], header.byteorder)
            if system in _GNU_ABI_OS:
                return _GNU_ABI_OS[system]
    if header.os_abi in _OS_ABI:
        return _OS_ABI[header.os_abi]
    if interpreter is not None:
        for start, goos in _INTERPRETERS:
            if interpreter.startswith(start):
                return goos
        if loader.startswith(_LINUX_LOADER_NAMES):
            return "linux"
    if header.os_abi == _ELFOSABI_LINUX or any(version.startswith("GLIBC_") for version in versions):
        return "linux"
    if any(name.startswith(_LINUX_LIBRARIES) for name in needed):
        return "linux"
    return None
