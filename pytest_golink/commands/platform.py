"""`golink platform ROOT`: write a [platform.NAME] for golink.toml, from the files of a system."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.commands import status
from pytest_golink.errors import ParameterError
from pytest_golink.text.escape import escape
from pytest_golink.text.toml import toml

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

_WIDTH = 118
_LONGEST_MESSAGE = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Describe a Linux system for runs-on, from its files: a table [platform.NAME] for golink.toml. "
        "golink runs nothing of it."
    )
    parser.epilog = "Exit status: 0; 1 where --against found differences; 2 where the system cannot be read."
    parser.add_argument(
        "root",
        metavar="ROOT",
        help="a root folder, a tar of one (docker export), or an image (docker save, an OCI layout)",
    )
    parser.add_argument("--name", help="the table's name; default: that of ROOT")
    parser.add_argument(
        "--against", metavar="PLATFORM", help="print where the known platform of that name is at odds with ROOT instead"
    )


def run(options: argparse.Namespace) -> int:
    """
    Print the table, or the differences; return 0, or 1 where there are some.

    Raises:
        GolinkError: The system cannot be read, or the platform is unknown.
        OSError: A file cannot be read.
    """
    return _platform(Path(options.root), options.name, options.against)


def _platform(path: Path, name: str | None, against: str | None) -> int:
    from pytest_golink.archives.roots import open_root
    from pytest_golink.platforms import parse_platform, platforms_named
    from pytest_golink.platforms.root import describe_root, differences

    known = platforms_named(against) if against else ()
    if len(known) > 1:
        raise ParameterError(f"--against: {against} is several platforms: {', '.join(each.name for each in known)}")
    with open_root(path) as root:
        table = describe_root(root)
    chosen = name or _name_of(path)
    read = parse_platform(chosen, table)
    if not known:
        print(*_lines(chosen, table), sep="\n")
        return 0
    found = differences(known[0], read)
    for line in found:
        print(escape(f"{known[0].name}: {line}", longest=_LONGEST_MESSAGE))
    return status.VIOLATED if found else 0


def _name_of(path: Path) -> str:
    """Return a platform's name from that of the file or folder: lower case, without an archive's suffix."""
    base = path.resolve().name.lower()
    for suffix in (".gz", ".xz", ".bz2", ".zst", ".tgz", ".tar"):
        base = base.removesuffix(suffix)
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in base)
    return plain.strip("._-") or "system"


def _lines(name: str, table: Mapping[str, object]) -> Iterator[str]:
    yield f"[platform.{name if '.' not in name else toml(name)}]"
    for key, value in table.items():
        yield from _entry(key, value)


def _entry(key: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner, one in value.items():
            yield from _entry(f"{key}.{inner or toml('')}", one)
        return
    line = f"{key} = {toml(value)}"
    if not isinstance(value, list) or len(line) <= _WIDTH:
        yield line
        return
    yield f"{key} = ["
    # Names have no blanks, so that lines break only between entries.
    yield textwrap.fill(
        " ".join(f"{toml(entry)}," for entry in value),
        width=_WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield "]"
