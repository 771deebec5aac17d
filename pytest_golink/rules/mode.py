"""The mode that a program ships with: of its file, or of the member that it was extracted from."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

EXECUTE_REMEDY = (
    "chmod +x before it is packed",
    "or give it mode 0755 in the archive: tar keeps a mode; a zip that a library writes, and a CI service's artifact, "
    "often have none",
)
# Formats whose systems start a file by its mode.
_HAVE_MODES = ("elf", "macho", "xcoff")


def mode_of(facts: BinaryFacts) -> int | None:
    """Return the permission bits of a program's file; None where there is no file, or no mode that means anything."""
    if facts.kind != "executable" or facts.format not in _HAVE_MODES or os.name == "nt":
        return None
    try:
        return stat.S_IMODE(Path(facts.path).stat().st_mode)
    except (OSError, ValueError):
        # Facts may be older than the file.
        return None


def is_startable(mode: int) -> bool:
    """Whether the file's owner may start it: the kernel looks at the owner's bit only, for all others at the others."""
    return bool(mode & stat.S_IXUSR)


def mode_cautions(mode: int | None) -> tuple[str, ...]:
    """Return what the mode means for users other than the owner, and what it gives that no fence gives."""
    if mode is None:
        return ()
    if not is_startable(mode):
        return (f"mode 0{mode:03o}: it has no execute bit for its owner, and does not start before chmod +x",)
    cautions = []
    if not mode & stat.S_IXOTH:
        cautions.append(f"mode 0{mode:03o}: other users than its owner may not start it")
    if mode & (stat.S_ISUID | stat.S_ISGID):
        cautions.append(f"mode {mode:04o}: it starts with the rights of its owner or group")
    return tuple(cautions)
