"""`golink platforms`: list every platform that golink knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.commands.output import print_text

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "List the platforms that runs-on and `golink --platforms FILE` know."


def run(_options: argparse.Namespace) -> int:
    """Print one line for each platform: its name and its title; return 0."""
    from pytest_golink.platforms import PLATFORMS

    width = max(len(name) for name in PLATFORMS)
    print_text("\n".join(f"{name:<{width}}  {platform.title}" for name, platform in PLATFORMS.items()))
    return 0
