"""An image, and the build that made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from pytest_golink.errors import ParameterError
from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_golink.builder.job import BuildJob
    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.facts import BinaryFacts, LinkWarning
    from pytest_golink.toolchain import GoToolchain


# Without slots: `facts` is kept in the instance's dictionary.
@dataclass(frozen=True, kw_only=True, repr=False)
class BuiltImage:
    """
    An image that golink built, or a prebuilt one (`--golink-binary`), which has no options and no command.

    Attributes:
        path: The image. Later builds with the same options may replace it: copy it to keep it.
        name: The package as reports call it ("sample_go/static").
        target: "GOOS/GOARCH"; None where a prebuilt image does not show it.
        options: The options of the build, None for a prebuilt image.
        command: The command line of the build; () for a prebuilt image.
        environment: The variables that golink set for it, beyond the process's environment.
        inherited: The variables of the process, and of Go's own file (GOENV), that decided the build too.
        output: The output of the toolchain.
        warnings: The linker's warnings, parsed from the output; () for a prebuilt image.
        seconds: How long the command took.
        linked: Whether this session linked it; False for an image that was up to date.
        header: The C header of a c-archive or c-shared build.
        origin: The build behind it, None for a prebuilt image.
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
    inherited: Mapping[str, str] = field(default_factory=dict, compare=False)
    _facts: BinaryFacts | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        # pytest prints it where a test of go_binary fails.
        return escape_message(f"GoBinary(path={self.path!r}, name={self.name!r}, target={self.target!r})")

    @cached_property
    def facts(self) -> BinaryFacts:
        """
        The image's fact sheet; golink reads it when it first needs it.

        With the packages of the build whose C leaves no wrapper in the image: see `Cgo.from_source`.

        Raises:
            UnreadableBinaryError: The image is of a format that cannot be read.
        """
        if self._facts is not None:
            return self._facts
        # Here, not above: the readers are slow to import.
        from pytest_golink.builder.listing import with_source
        from pytest_golink.reader import read_binary

        facts = read_binary(self.path)
        if self.origin is None:
            return facts
        return with_source(facts, self.origin.job, self.origin.builder.toolchain)

    def rebuild(self, folder: Path, fresh_cache: bool) -> Path:
        """
        Copy the module into an empty folder, and build the image there once more, with the same options.

        Args:
            folder: The folder; the original stays unchanged.
            fresh_cache: Whether to compile everything again, with a new Go build cache.

        Returns:
            The new image, in the folder.

        Raises:
            ParameterError: The image was not built here.
            BuildError: The copy does not build, or is over a bound.
        """
        if self.origin is None:
            raise ParameterError(f"{self.name} was not built here: there is nothing to build it from")
        return self.origin.builder.rebuild(self.origin.job, folder, fresh_cache=fresh_cache)


class ImageBuilder(Protocol):
    """The builder of an image, as far as other modules need it to build the image once more: see `Builder`."""

    @property
    def toolchain(self) -> GoToolchain:
        """The Go toolchain that it builds with."""

    @property
    def rootdir(self) -> Path:
        """The folder that packages are relative to by default."""

    def resolve(self, options: BuildOptions) -> BuildJob:
        """Return where and how to run `go build`, without running it."""

    def build(self, options: BuildOptions) -> BuiltImage:
        """Build an image, unless this session has built it."""

    def rebuild(self, job: BuildJob, folder: Path, *, fresh_cache: bool) -> Path:
        """Build an image once more, in a copy of its module."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The build behind an image: the resolved job, and the builder that can run it once more."""

    job: BuildJob
    builder: ImageBuilder
