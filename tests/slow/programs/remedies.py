"""The first remedy that golink calls right, made by hand with plain `go build`, run, and held against the policy."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_golink.builder import BuildOptions
from pytest_golink.builder.options import OPTIONS
from pytest_golink.reader import read_binary
from pytest_golink.rules import check, rule_named
from pytest_golink.rules.subject import Subject
from pytest_golink.source import remedies
from tests.slow.programs.facts import Check
from tests.slow.programs.rows import tomllib
from tests.slow.programs.sources import plain_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_golink.builder import BuiltImage
    from tests.slow.programs.rows import Program

NONE = "none"
_RUN_S = 30
# GNU ld's warning about functions of glibc that load other libraries of the very same glibc while they run.
_NEEDS_GLIBC = "requires at runtime the shared libraries from the glibc version used for linking"
_NUMBER = re.compile(r"0x[0-9a-f]+|\d[\w.]*")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*=")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """How a run of a program ended: its exit status, None where it did not end; what it printed, without numbers."""

    status: int | None
    output: str

    def unlike(self, other: Ran) -> str:
        """Return the first difference of another run from this one, "" where there is none."""
        if other.status != self.status:
            return f"exit status {other.status}, not {self.status}"
        lines = zip_longest(self.output.splitlines(), other.output.splitlines(), fillvalue="")
        return next((f"prints {theirs!r}, not {ours!r}" for ours, theirs in lines if ours != theirs), "")


def run(program: Program, image: Path) -> Ran:
    """Run a program in an empty folder."""
    with tempfile.TemporaryDirectory(prefix="golink-programs-") as folder:
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder}
        try:
            done = subprocess.run(
                [str(image), *(program.run or ())],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_RUN_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Ran(status=None, output="")
    output = (done.stdout + done.stderr).decode(errors="replace").replace(str(image), image.name)
    # Times, sizes, addresses and the names of temporary folders differ from run to run.
    return Ran(status=done.returncode, output=_NUMBER.sub("#", output))


def check_remedies(program: Program, image: BuiltImage) -> Iterator[Check]:
    """Yield how the first ✓ remedy of a program's policy does; nothing where the policy holds."""
    broken = _broken(program, image.facts, image)
    if not broken:
        return
    trials = remedies(image, program.rules)
    first = next((trial for trial in trials if trial.outcome == "satisfies"), None)
    if first is None:
        yield Check(what=f"{NONE} ({len(trials)} tried)", ours=None, theirs=None)
        return
    what = f"{first.remedy}"
    assert image.origin is not None
    start = image.origin.job.options
    by_words = changed(plain_environment(start), start.flags(), first.remedy)
    after = by_lines(start, first.toml)
    by_toml = (plain_environment(after), after.flags())
    yield Check(what=f"{what}: lines for golink.toml", ours=_comparable(by_toml), theirs=_comparable(by_words))
    yield Check(what=f"{what}: lines for goreleaser", ours=bool(first.goreleaser), theirs=True)
    with tempfile.TemporaryDirectory(prefix="golink-programs-") as folder:
        built = Path(folder) / image.path.name
        problem = build_by_hand(image, first.remedy, built)
        yield Check(what=f"{what}: builds by hand", ours=True, theirs=problem or True)
        if problem:
            return
        yield Check(what=f"{what}: keeps the policy", ours=[], theirs=_broken(program, read_binary(built), image))
        idle = [part for part, rest in _less(start, first.remedy) if _holds(program, image, rest, built)]
        yield Check(what=f"{what}: parts that are not needed", ours=[], theirs=idle)
        build_by_hand(image, first.remedy, built)
        if program.run is not None:
            yield Check(what=f"{what}: runs as before", ours="", theirs=_unlike(program, image.path, built))


