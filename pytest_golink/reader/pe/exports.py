"""
The export directory of a PE image.

Source: Microsoft's PE Format specification, ".edata Section".
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from pytest_golink.reader.bounds import NameBudget
from pytest_golink.reader.pe.layout import EXPORT

if TYPE_CHECKING:
    from pytest_golink.reader.pe.layout import Layout

# The name of the DLL, how many names there are, and where their table is.
_DIRECTORY = Struct("<12xI8xI4xI4x")
_LONGEST_NAME_BYTES = 4097


def read_exports(layout: Layout) -> tuple[str | None, tuple[str, ...]]:
    """
    Return the name that the image gives itself, None where it has none, and the names that it exports.

    Functions that have only an ordinal have no name.

    Raises:
        UnreadableBinaryError: The directory is damaged.
    """
    directory = layout.directory(EXPORT)
    if directory is None:
        return None, ()
    name, count, table = layout.read(_DIRECTORY, directory[0], "the export directory")
    names = NameBudget(layout.view, "the export directory")
    own = layout.text(name, "the name in the export directory", most=_LONGEST_NAME_BYTES) if name else None
    if count * 4 > layout.view.size:
        raise layout.view.error(f"the export directory has {count} names, more than the file has room for")
    found = []
    for (rva,) in Struct("<I").iter_unpack(layout.read(Struct(f"{count * 4}s"), table, "the export names")[0]):
        text = layout.text(rva, "an export name", most=_LONGEST_NAME_BYTES)
        names.spend(text)
        found.append(text)
    return own, tuple(found)
