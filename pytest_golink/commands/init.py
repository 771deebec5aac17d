"""`golink init`: write a first golink.toml, with rules that hold today, and the run of pytest that shows it."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.commands.init_text import Head, Table, by_system, policy_text
from pytest_golink.commands.proposed_rules import proposals, strictest, without
from pytest_golink.errors import GolinkError
from pytest_golink.text.escape import escape
from pytest_golink.text.toml import toml
from pytest_golink.traits import may_be_go

if TYPE_CHECKING:
    import argparse
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from pytest_golink.commands.proposed_rules import Proposals
    from pytest_golink.commands.shipped import Shipped

_FILE = "golink.toml"
# Above this, programs of one kind share a table: nobody reads a hundred.
_MOST_TABLES = 12
# Runs of pytest until a file is green: each one takes out the rules that the one before did not find kept.
_TRIALS = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Write a golink.toml for the Go module at hand, or for a folder of what is shipped, with rules that hold "
        "today. golink takes a dist folder that is there; else it builds what .goreleaser.yaml releases, or the main "
        "packages. It reads images, and does not run them. What it writes is green: it runs pytest with it first."
    )
    parser.epilog = "Exit status: 0; 2 where nothing was written."
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default=".", help="the folder with go.mod; default .")
    parser.add_argument(
        "--dist", metavar="DIST", help="take the binaries and archives of this folder, and build nothing"
    )
    parser.add_argument("--build", action="store_true", help="build, although there is a dist folder")
    parser.add_argument("--output", metavar="FILE", help=f"where to write; default FOLDER/{_FILE}; - for stdout")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    parser.add_argument(
        "--baseline",
        metavar="DATE",
        help="waive what is violated today until this day: in the policy that is there, or in a new one with stricter "
        "rules",
    )


def run(options: argparse.Namespace) -> int:
    """
    Write the file; return 0.

    Raises:
        GolinkError: There is nothing to write, or the place is taken.
        OSError: A file cannot be read or written.
    """
    from pytest_golink.commands.baseline import baseline_day

    folder, output = Path(options.folder), options.output
    if not folder.is_dir():
        raise GolinkError(f"{folder}: no such folder")
    target = folder / _FILE if output is None else Path(output)
    until = None if options.baseline is None else baseline_day(options.baseline)
    if output != "-" and target.exists() and not options.force:
        if until is not None:
            return _add_waivers(target, until)
        # Check this before a build of some minutes.
        raise GolinkError(f"{target}: is there already; --force writes over it, --output FILE writes elsewhere")
    # Paths in a policy are relative to its own folder.
    project = (folder if output == "-" else target.parent).resolve()
    head, tables = _tables(folder, project, options.dist, build=options.build)
    text, count = _green(head, tables, project, until)
    if output == "-":
        print(text, end="")
        return 0
    target.write_text(text, encoding="utf-8")
    _tell(target, head, tables, count)
    return 0


def _tell(target: Path, head: Head, tables: Sequence[Table], count: int) -> None:
    gated = sum(not table.problem for table in tables)
    binaries = "1 binary" if gated == 1 else f"{gated} binaries"
    print(f"wrote {escape(str(target))}: {binaries}, {count} rules that hold today")
    print(head.gates)
    for line in (*head.seen, *(note for table in tables for note in table.notes)):
        print(f"  seen: {escape(' '.join(line.split()), longest=300)}")
    for table in tables:
        if table.problem:
            print(f"  not gated: {escape(' '.join(table.problem.split()), longest=300)}")
    print(f"next: pytest {escape(str(target))}")


def _tables(folder: Path, project: Path, dist: str | None, *, build: bool) -> tuple[Head, tuple[Table, ...]]:
    from pytest_golink.commands.goreleaser_config import read_goreleaser

    config = read_goreleaser(folder) if dist is None else None
    there = dist if dist is not None or build else _dist_there(folder, "dist" if config is None else config.dist)
    if there is not None:
        return _of_dist(folder, there, project)
    from pytest_golink.commands.init_module import tables_of_module
    from pytest_golink.commands.trial import image_cache

    with tempfile.TemporaryDirectory(prefix="golink-", ignore_cleanup_errors=True) as temporary:
        # The first run of pytest finds the images of this one.
        cache = image_cache(project) or Path(temporary)
        return tables_of_module(folder.resolve(), project, cache=cache, config=config)


def _dist_there(folder: Path, dist: str) -> str | None:
    """Return the dist folder if it has something that is shipped."""
    from pytest_golink.commands.shipped import has_images

    place = folder / dist
    return dist if place.is_dir() and has_images(place, folder) else None


def _of_dist(folder: Path, dist: str, project: Path) -> tuple[Head, tuple[Table, ...]]:
    from pytest_golink.commands.shipped import shipped

    place = (folder / dist).resolve()
    if not place.is_dir():
        raise GolinkError(f"{folder / dist}: no such folder")
    if not place.is_relative_to(project) or place == project:
        raise GolinkError(
            f"{folder / dist}: is not below {project}, the folder of the policy; --output puts it elsewhere"
        )
    name = place.relative_to(project).as_posix()
    tables = tuple(_of_shipped(shipped(place, project)))
    if all(table.problem for table in tables):
        raise GolinkError(*(f"{line}" for table in tables for line in table.problem.splitlines()))
    by_list = all(line.startswith("goreleaser") for table in tables for line in table.lines[1:2])
    others = "artifacts.json does not name" if by_list else "no path below matches"
    gates = f"Gates the files in {name} as they are, not a later build, and no file that {others}."
    return Head(title=f"what is shipped in {name}", gates=gates), tables


def _of_shipped(programs: Sequence[Shipped]) -> Iterator[Table]:
    kinds: dict[str, list[Shipped]] = {}
    for one in programs:
        kinds.setdefault(_kind(one), []).append(one)
    # Base stands first, as it is read first.
    for kind in sorted(kinds):
        for one in _joined(kind, kinds[kind]):
            yield _table(one, kind)


def _kind(one: Shipped) -> str:
    """Return the policy of a program's kind: "base" for Go's."""
    are_go = {may_be_go(subject.facts) for subject in one.subjects}
    return {frozenset({False}): "not-go", frozenset({True, False}): "mixed"}.get(frozenset(are_go), "base")


def _joined(kind: str, programs: Sequence[Shipped]) -> Sequence[Shipped]:
    good = [one for one in programs if one.subjects]
    if len(good) <= _MOST_TABLES:
        return programs
    whole = replace(
        good[0],
        name="programs" if kind == "base" else kind,
        paths=tuple(path for one in good for path in one.paths),
        subjects=tuple(subject for one in good for subject in one.subjects),
        problems=tuple(problem for one in good for problem in one.problems),
    )
    return [whole, *(one for one in programs if not one.subjects)]


def _table(one: Shipped, kind: str) -> Table:
    lines = [f"name = {toml(one.name)}"]
    lines.append(f"goreleaser = {toml(one.goreleaser)}" if one.goreleaser is not None else _list("path", one.paths))
    reasons = [f"{name}: {reason}" for name, reason in one.problems]
    if one.problems and one.subjects:
        # Its globs match them too.
        lines.append(_list("exclude", [_literal(name) for name, _reason in one.problems]))
    # Only for prebuilt images: for a build the user chooses the targets.
    targets = tuple(sorted({str(subject.facts.target) for subject in one.subjects if subject.facts.target}))
    whole = all(subject.facts.target for subject in one.subjects)
    return Table(
        lines=tuple(lines),
        targets=targets if whole else (),
        subjects=one.subjects,
        policy=kind,
        notes=tuple(f"not gated: {reason}" for reason in reasons) if one.subjects else (),
        problem="" if one.subjects else "\n".join(reasons),
    )


def _list(key: str, globs: Sequence[str]) -> str:
    if len(globs) == 1:
        return f"{key} = {toml(globs[0])}"
    return "\n".join([f"{key} = [", *(f"    {toml(glob)}," for glob in globs), "]"])


def _literal(name: str) -> str:
    from pytest_golink.commands.shipped import literal

    return literal(name)


def _green(head: Head, tables: Sequence[Table], project: Path, until: dt.date | None) -> tuple[str, int]:
    """
    Return the text of a policy that pytest finds green, and how many rules its policies have.

    Raises:
        GolinkError: There is none.
    """
    from pytest_golink.commands.baseline import waivers
    from pytest_golink.commands.trial import tried
    from pytest_golink.policy import read_policy

    found = _found(tables, strict=until is not None)
    output = ""
    for _trial in range(_TRIALS):
        tables = _with_rules(tables, found)
        found = {
            kind: one
            for kind, one in found.items()
            if any(table.policy == kind and not table.problem for table in tables)
        }
        if not found:
            break
        text = policy_text(head, found, tables)
        with _beside(project, text) as file:
            trial = tried(file, project)
            if until is not None and not trial.green:
                text = "\n".join([text, *waivers(read_policy(file), trial.report, until)])
                file.write_text(text, encoding="utf-8")
                trial = tried(file, project)
        if trial.green:
            return text, sum(len(one.held) for one in found.values())
        output = trial.output
        failing = Counter(one.finding.rule for one in trial.report.findings if one.finding.fails)
        if trial.report.errors or not failing:
            break
        found = {kind: without(one, failing) for kind, one in found.items()}
    lines = output.strip().splitlines()[-20:]
    raise GolinkError("no rule holds on these binaries in a run of pytest", *(f"  {line}" for line in lines))


def _found(tables: Sequence[Table], *, strict: bool) -> dict[str, Proposals]:
    found = {}
    for kind in dict.fromkeys(table.policy for table in tables if not table.problem):
        groups = [by_system(table.subjects) for table in tables if table.policy == kind and not table.problem]
        one = proposals([subjects for group in groups for subjects in group.values()])
        found[kind] = strictest(one) if strict else one
    return found


def _with_rules(tables: Sequence[Table], found: dict[str, Proposals]) -> tuple[Table, ...]:
    """Return the tables; those of a policy without a rule that also have no rules themselves are commented out."""
    checked = []
    for table in tables:
        if not table.problem and not found[table.policy].held and not table.targets:
            names = ", ".join(dict.fromkeys(subject.name for subject in table.subjects))
            table = replace(table, problem=f"no rule holds on {names} today")
        checked.append(table)
    return tuple(checked)


@contextmanager
def _beside(project: Path, text: str) -> Iterator[Path]:
    """Write a policy where its paths are right, under a name that no file has, and remove it afterwards."""
    with tempfile.NamedTemporaryFile("w", dir=project, prefix="golink-init-", suffix=".toml", delete=False) as stream:
        file = Path(stream.name)
    try:
        file.write_text(text, encoding="utf-8")
        yield file
    finally:
        file.unlink()


def _add_waivers(target: Path, until: dt.date) -> int:
    """Add waivers for what the policy's images violate today."""
    from pytest_golink.commands.baseline import waivers
    from pytest_golink.commands.trial import tried
    from pytest_golink.policy import read_policy

    policy = read_policy(target)
    project = target.parent.resolve()
    trial = tried(target.resolve(), project)
    added = waivers(policy, trial.report, until)
    violated = sum(one.finding.outcome == "violated" for one in trial.report.findings)
    if not added:
        print(f"{escape(str(target))}: nothing is violated today; no waiver is written")
    else:
        text = target.read_text(encoding="utf-8")
        target.write_text("\n".join([text.rstrip("\n") + "\n", *added]), encoding="utf-8")
        images = "1 image" if len(added) == 1 else f"{len(added)} images"
        print(f"wrote {escape(str(target))}: {violated} violations of {images} are waived until {until}")
    rest = sum(one.finding.outcome == "undecidable" for one in trial.report.findings) + len(trial.report.errors)
    if rest:
        print(f"  {rest} errors and undecidable answers stay: a waiver is only for what is violated")
    return 0
