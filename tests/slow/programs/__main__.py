"""
`python -m tests.slow.programs`: build published programs as their projects do, and hold golink against witnesses.

Facts against readelf, nm and `go version -m`; cgo packages and causes against `go list -deps` and the sources. The
first ✓ remedy is made by hand, run, and held against the policy. The exit status is 1 where a difference has no reason
in explained.toml. A program that is not in programs.toml is named as module@version or module//package@version.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.builder import Builder
from pytest_golink.errors import GolinkError
from pytest_golink.toolchain import find_go
from tests.slow.programs.causes import check_causes, list_packages
from tests.slow.programs.facts import Check, check_facts
from tests.slow.programs.remedies import NONE, Ran, check_remedies, run
from tests.slow.programs.rows import chosen, read_explanations, read_programs
from tests.slow.programs.sources import MissingError, fetch, missing_packages, options_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_golink.builder import BuiltImage
    from tests.slow.programs.rows import Explanation, Program

_KINDS = ("facts", "causes", "remedies")
_SHOWN = 600


@dataclass(kw_only=True)
class Result:
    """What was found of one program."""

    program: Program
    seconds: float = 0.0
    right: Counter[str] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    explained: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    remedy: str = ""

    def take(self, kind: str, checks: Iterable[Check], explanations: list[Explanation]) -> None:
        """Count the checks of one kind."""
        for check in checks:
            if kind == "remedies":
                self.remedy = check.what.partition(": ")[0]
                if check.what.startswith(NONE):
                    continue
            self.compared[kind] += 1
            if check.right:
                self.right[kind] += 1
                continue
            text = f"{kind}: {check.what}: golink {check.ours!r}, the witness {check.theirs!r}"[:_SHOWN]
            reasons = [one for one in explanations if one.covers(self.program.name, f"{kind}: {check.what}")]
            for one in reasons:
                one.used += 1
            if reasons:
                self.explained.append(f"{text}\n      because {reasons[0].reason}")
            else:
                self.wrong.append(text)

    def row(self) -> str:
        """Return the program's row of the table."""
        remedy = f"`{self.remedy}`" if self.remedy else ""
        cells = [f"{self.right[kind]}/{self.compared[kind]}" if self.compared[kind] else "–" for kind in _KINDS]
        name = f"{self.program.name} ({self.program.module})"
        return f"| {name} | {self.program.version} | {' | '.join(cells)} | {remedy} | {self.seconds:.0f} |"


def judge(program: Program, cache: Path, explanations: list[Explanation], *, remedies: bool) -> Result:
    """Build one program, and hold golink against the witnesses."""
    result = Result(program=program)
    start = time.monotonic()
    try:
        if lacking := missing_packages(program):
            raise MissingError(f"apt-get install {' '.join(lacking)}")
        source = fetch(program, cache / "sources")
        builder = Builder(find_go(cache=cache), rootdir=source, cache=cache / "cache", session=os.urandom(8).hex())
        image = builder.build(options_of(program, source))
        for kind, checks in _checks(program, image, remedies=remedies):
            result.take(kind, checks(), explanations)
    except (MissingError, GolinkError) as error:
        result.wrong.append(f"not built: {error}"[-_SHOWN:])
    result.seconds = time.monotonic() - start
    return result


def _checks(
    program: Program, image: BuiltImage, *, remedies: bool
) -> Iterator[tuple[str, Callable[[], Iterable[Check]]]]:
    yield "facts", lambda: check_facts(image.facts, image.path)
    if program.run is not None:
        yield "facts", lambda: [_starts(run(program, image.path))]
    yield "causes", lambda: check_causes(image, list_packages(image))
    if remedies and program.remedies:
        yield "remedies", lambda: check_remedies(program, image)


def _starts(ran: Ran) -> Check:
    # A signal is a negative status.
    return Check(what="the program runs", ours=True, theirs=ran.status is not None and ran.status >= 0)


def main() -> int:
    """Judge the programs, and print the table and the differences."""
    parser = argparse.ArgumentParser(prog="python -m tests.slow.programs", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="PROGRAM", help="a part of a name, or module@version")
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pytest-golink" / "programs"
    parser.add_argument("--cache", type=Path, default=default, help="the folder of downloads and images")
    parser.add_argument("--no-remedies", action="store_true", help="try no remedies: they are most of the time")
    options = parser.parse_args()
    programs = chosen(read_programs(), options.only)
    explanations = read_explanations()
    results = []
    print(f"| program | version | {' | '.join(_KINDS)} | first ✓ | seconds |")
    print(f"| --- | --- |{' --- |' * len(_KINDS)} --- | --- |")
    for program in programs:
        result = judge(program, options.cache, explanations, remedies=not options.no_remedies)
        results.append(result)
        print(result.row(), flush=True)
    return _conclude(results, explanations, whole=not options.only and not options.no_remedies)


def _conclude(results: list[Result], explanations: list[Explanation], *, whole: bool) -> int:
    print()
    for kind in _KINDS:
        right, compared = sum(each.right[kind] for each in results), sum(each.compared[kind] for each in results)
        print(f"{kind}: {right} of {compared} right")
    for result in results:
        for title, lines in (("explained", result.explained), ("WRONG", result.wrong)):
            for line in lines:
                print(f"{result.program.name}: {title}\n      {line}")
    stale = [one for one in explanations if whole and not one.used]
    for one in stale:
        print(f"explained.toml: {one.program}, {one.check}: explains nothing")
    return 1 if stale or any(result.wrong for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
