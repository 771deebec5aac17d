"""What LIEF witnesses of a Mach-O image: its dylib commands, LC_LOAD_DYLINKER and LC_RPATH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.facts import NeededLibrary
from pytest_golink.reader.witnesses.lief import lief_reading

if TYPE_CHECKING:
    from pytest_golink.reader.macho.commands import Commands


def agree_with_lief(
    image: Commands, needed: tuple[NeededLibrary, ...], interpreter: str | None, rpath: tuple[str, ...]
) -> None:
    """
    Hold the libraries, the dynamic linker and the run paths against LIEF's reading.

    Raises:
        UnreadableBinaryError: LIEF cannot read the image, or reads something else.
    """
    view = image.view
    with lief_reading(view) as (lief, stream):
        config = lief.MachO.ParserConfig()
        config.parse_dyld_bindings = config.parse_dyld_exports = config.parse_dyld_rebases = False
        parsed = lief.MachO.parse(stream, config)
        binary = None if parsed is None else parsed.at(0)
        if binary is None:  # pragma: no cover - no image is known that only LIEF refuses
            raise view.error("LIEF cannot read it")
        read = (
            tuple(
                NeededLibrary(name=str(command.name), via=f"LC_{command.command.name}")
                for command in binary.libraries
                if command.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB
            ),
            str(binary.dylinker.name) if binary.dylinker is not None else None,
            tuple(str(command.path) for command in binary.rpaths),
        )
    if read != (needed, interpreter, rpath):  # pragma: no cover - no image is known on which the two differ
        raise view.error(f"two readers disagree about its libraries: {read!r} and {(needed, interpreter, rpath)!r}")
