"""
The folder beyond which golink looks at no file for an image: headers are a stranger's, and may name any path.

It is the image's repository; without one the working folder, where the image lies in that; else the image's own folder.
"""

from __future__ import annotations

import os
from pathlib import Path


def project_of(image: Path) -> Path:
    """Return the folder that golink stays in while it looks for what is beside an image, without links."""
    folder = Path(os.path.realpath(image)).parent
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            return above
    current = Path.cwd()
    # A working folder of "/" would be no bound.
    return current if folder.is_relative_to(current) and current != Path(current.anchor) else folder


def outside(path: Path, image: Path) -> Path | None:
    """Return where a path leads, links followed, if that is outside the project of the image; None if it is inside."""
    target = Path(os.path.realpath(path))
    return None if target.is_relative_to(project_of(image)) else target
