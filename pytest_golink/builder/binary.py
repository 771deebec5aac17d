"""An image, and what it was built from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from pytest_golink.builder.names import image_file_name
from pytest_golink.errors import ParameterError
from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.facts import BinaryFacts, LinkWarning, Target
    from pytest_golink.toolchain import GoToolchain


# Without slots: `facts` is kept in the instance's dictionary.
@dataclass(frozen=True, kw_only=True, repr=False)
class BuiltImage:
    """
    An image that was built, or that was there already (`--golink-binary`): that one has no options and no command.

    Attributes:
        path: The image. Later builds of the same options may replace it: copy what must stay.
        name: The package as reports call it ("sample_go/static").
        target: "GOOS/GOARCH"; None where an image that was not built here does not show it.
        options: The options it was built with, None for an image that was not built here.
        command: The command line that was run; () for an image that was not built here.
        environment: What was set for it, beyond the process's environment.
        output: What the toolchain printed.
        warnings: The linker's warnings, parsed from the output; () for an image that was not built here.
        seconds: How long the command took.
        linked: Whether this session linked it anew; False for an image that was up to date.
        header: The C header of a c-archive or c-shared build.
        origin: What it was built from and by, None for an image that was not built here.
    """

    path: Path
    name: str
    target: str | None
    options: BuildOptions | None
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(compare=False)
    output: str
    warnings: tuple[LinkWarning, ...]
    seconds: float
    linked: bool
    header: Path | None
    origin: Origin | None = field(default=None, compare=False)
    _facts: BinaryFacts | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        # pytest prints it where a test of go_binary fails.
        return escape_message(f"GoBinary(path={self.path!r}, name={self.name!r}, target={self.target!r})")

    @cached_property
    def facts(self) -> BinaryFacts:
        """
        The image's fact sheet, read when it is first needed.

        Raises:
            UnreadableBinaryError: The image is of a format that cannot be read.
        """
        if self._facts is not None:
            return self._facts
        # Here, not above: the readers are slow to import.
        from pytest_golink.reader import read_binary

        return read_binary(self.path)

    def rebuild(self, folder: Path, fresh_cache: bool) -> Path:
        """
        Copy the module into an empty folder, and build the image there once more, with the same options.

        Args:
            folder: The folder; nothing of the original is written to.
            fresh_cache: Whether what the first build compiled must be compiled again: with its own Go build cache.

        Returns:
            The new image, in the folder.

        Raises:
            ParameterError: The image was not built here.
            BuildError: The copy does not build, or is over a bound.
        """
        if self.origin is None:
            raise ParameterError(f"{self.name} was not built here: there is nothing to build it from")
        return self.origin.builder.rebuild(self.origin.job, folder, fresh_cache=fresh_cache)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildJob:
    """A build that is resolved: everything but the run itself."""

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


class ImageBuilder(Protocol):
    """The builder of an image, as far as those need it who build another one like it: see `Builder`."""

    @property
    def toolchain(self) -> GoToolchain:
        """The Go toolchain that it builds with."""

    @property
    def rootdir(self) -> Path:
        """The folder that packages are relative to by default."""

    def build(self, options: BuildOptions) -> BuiltImage:
        """Build an image, unless this session has built it."""

    def rebuild(self, job: BuildJob, folder: Path, *, fresh_cache: bool) -> Path:
        """Build an image once more, in a copy of its module."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The build behind an image: the job, resolved, and the builder that can do another like it."""

    job: BuildJob
    builder: ImageBuilder
