"""`golink check FILE…`: ask rules of files that are there, without a golink.toml and without pytest."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.commands import named_files, status
from pytest_golink.commands.output import print_error, print_lines, print_text, width_of_stdout
from pytest_golink.commands.rule_words import rule_of_words
from pytest_golink.errors import GolinkError, ParameterError, ReportError
from pytest_golink.report.properties import Collector, error_property, finding_property, image_property
from pytest_golink.rules import RULES, check, evaluate_together, not_go
from pytest_golink.rules.subject import Subject
from pytest_golink.session import Session, within

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_golink.findings import Finding
    from pytest_golink.platforms import Platform
    from pytest_golink.policy.model import Policy, Waiver
    from pytest_golink.report.model import Report

_EXAMPLES = """\
examples:
  golink check dist/app --rule static --rule no-build-paths
  golink check 'dist/*.tar.gz!**/app' --rule no-cgo --runs-on alpine,rhel8
  golink check app --rule glibc-at-most=2.17 --report-file golink.sarif
  golink check dist/app --policy golink.toml#release

Exit status: 0 every rule holds; 1 one is violated, or golink cannot tell; 2 a file cannot be read;
4 the command line is wrong.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A rule that is asked of each file; `only_go` leaves it out of what Go did not build."""

    rule: str
    parameters: Mapping[str, object]
    place: str = ""
    only_go: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    """All that is asked: the rules, the policy that they come from, and its platforms."""

    rules: tuple[_Asked, ...]
    policy: Policy | None
    may_run: bool

    @property
    def platforms(self) -> Mapping[str, Platform]:
        return {} if self.policy is None else self.policy.platforms


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Check binaries that are there with rules: the same rules and the same answers as in golink.toml. "
        "`golink rules` lists them, `golink explain RULE` explains one. golink does not run the files."
    )
    parser.epilog = _EXAMPLES
    parser.add_argument("files", metavar="FILE", nargs="+", help=named_files.HELP)
    parser.add_argument(
        "--rule",
        metavar="RULE[=VALUE]",
        action="append",
        default=[],
        help="a rule that must hold, with its value: static, glibc-at-most=2.17, only-needs=libc.so.6,libm.so.6, "
        "needs-libc=kind=glibc,at-most=2.17; may be repeated",
    )
    parser.add_argument("--runs-on", metavar="PLATFORM[,…]", help="the same as --rule runs-on=PLATFORM[,…]")
    parser.add_argument(
        "--policy",
        metavar="FILE#NAME",
        help="the rules of [policy.NAME] in a golink.toml, with its waivers and its platforms; without #NAME, those "
        "of the file's only policy",
    )
    parser.add_argument("--may-run", action="store_true", help="let rules about running start the files, in a fence")
    parser.add_argument("--crosscheck", action="store_true", help="read with pyelftools or macholib too, and compare")
    parser.add_argument("--json", action="store_true", help="print the report as JSON: docs/report.schema.json")
    parser.add_argument(
        "--report-file",
        metavar="[FORMAT:]PATH",
        action="append",
        default=[],
        help="write the report: json, html, md, sarif or codequality, by suffix or by name; may be repeated",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print only what fails, and the last line")


def run(options: argparse.Namespace) -> int:
    """
    Check the files, print what fails, and return the exit status.

    Raises:
        ParameterError: A rule, a parameter, a platform or a policy is unknown, or nothing is asked.
        PolicyError: The policy file is wrong.
        ReportError: A report cannot be written.
    """
    from pytest_golink.report.files import parse_report_files

    question = _question(options)
    try:
        reports = parse_report_files(options.report_file, Path.cwd(), os.environ)
    except ReportError as error:
        raise ParameterError(str(error)) from None
    run = _Run(question)
    with (
        tempfile.TemporaryDirectory(prefix="golink-", ignore_cleanup_errors=True) as folder,
        within(Session(crosscheck=options.crosscheck)),
    ):
        run.ask(options.files, Path(folder))
    report = run.report()
    _print(run, report, options)
    _write(report, reports)
    return run.status()


class _Run:
    """One run of the command: what was asked of which file, and what came of it."""

    def __init__(self, question: _Question) -> None:
        self._question = question
        self._collector = Collector()
        self._folder = ""
        self.findings: list[Finding] = []
        self.errors: list[GolinkError] = []

    def ask(self, words: Sequence[str], folder: Path) -> None:
        """Ask every rule of every file that the words name; an unreadable file does not keep the others from it."""
        self._folder = str(folder)
        subjects = []
        seen: set[str] = set()
        for name, facts in named_files.read_named(words, extract_to=folder):
            if name in seen:
                # A glob, and the file itself.
                continue
            seen.add(name)
            if isinstance(facts, GolinkError):
                self._add_error(name, facts)
                continue
            question = self._question
            subject = Subject(name=name, facts=facts, may_run=question.may_run, platforms=question.platforms)
            subjects.append(subject)
            for asked in question.rules:
                if RULES[asked.rule].scope == "image":
                    self._ask(asked, (subject,))
        for asked in self._question.rules if subjects else ():
            if RULES[asked.rule].scope == "binary":
                self._ask(asked, subjects)

    def _ask(self, asked: _Asked, subjects: Sequence[Subject]) -> None:
        try:
            finding = self._finding(asked, subjects)
        except GolinkError as error:
            self._add_error(subjects[0].name, error, rule=asked.rule)
            return
        finding = replace(finding, place=asked.place, path=self._shown(finding.path, finding.image))
        self.findings.append(finding)
        properties = [image_property(self._as_shown(subject), None) for subject in subjects]
        self._collector.add(f"{finding.image}::{finding.rule}", [*properties, finding_property(finding)])

    def _as_shown(self, subject: Subject) -> Subject:
        facts = subject.facts
        return replace(subject, facts=replace(facts, path=self._shown(facts.path, subject.name)))

    def _shown(self, path: str, name: str) -> str:
        """Return the path of a file; of a member of an archive its name in there, not the copy's."""
        return name if path.startswith(self._folder) else path

    def _finding(self, asked: _Asked, subjects: Sequence[Subject]) -> Finding:
        from pytest_golink.source import explained
        from pytest_golink.traits import may_be_go

        first = subjects[0]
        single = RULES[asked.rule].scope == "image"
        if asked.only_go:
            subjects = [subject for subject in subjects if may_be_go(subject.facts)]
        if not subjects:
            return not_go(asked.rule, first, asked.parameters)
        if not single:
            return evaluate_together(asked.rule, subjects, asked.parameters)
        finding = explained(check(asked.rule, first, asked.parameters), first.facts)
        waiver = self._waiver(finding)
        return finding if waiver is None else replace(finding, outcome="waived", waiver=waiver)

    def _waiver(self, finding: Finding) -> str | None:
        from pytest_golink.policy.waiving import today, waiver_text

        policy = self._question.policy
        if policy is None or finding.outcome != "violated":
            return None
        waivers = [
            waiver
            for name, match in _names_in(policy, finding.image)
            if (waiver := policy.waiver_for(name, finding.target, finding.rule, match=match)) is not None
            and not waiver.expired(today())
        ]
        last: Waiver | None = max(waivers, key=lambda waiver: waiver.until, default=None)
        return None if last is None else waiver_text(last)

    def _add_error(self, name: str, error: GolinkError, rule: str = "") -> None:
        from pytest_golink.report.error_text import reported

        self.errors.append(error)
        test = f"{name}::{rule}" if rule else name
        self._collector.add(test, [error_property(reported(error, image=name))])

    def report(self) -> Report:
        """Return the findings and errors as a report, with no path of this machine's temporary folder."""
        from pytest_golink.report.portable import portable

        return portable(self._collector.report(), root=str(Path.cwd()))

    def status(self) -> int:
        """Return the exit status: what could not be read comes first, as an answer that is not there."""
        if self.errors:
            return status.UNREADABLE
        return status.VIOLATED if any(finding.fails for finding in self.findings) else status.HOLDS


