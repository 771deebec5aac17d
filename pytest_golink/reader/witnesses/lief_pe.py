"""What LIEF witnesses of a PE image: the DLLs of its import directories, and how many symbols are of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.reader.witnesses.lief import lief_reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.facts import NeededLibrary
    from pytest_golink.reader.bounds import View

# Bit 0 of a delay-import descriptor's attributes: its fields are RVAs. Visual C++ 6 wrote addresses.
_DELAY_RVA_BASED = 0x1


def agree_with_lief(view: View, counted: Sequence[tuple[NeededLibrary, int]]) -> None:
    """
    Hold the needed DLLs and the count of each one's symbols against LIEF's reading.

    Raises:
        UnreadableBinaryError: LIEF cannot read the image, or reads something else.
    """
    with lief_reading(view) as (lief, stream):
        config = lief.PE.ParserConfig()
        config.parse_exports = config.parse_reloc = config.parse_rsrc = config.parse_signature = False
        config.parse_exceptions = False
        binary = lief.PE.parse(stream, config)
        if not isinstance(binary, lief.PE.Binary):  # pragma: no cover - no image is known that only LIEF refuses
            raise view.error("LIEF cannot read it")
        parsed = [(str(library.name), len(library.entries)) for library in binary.imports]
        delayed = list(binary.delay_imports)
        # LIEF takes the addresses of Visual C++ 6 for RVAs.
        by_rva = all(library.attribute & _DELAY_RVA_BASED for library in delayed)
        parsed += [(str(library.name), len(library.entries)) for library in delayed if by_rva]
    expected = [(library.name, count) for library, count in counted if by_rva or library.via == "import directory"]
    if parsed != expected:
        raise view.error(f"two readers disagree about its import directories: {parsed} and {expected}")
