"""From Go source to an image."""

from __future__ import annotations

from pytest_golink.build.binary import GoBinary
from pytest_golink.build.builder import Builder
from pytest_golink.build.options import BuildOptions, parse_options

__all__ = ["BuildOptions", "Builder", "GoBinary", "parse_options"]
