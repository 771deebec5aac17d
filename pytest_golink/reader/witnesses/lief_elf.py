"""What LIEF witnesses of an ELF image: PT_INTERP and DT_NEEDED."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.reader.witnesses.lief import lief_reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.reader.elf.layout import Layout


def agree_with_lief(layout: Layout, interpreter: str | None, needed: Sequence[str]) -> None:
    """
    Hold the interpreter and the needed libraries against LIEF's reading.

    Raises:
        UnreadableBinaryError: LIEF cannot read the image, or reads something else.
    """
    view = layout.view
    with lief_reading(view) as (lief, stream):
        config = lief.ELF.ParserConfig()
        # Symbols, versions and relocations are read in reader/elf; the overlay is no part of the image. A note's owner
        # may be any bytes, and lief raises UnicodeDecodeError where they are not UTF-8 (Node.js has such notes).
        config.parse_notes = False
        config.parse_relocations = False
        config.parse_dyn_symbols = False
        config.parse_symtab_symbols = False
        config.parse_symbol_versions = False
        config.parse_overlay = False
        binary = lief.ELF.parse(stream, config)
        if not isinstance(binary, lief.ELF.Binary):
            raise view.error("LIEF cannot read it")
        its_interpreter = binary.interpreter if binary.has_interpreter else None
        libraries = tuple(str(name) for name in binary.libraries)
    for what, seen, expected in (
        ("PT_INTERP", its_interpreter, interpreter),
        ("DT_NEEDED", libraries, tuple(needed)),
    ):
        if seen != expected:
            raise view.error(f"two readers disagree about {what}: {seen!r} and {expected!r}")