def _less(start: BuildOptions, remedy: str) -> Iterator[tuple[str, str]]:
    """Yield each part of a remedy of several parts, and the rest of it: a variable, a flag, a tag."""
    words = shlex.split(remedy)
    for number, word in enumerate(words):
        others = [*words[:number], *words[number + 1 :]]
        name, _, value = word.partition("=")
        tags = [tag for tag in value.split(",") if tag not in start.tags] if name == "-tags" else []
        for tag in tags if len(tags) > 1 else ():
            kept = ",".join(each for each in value.split(",") if each != tag)
            yield f"tag {tag}", shlex.join([*words[:number], f"-tags={kept}", *words[number + 1 :]])
        if others and others[-1] != "without" and word != "without":
            yield word, shlex.join(others)


def _holds(program: Program, image: BuiltImage, remedy: str, to: Path) -> bool:
    """Whether a remedy keeps the policy, and the linker does not warn of what such a program lacks where it runs."""
    done = _go_build(image, remedy, to)
    return not (done.returncode or _NEEDS_GLIBC in done.stderr or _broken(program, read_binary(to), image))


def _unlike(program: Program, image: Path, built: Path) -> str:
    before, again, after = run(program, image), run(program, image), run(program, built)
    # A program that prints something else each time has only its exit status to compare.
    return before.unlike(replace(after, output=before.output) if before.unlike(again) else after)


def _broken(program: Program, facts: object, image: BuiltImage) -> list[str]:
    subject = Subject(name=image.name, facts=facts, may_run=True)  # type: ignore[arg-type]
    found = []
    for rule, value in program.rules.items():
        parameters = rule_named(rule).accept(value)
        if parameters is not None and (finding := check(rule, subject, parameters)).fails:
            found.append(f"{rule}: {finding.observed}")
    return found


def build_by_hand(image: BuiltImage, remedy: str, to: Path) -> str:
    """Run `go build` with the change that a remedy's text describes; return the end of its output where it fails."""
    done = _go_build(image, remedy, to)
    return "" if done.returncode == 0 else "\n".join(done.stderr.splitlines()[-5:]) or "failed"


def _go_build(image: BuiltImage, remedy: str, to: Path) -> subprocess.CompletedProcess[str]:
    assert image.origin is not None
    job = image.origin.job
    environment, flags = changed(plain_environment(job.options), list(job.flags), remedy)
    command = ["go", "build", "-o", str(to), *flags, job.package]
    return subprocess.run(command, cwd=job.folder, env=environment, capture_output=True, text=True, check=False)


def by_lines(options: BuildOptions, lines: str) -> BuildOptions:
    """Return the options of a build after the lines for golink.toml of a remedy."""
    values: dict[str, Any] = {}
    for line in lines.splitlines():
        if line.startswith("# without "):
            name = line.removeprefix("# without ")
            values[name] = getattr(BuildOptions(), name)
        else:
            [(name, value)] = tomllib.loads(line).items()
            values[name] = OPTIONS[name].read(value)
    return replace(options, **values)


def _comparable(build: tuple[dict[str, str], list[str]]) -> list[str]:
    environment, flags = build
    return sorted([*flags, *(f"{name}={environment.get(name, '')}" for name in ("CGO_ENABLED", "CC", "GOFLAGS"))])


def changed(environment: dict[str, str], flags: Sequence[str], remedy: str) -> tuple[dict[str, str], list[str]]:
    """Return the environment and the flags of a build after a remedy's text: "CGO_ENABLED=0 -tags=x without -race"."""
    environment, flags = dict(environment), list(flags)
    without = False
    for word in shlex.split(remedy):
        if word == "without":
            without = True
            continue
        name = word.partition("=")[0]
        if without:
            environment.pop(name, None)
            flags = [flag for flag in flags if flag.partition("=")[0] != name]
        elif _VARIABLE.match(word):
            environment[name] = word.partition("=")[2]
        else:
            flags = [*(flag for flag in flags if flag.partition("=")[0] != name), word]
    return environment, flags