def _question(options: argparse.Namespace) -> _Question:
    policy, rules = (None, []) if options.policy is None else _of_policy(options.policy)
    platforms = {} if policy is None else policy.platforms
    words = [*options.rule, *([f"runs-on={options.runs_on}"] if options.runs_on is not None else [])]
    asked = {each.rule: each for each in rules}
    given: set[str] = set()
    for text in words:
        rule, parameters = rule_of_words(text, platforms)
        if rule in given:
            raise ParameterError("asked twice: one rule has one value", rule=rule)
        given.add(rule)
        asked[rule] = _Asked(rule=rule, parameters=parameters)
    if not asked:
        raise ParameterError("nothing is asked: add --rule, --runs-on or --policy")
    return _Question(
        rules=tuple(asked[rule] for rule in RULES if rule in asked), policy=policy, may_run=options.may_run
    )


def _of_policy(text: str) -> tuple[Policy, list[_Asked]]:
    from pytest_golink.policy import read_policy

    file, _, name = text.partition("#")
    if not Path(file).is_file():
        raise ParameterError(f"--policy {text}: there is no file {file}")
    policy = read_policy(file, file=file, files_are_named=True)
    names = ", ".join(policy.rulesets)
    if not name and len(policy.rulesets) != 1:
        raise ParameterError(f"--policy {text}: {f'write {file}#NAME; there are {names}' if names else 'no policy'}")
    name = name or next(iter(policy.rulesets))
    if name not in policy.rulesets:
        raise ParameterError(f'--policy {text}: there is no policy "{name}"; there are {names or "none"}')
    rules = [
        _Asked(rule=each.rule, parameters=each.parameters, place=str(each.place), only_go=each.only_go)
        for each in policy.rulesets[name]
    ]
    if not rules:
        raise ParameterError(f'--policy {text}: the policy "{name}" has no rule')
    return policy, rules


