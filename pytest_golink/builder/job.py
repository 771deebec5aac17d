"""A build before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.builder.names import image_file_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.facts import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildJob:
    """A resolved build: everything except the run."""

    name: str
    options: BuildOptions
    target: Target
    folder: Path
    package: str
    flags: tuple[str, ...]
    environment: Mapping[str, str]
    key: str

    @property
    def file_name(self) -> str:
        """The image's file name."""
        return image_file_name(self.name, buildmode=self.options.buildmode, goos=self.target.goos)
