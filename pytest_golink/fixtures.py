"""The fixtures: go_toolchain, go_build, go_sample, go_binary."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_golink.settings import build_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_golink.build import BuildOptions, GoBinary
    from pytest_golink.settings import Settings
    from pytest_golink.toolchain import GoToolchain


class GoBuild(Protocol):
    """The type of the `go_build` fixture."""

    def __call__(
        self,
        package: str = ".",
        *,
        target: str | None = None,
        cgo: bool | None = None,
        tags: Iterable[str] = (),
        ldflags: str = "",
        linkmode: str | None = None,
        extldflags: str = "",
        buildmode: str | None = None,
        trimpath: bool = False,
        race: bool = False,
        cc: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
    ) -> GoBinary:
        """
        Build a package, once a session for the same options, and give its image.

        Raises:
            ParameterError: An option has a value of the wrong form.
            ToolchainError: There is no such target, or no C compiler for it.
            BuildError: There is no such package, or it does not build.
        """


class GoSample(Protocol):
    """The type of the `go_sample` fixture."""

    def __call__(
        self,
        name: str,
        *,
        target: str | None = None,
        cgo: bool | None = None,
        tags: Iterable[str] = (),
        ldflags: str = "",
        linkmode: str | None = None,
        extldflags: str = "",
        buildmode: str | None = None,
        trimpath: bool = False,
        race: bool = False,
        cc: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
    ) -> GoBinary:
        """Build `<golink_sample_dir>/<name>`, as `go_build` does."""


class Run:
    """
    What golink knows of one pytest run, in one process of it.

    Attributes:
        settings: The command line and the ini file.
        session: The same in all worker processes of a run, and in no other run.
        on_image: Told of each image that a test gets.
        on_build: Told when a build starts (True) and ends (False), with its label.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        # What xdist's controller tells its workers.
        self._worker: Mapping[str, str] = getattr(config, "workerinput", {})
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.settings = settings
        self.session = self._worker.get("golink_session") or os.urandom(16).hex()
        self.on_image: Callable[[GoBinary], None] = lambda _binary: None
        self.on_build: Callable[[BuildOptions, str, bool], None] = lambda _options, _label, _starts: None

    def cache(self) -> Path:
        """Give the folder of images: in pytest's cache, or one that goes with this run where pytest has none."""
        if "golink_cache" in self._worker:
            return Path(self._worker["golink_cache"])
        # None or no such attribute with -p no:cacheprovider.
        cache: pytest.Cache | None = getattr(self._config, "cache", None)
        if cache is not None and self._temporary is None:
            try:
                return cache.mkdir("golink")
            except OSError:
                # A checkout that must not be written to is no reason not to build.
                pass
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="golink-", ignore_cleanup_errors=True)
        return Path(self._temporary.name)

    def for_workers(self) -> dict[str, str]:
        """Give what xdist's workers must know to share the images."""
        shared = {"golink_session": self.session}
        if getattr(self._config, "cache", None) is None:
            shared["golink_cache"] = str(self.cache())
        return shared

    def close(self) -> None:
        """Remove what goes with this run."""
        if self._temporary is not None:
            self._temporary.cleanup()


RUN = pytest.StashKey[Run]()


@pytest.fixture(scope="session")
def go_toolchain(pytestconfig: pytest.Config) -> GoToolchain:
    """Find the Go toolchain: path, version, default target, and whether cgo is on and with which C compiler."""
    __tracebackhide__ = True
    from pytest_golink.errors import GolinkError
    from pytest_golink.toolchain import find_go

    run = pytestconfig.stash[RUN]
    try:
        return find_go(named=run.settings.go, named_by=run.settings.go_named_by, cache=run.cache())
    except GolinkError as error:
        # The text says it all; where inside golink it was found out does not matter.
        raise error.with_traceback(None) from None


@pytest.fixture(scope="session")
def _golink_build(pytestconfig: pytest.Config, go_toolchain: GoToolchain) -> Callable[[BuildOptions], GoBinary]:
    from pytest_golink.build import Builder
    from pytest_golink.errors import GolinkError

    run = pytestconfig.stash[RUN]
    builder = Builder(
        go_toolchain,
        rootdir=pytestconfig.rootpath,
        cache=run.cache(),
        session=run.session,
        announce=lambda options, label, starts: run.on_build(options, label, starts),
    )

    def build(options: BuildOptions) -> GoBinary:
        __tracebackhide__ = True
        try:
            binary = builder.build(options)
        except GolinkError as error:
            raise error.with_traceback(None) from None
        run.on_image(binary)
        return binary

    return build


@pytest.fixture(scope="session")
def go_build(_golink_build: Callable[[BuildOptions], GoBinary]) -> GoBuild:
    """Build a Go package: `go_build("./cmd/app", target="linux/arm64", cgo=False)`."""
    from pytest_golink.build import parse_options

    def build(package: str = ".", **options: Any) -> GoBinary:
        __tracebackhide__ = True
        return _golink_build(parse_options({"package": package, **options}))

    return build


@pytest.fixture(scope="session")
def go_sample(go_build: GoBuild, pytestconfig: pytest.Config) -> GoSample:
    """Build a program of the sample folder: `go_sample("net", cgo=True)`."""
    folder = pytestconfig.stash[RUN].settings.sample_dir

    def build(name: str, **options: Any) -> GoBinary:
        __tracebackhide__ = True
        return go_build(f"{folder}/{name}", **options)

    return build


@pytest.fixture
def go_binary(
    _golink_build: Callable[[BuildOptions], GoBinary], pytestconfig: pytest.Config, request: pytest.FixtureRequest
) -> GoBinary:
    """Build the image that the test's golink marker describes, or else the ini file."""
    __tracebackhide__ = True
    return _golink_build(build_options(pytestconfig.stash[RUN].settings, request.node))
