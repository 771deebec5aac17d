"""`golink platforms [FILE…]`: on which platforms files start; without a file, every platform that golink knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.commands import named_files, status
from pytest_golink.commands.output import print_text

if TYPE_CHECKING:
    import argparse

_EXAMPLES = """\
examples:
  golink platforms dist/app
  golink platforms 'dist/*.tar.gz!**/app' --json
  golink platforms

Exit status: 0; 2 where a file cannot be read; 4 the command line is wrong.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "Show on which platforms files start, and why not on the others; or list the platforms."
    parser.epilog = _EXAMPLES
    parser.add_argument("files", metavar="FILE", nargs="*", help=named_files.HELP)
    parser.add_argument("--json", action="store_true", help="print a list, one object a file, or a platform")


def run(options: argparse.Namespace) -> int:
    """Print the answers, or one line for each platform: its name and its title; return the exit status."""
    if options.files:
        from pytest_golink.commands.facts import show

        return show(options.files, json=options.json, platforms=True)
    from pytest_golink.platforms import PLATFORMS

    if options.json:
        from pytest_golink.text.escape import json_text

        print(json_text([{"name": name, "title": each.title} for name, each in PLATFORMS.items()], indent=2))
        return status.HOLDS
    width = max(len(name) for name in PLATFORMS)
    print_text("\n".join(f"{name:<{width}}  {platform.title}" for name, platform in PLATFORMS.items()))
    return status.HOLDS
