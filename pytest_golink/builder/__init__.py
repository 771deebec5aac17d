"""From Go source to an image."""

from __future__ import annotations

from pytest_golink.builder.binary import BuiltImage
from pytest_golink.builder.builder import Builder
from pytest_golink.builder.options import BuildOptions, parse_options

__all__ = ["BuildOptions", "Builder", "BuiltImage", "parse_options"]