def _names_in(policy: Policy, image: str) -> Iterator[tuple[str, str | None]]:
    """Yield the names by which a policy knows a file: its path there, and the [[binary]] that finds it."""
    from pytest_golink.builder.prebuilt import find_artifacts, find_prebuilt

    path = os.path.relpath(image, policy.folder).replace(os.sep, "/")
    yield path, path
    # The files stay in their archives: only their names count.
    nowhere = policy.folder
    for binary in policy.binaries:
        with suppress(GolinkError):
            found = (
                find_artifacts(binary.goreleaser, policy.folder, ids=binary.ids, extract_to=nowhere)
                if binary.goreleaser is not None
                else find_prebuilt(binary.paths, policy.folder, extract_to=nowhere)
            )
            if any(each.label == path for each in found):
                yield binary.name, path


def _print(run: _Run, report: Report, options: argparse.Namespace) -> None:
    from pytest_golink.report.files import made_now, render
    from pytest_golink.report.finding_text import finding_text
    from pytest_golink.report.terminal import report_lines

    for error in run.errors:
        print_error(error)
    if options.json:
        sys.stdout.write(render(report, "json", made=made_now(os.environ), folder=""))
        return
    width = width_of_stdout()
    for finding in run.findings:
        if finding.fails:
            print_text(finding_text(finding, width=width) + "\n")
    print_lines(report_lines(report, width, with_failures=False, verbosity=-1 if options.quiet else 0))


def _write(report: Report, files: Iterable[object]) -> None:
    from pytest_golink.report.files import ReportFile, folder_in_repository, made_now, render, write

    made, folder = made_now(os.environ), folder_in_repository(Path.cwd())
    for file in files:
        assert isinstance(file, ReportFile)  # noqa: S101 - as parsed
        try:
            write(file, render(report, file.format, made=made, folder=folder))
        except OSError as error:
            raise ReportError(f"{file.path} is not written: {error.strerror or error}") from None
