"""Build options → an image: one `go build` for each key in a session, across processes."""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.builder.binary import BuiltImage, Origin
from pytest_golink.builder.cgo_off import cgo_hint
from pytest_golink.builder.copies import copy_sources
from pytest_golink.builder.environment import build_environment, build_flags
from pytest_golink.builder.inputs import moved_overlay, named_file, read_inputs
from pytest_golink.builder.job import BuildJob
from pytest_golink.builder.linker import parse_warnings
from pytest_golink.builder.mains import main_packages
from pytest_golink.builder.seal import sealing_key
from pytest_golink.builder.slot import Record, Slot
from pytest_golink.builder.variables import decisive, relevant
from pytest_golink.errors import BuildError, GolinkError, ToolchainError
from pytest_golink.toolchain.ccompiler import first_word_found
from pytest_golink.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_golink.builder.mains import MainPackage
    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.facts import Target
    from pytest_golink.toolchain import GoToolchain
    from pytest_golink.toolchain.process import Completed

_BUILD_TIMEOUT_S = 1800.0
# Formats of systems without cgo. Source: cmd/dist/build.go, cgoEnabled.
_ONLY_GO_LINKS = frozenset({"wasm", "plan9"})


class Builder:
    """
    Builds images, and keeps them.

    Args:
        toolchain: The Go toolchain.
        rootdir: The folder to which packages, and their names in reports, are relative by default.
        cache: The folder that keeps the images.
        session: The session's name: the same in all its worker processes, and in no other session.
        announce: Called with a build's options, its label and whether it starts (True) or has ended (False).
    """

    def __init__(
        self,
        toolchain: GoToolchain,
        *,
        rootdir: Path,
        cache: Path,
        session: str,
        announce: Callable[[BuildOptions, str, bool], None] = lambda _options, _label, _starts: None,
    ) -> None:
        self._toolchain = toolchain
        self._rootdir = rootdir.absolute()
        self._cache = cache.absolute()
        self._session = session
        self._announce = announce
        self._built: dict[tuple[str, BuildOptions], BuiltImage] = {}

    @property
    def toolchain(self) -> GoToolchain:
        """The Go toolchain that it builds with."""
        return self._toolchain

    @property
    def rootdir(self) -> Path:
        """The folder that packages are relative to by default."""
        return self._rootdir

    def build(self, options: BuildOptions) -> BuiltImage:
        """
        Build an image, unless this session has built it.

        Raises:
            ToolchainError: There is no such target, or no C compiler for it.
            BuildError: There is no such package, or `go build` fails.
        """
        try:
            job = self.resolve(options)
        except GolinkError:
            self._announce(options, options.package, False)
            raise
        # Different options may make one build: its image is shared, but its cause is the caller's own options.
        known = (job.key, options)
        if known not in self._built:
            try:
                slot = Slot(self._cache / "slots" / job.key, seal_with=sealing_key(self._go_cache()))
                record = self._recorded(job, slot)
            except OSError as error:
                reason = error.strerror or str(error) or type(error).__name__
                what = f"{job.name} ({job.target}): golink cannot keep its image in {self._cache}: {reason}"
                raise BuildError(what, command=(), status=0, output="") from error
            self._built[known] = self._binary(job, slot, record)
        return self._built[known]

    def main_packages(self, options: BuildOptions) -> tuple[MainPackage, ...]:
        """
        Return the main packages that the package of these options, a pattern, finds for their target.

        Raises:
            ToolchainError: There is no such target, or no C compiler for it.
            BuildError: The pattern finds no main package, or a package that cannot be loaded.
        """
        cwd = self._cwd(options)
        target = self._target(options)
        environment = build_environment(self._toolchain, options, target, cache=self._cache)
        inputs = read_inputs(options, cwd, cwd.resolve(), cache=self._cache)
        flags = build_flags(inputs.options, environment)
        whole = {**os.environ, **environment}
        return main_packages(self._toolchain, options.package, cwd, flags=flags, environment=whole)

    def _go_cache(self) -> Path:
        toolchain = self._toolchain
        return Path(toolchain.environment.get("GOCACHE") or toolchain.settings["GOCACHE"])

    def _recorded(self, job: BuildJob, slot: Slot) -> Record:
        """Return the record of a build, and run the build unless this session has run it."""
        with slot.held():
            record = slot.record()
            if record is not None and record.session == self._session:
                return record
            self._announce(job.options, f"{job.name} {job.target}", True)
            try:
                return self._run(job, slot, record)
            finally:
                self._announce(job.options, f"{job.name} {job.target}", False)

    def resolve(self, options: BuildOptions) -> BuildJob:
        """
        Return where and how to run `go build`, without running it.

        Raises:
            ToolchainError: There is no such target, or no C compiler for it.
            BuildError: There is no such folder or file.
        """
        folder, package, name = self._locate(options)
        target = self._target(options)
        environment = build_environment(self._toolchain, options, target, cache=self._cache)
        whole = {**os.environ, **environment}
        inputs = read_inputs(options, self._rootdir / (options.cwd or "."), folder, cache=self._cache)
        flags = build_flags(inputs.options, environment)
        key = {
            "go": [str(self._toolchain.path), self._toolchain.version],
            "flags": flags,
            "files": inputs.contents,
            "target": str(target),
            "package": [str(folder), package],
            "environment": {**relevant(whole), **dict(options.env)},
            "decisive": self._decisive(environment),
            # cgo is on by default only if a C compiler is there.
            "cc": first_word_found(whole.get("CC") or self._toolchain.cc.command, whole),
        }
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        return BuildJob(
            name=name,
            options=options,
            target=target,
            folder=folder,
            package=package,
            flags=flags,
            environment=MappingProxyType(environment),
            key=digest[:32],
        )

    def _decisive(self, environment: Mapping[str, str]) -> dict[str, str]:
        return decisive({**os.environ, **environment}, env_file=self._toolchain.settings.get("GOENV", ""))

    def rebuild(self, job: BuildJob, folder: Path, *, fresh_cache: bool) -> Path:
        """
        Run a job once more in a copy of its module: see `BuiltImage.rebuild`.

        Raises:
            BuildError: The copy does not build, or is over a bound.
        """
        # Git must not write to the objects that the copy borrows from the original.
        environment = {**job.environment, "GIT_OPTIONAL_LOCKS": "0"}
        if fresh_cache:
            # Kept between rebuilds, so that Go compiles the standard library for it only once.
            environment["GOCACHE"] = str(self._cache / "second-gocache")
        sources = copy_sources(
            job.folder, folder / "source", lambda words: self._ask(job, words), modfile=named_file(job, "modfile")
        )
        flags = moved_overlay(job, sources.common, folder / "source")
        # Neither the original's go.work, which GOWORK may name, nor one above the folder for temporary files.
        environment["GOWORK"] = "off" if sources.work is None else str(sources.work)
        job = replace(job, folder=sources.folder, flags=flags, environment=MappingProxyType(environment))
        image = folder / job.file_name
        command = (str(self._toolchain.path), "build", "-o", str(image), *job.flags, job.package)
        self._announce(job.options, f"{job.name} {job.target} once more", True)
        try:
            status, output = self._go(job, command)
        finally:
            self._announce(job.options, f"{job.name} {job.target} once more", False)
        if failure := self._failure(job, image, status, output):
            what = f"in a copy of its module {failure}"
            raise BuildError(what, command=command, status=status, output=output)
        return image

    def _ask(self, job: BuildJob, words: Sequence[str]) -> str:
        verb, *rest = words
        if verb == "list":
            # Flags of a build, such as -tags, also select the packages; `go list` accepts them all.
            rest = [*job.flags, *rest, job.package]
        command = (str(self._toolchain.path), verb, *rest)
        done = self._start(job, command)
        if done.status != 0:
            what = f"{job.name} ({job.target}) cannot be copied: go does not say what it is built from"
            raise BuildError(what, command=command, status=done.status, output=done.stderr)
        return done.stdout

    def _target(self, options: BuildOptions) -> Target:
        return self._toolchain.parse_target(options.target) if options.target else self._toolchain.target

    def _cwd(self, options: BuildOptions) -> Path:
        cwd = self._rootdir / (options.cwd or ".")
        if not cwd.is_dir():
            raise BuildError(f"cwd: there is no folder {cwd}", command=(), status=0, output="")
        return cwd

    def _locate(self, options: BuildOptions) -> tuple[Path, str, str]:
        cwd = self._cwd(options)
        path = cwd / options.package
        if path.is_dir():
            # In the package's own folder: its go.mod may stand below `cwd`.
            return path.resolve(), ".", self._name(path)
        if path.suffix == ".go" and path.is_file():
            return path.parent.resolve(), path.name, self._name(path)
        if options.package.startswith(".") or Path(options.package).is_absolute() or path.suffix == ".go":
            what = f"package {options.package}: there is no folder or .go file {path}"
            raise BuildError(what, command=(), status=0, output="")
        return cwd.resolve(), options.package, options.package

    def _name(self, path: Path) -> str:
        # Not resolve(): a symbolic link below the root keeps its name.
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute() leaves `..` in
        if absolute == self._rootdir:
            return absolute.name
        if absolute.is_relative_to(self._rootdir):
            return absolute.relative_to(self._rootdir).as_posix()
        return absolute.as_posix()

    def _run(self, job: BuildJob, slot: Slot, known: Record | None) -> Record:
        files = known.files if known is not None else ()
        image_output = known.image_output if known is not None else ""
        before = slot.images / job.file_name
        with slot.build_folder() as folder:
            image = folder / job.file_name
            if files and known is not None and not known.external:
                # Go looks at the existing image, and links only if it is not up to date. Go gets a copy, so that
                # the image in its place stays whole until the build has succeeded. Go does not see that a library or
                # a start file has changed that the C linker took: without an image it links in any case.
                shutil.copy2(before, image)
            command = (str(self._toolchain.path), "build", "-o", str(image), *job.flags, job.package)
            start = time.monotonic()
            status, output = self._go(job, command)
            seconds = time.monotonic() - start
            failure = self._failure(job, image, status, output)
            # Byte for byte: Go sets the time of an image that it finds up to date.
            linked = failure is None and not (files and filecmp.cmp(before, image, shallow=False))
            external = known is not None and known.external
            if linked:
                files = slot.keep([image, *sorted(folder.glob("*.h"))])
                external = _is_external(before)
            if failure is None:
                image_output = output = output or ("" if linked else image_output)
            record = Record(
                session=self._session,
                failure=failure,
                status=status,
                command=command,
                environment=dict(job.environment),
                inherited=self._inherited(job),
                output=output,
                seconds=seconds,
                linked=linked,
                external=external,
                files=files,
                image_output=image_output,
            )
            slot.write(record)
            return record

    def _inherited(self, job: BuildJob) -> dict[str, str]:
        found = self._decisive(job.environment)
        return {name: value for name, value in found.items() if name not in job.environment}

    def _go(self, job: BuildJob, command: tuple[str, ...]) -> tuple[int, str]:
        done = self._start(job, command)
        return done.status, done.stdout + done.stderr

    def _start(self, job: BuildJob, command: tuple[str, ...]) -> Completed:
        environment = {**os.environ, **job.environment}
        try:
            return run(command, cwd=job.folder, environment=environment, timeout_s=_BUILD_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            what = f"{job.name} ({job.target}) was not built within {_BUILD_TIMEOUT_S:.0f} seconds"
            raise BuildError(what, command=command, status=-signal.SIGINT, output="") from error
        except OSError as error:
            raise ToolchainError(f"{command[0]} cannot be started: {error.strerror}") from error

    def _failure(self, job: BuildJob, image: Path, status: int, output: str) -> str | None:
        what = f"{job.name} ({job.target}) does not build"
        if status != 0:
            if job.package == job.name and " is not in std" in output:
                return f"{what}: there is no folder {job.folder / job.package}, and no such import path"
            if re.search(r"running (strip|dsymutil) failed", output):
                return f'{what}: only Apple\'s tools keep debug information in an external link; add ldflags="-w"'
            return f"{what}{cgo_hint(job, output, self._toolchain)}"
        if not image.is_file():
            # GOFLAGS=-n prints the commands of a build, and runs none.
            return f"{what}: go ended well, but made no image; look at GOFLAGS"
        if job.options.buildmode != "c-archive":
            with image.open("rb") as file:
                if file.read(8) == b"!<arch>\n":
                    return f"{job.name} is not a main package: `go build` makes an archive of it, not an image"
        return None

    def _binary(self, job: BuildJob, slot: Slot, record: Record) -> BuiltImage:
        if record.failure is not None:
            raise BuildError(record.failure, command=record.command, status=record.status, output=record.output)
        headers = [name for name, _ in record.files[1:]]
        return BuiltImage(
            path=slot.images / job.file_name,
            name=job.name,
            target=str(job.target),
            options=job.options,
            command=record.command,
            environment=MappingProxyType(record.environment),
            inherited=MappingProxyType(record.inherited),
            output=record.output,
            warnings=parse_warnings(record.output),
            seconds=record.seconds,
            linked=record.linked,
            header=slot.images / headers[0] if headers else None,
            origin=Origin(job=job, builder=self),
        )


def _is_external(image: Path) -> bool:
    """Whether the C linker made an image; one that cannot be read counts as such."""
    # Here, not above: the readers are slow to import.
    from pytest_golink.reader import read_binary

    try:
        facts = read_binary(image)
    except GolinkError:
        return True
    return facts.link_mode != "internal" and facts.format not in _ONLY_GO_LINKS
