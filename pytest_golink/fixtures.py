"""The fixtures: go_toolchain, go_build, go_sample, go_binary."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_golink.errors import GolinkError
from pytest_golink.settings import build_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_golink.builder import Builder, BuildOptions
    from pytest_golink.builder.mains import MainPackage
    from pytest_golink.builder.prebuilt import Prebuilt
    from pytest_golink.gobinary import GoBinary
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
        gcflags: str = "",
        asmflags: str = "",
        mod: str | None = None,
        modfile: str | None = None,
        overlay: str | None = None,
        pgo: str | None = None,
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
        gcflags: str = "",
        asmflags: str = "",
        mod: str | None = None,
        modfile: str | None = None,
        overlay: str | None = None,
        pgo: str | None = None,
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
        collected: The policy files that pytest found.
        passed_over: The policies that the run leaves out by choice, each with its reason.
        not_found: What is wrong with the images that --golink-binary names; "" if nothing is.
    """

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        # The values that xdist's controller sends to its workers.
        self._worker: Mapping[str, str] = getattr(config, "workerinput", {})
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._cache: Path | None = None
        self._toolchain: GoToolchain | GolinkError | None = None
        self._builder: Builder | None = None
        self._binaries: dict[tuple[Path, BuildOptions], GoBinary] = {}
        self._prebuilt: tuple[Prebuilt, ...] | None = None
        self.settings = settings
        self.collected: set[Path] = set()
        self.not_found = ""
        self.passed_over: tuple[str, ...] = ()
        self.session = self._worker.get("golink_session") or os.urandom(16).hex()
        self.on_image: Callable[[GoBinary], None] = lambda _binary: None
        self.on_build: Callable[[BuildOptions, str, bool], None] = lambda _options, _label, _starts: None

    def toolchain(self) -> GoToolchain:
        """
        Return the Go toolchain, which is looked for once.

        Raises:
            ToolchainError: There is none.
        """
        __tracebackhide__ = True
        if self._toolchain is None:
            from pytest_golink.toolchain import find_go

            try:
                self._toolchain = find_go(
                    named=self.settings.go, named_by=self.settings.go_named_by, cache=self.cache()
                )
            except GolinkError as error:
                self._toolchain = error
        if isinstance(self._toolchain, GolinkError):
            # The text says it all; where inside golink it was found out does not matter.
            raise self._toolchain.with_traceback(None) from None
        return self._toolchain

    def build(self, options: BuildOptions) -> GoBinary:
        """
        Build an image, once a session for the same options.

        Raises:
            ToolchainError: There is no toolchain, no such target, or no C compiler for it.
            BuildError: There is no such package, or it does not build.
        """
        __tracebackhide__ = True
        try:
            image = self._its_builder().build(options)
        except GolinkError as error:
            raise error.with_traceback(None) from None
        # Different options may make one image; each test gets its own options with it.
        known = (image.path, options)
        if known not in self._binaries:
            from pytest_golink.gobinary import binary_of

            self._binaries[known] = binary_of(image)
        binary = self._binaries[known]
        self.on_image(binary)
        return binary

    def main_packages(self, options: BuildOptions) -> tuple[MainPackage, ...]:
        """
        Return the main packages that a pattern finds: see `Builder.main_packages`.

        Raises:
            ToolchainError: There is no toolchain, no such target, or no C compiler for it.
            BuildError: The pattern finds no main package, or a package that cannot be loaded.
        """
        return self._its_builder().main_packages(options)

    def _its_builder(self) -> Builder:
        __tracebackhide__ = True
        if self._builder is None:
            from pytest_golink.builder import Builder

            self._builder = Builder(
                self.toolchain(),
                rootdir=self._config.rootpath,
                cache=self.cache(),
                session=self.session,
                announce=lambda options, label, starts: self.on_build(options, label, starts),
            )
        return self._builder

    def prebuilt(self) -> tuple[Prebuilt, ...]:
        """
        Return the images that `--golink-binary` names; () where it names none.

        Raises:
            GolinkError: A name or a glob has no match, or an archive cannot be looked into.
        """
        if self._prebuilt is None:
            from pytest_golink.builder.prebuilt import find_prebuilt

            settings = self.settings
            self._prebuilt = find_prebuilt(
                settings.binaries,
                settings.binary_folder,
                extract_to=self.extracted(),
                anywhere=settings.binaries_anywhere,
            )
        return self._prebuilt

    def extracted(self) -> Path:
        """Return the folder of images that are taken out of archives."""
        return self.cache() / "extracted"

    def cache(self) -> Path:
        """
        Return the folder of images: in pytest's cache, or a temporary one for this run.

        It is temporary where pytest has no cache, or where golink cannot write to it.
        """
        if self._cache is None:
            self._cache = self._found_cache()
        return self._cache

    def _found_cache(self) -> Path:
        if "golink_cache" in self._worker:
            return Path(self._worker["golink_cache"])
        # None or no such attribute with -p no:cacheprovider.
        cache: pytest.Cache | None = getattr(self._config, "cache", None)
        if cache is not None:
            with suppress(OSError):
                folder = cache.mkdir("golink")
                # One that an earlier run filled may be read-only by now, and its disk full.
                with tempfile.TemporaryFile(dir=folder) as probe:
                    probe.write(b"golink")
                return folder
        # A checkout that golink cannot write to is no reason not to build.
        self._temporary = tempfile.TemporaryDirectory(prefix="golink-", ignore_cleanup_errors=True)
        return Path(self._temporary.name)

    def for_workers(self) -> dict[str, str]:
        """Return what xdist's workers must know to share the images."""
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
    return pytestconfig.stash[RUN].toolchain()


@pytest.fixture(scope="session")
def go_build(pytestconfig: pytest.Config, go_toolchain: GoToolchain) -> GoBuild:  # noqa: ARG001 - no Go: an error of setup
    """Build a Go package: `go_build("./cmd/app", target="linux/arm64", cgo=False)`."""
    from pytest_golink.builder import parse_options

    run = pytestconfig.stash[RUN]

    def build(package: str = ".", **options: Any) -> GoBinary:
        __tracebackhide__ = True
        return run.build(parse_options({"package": package, **options}))

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
def go_binary(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> GoBinary:
    """Return what the golink marker describes, else an image of --golink-binary, else what the ini file describes."""
    __tracebackhide__ = True
    run = pytestconfig.stash[RUN]
    prebuilt: Prebuilt | None = getattr(request, "param", None)
    if prebuilt is None:
        return run.build(build_options(run.settings, request.node))
    from pytest_golink.builder.prebuilt import as_image
    from pytest_golink.gobinary import binary_of

    try:
        binary = binary_of(as_image(prebuilt))
    except GolinkError as error:
        raise error.with_traceback(None) from None
    run.on_image(binary)
    return binary
