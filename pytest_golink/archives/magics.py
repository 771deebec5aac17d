"""What starts as an executable does."""

from __future__ import annotations

# ELF, Mach-O (thin and fat), PE, WebAssembly, Plan 9 for amd64.
_IMAGE_MAGICS = (
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"MZ",
    b"\0asm",
    b"\0\0\x8a\x97",
)


def starts_as_image(head: bytes) -> bool:
    """Whether the first bytes are those of an executable or a shared library."""
    return head.startswith(_IMAGE_MAGICS)
