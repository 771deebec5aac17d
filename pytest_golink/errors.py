"""Every exception that a user can meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_golink.findings import Finding
    from pytest_golink.location import Location

# A linker that fails on a large program prints thousands of lines; the last ones have the cause.
_OUTPUT_TAIL_LINES = 40


class GolinkError(Exception):
    """
    golink cannot answer the question: never a violation, never a pass.

    Its text has one line for each argument, and can be printed: what a stranger's name would do to a terminal or a CI
    log, or to the lines, stands as an escape.
    """

    def __str__(self) -> str:
        return "\n".join(escape_message(str(line)) for line in self.args)


class ParameterError(GolinkError, ValueError):
    """
    A rule, a build or a platform got a parameter that it does not have, or a value of the wrong form.

    Attributes:
        reason: What is wrong, and which form is accepted.
        rule: The rule whose parameter it is; None where the error is about something else.
        parameter: The parameter, build option or key that is wrong; None where the error is about the whole.
    """

    def __init__(self, reason: str, *, rule: str | None = None, parameter: str | None = None) -> None:
        self.reason = reason
        self.rule = rule
        self.parameter = parameter
        super().__init__(reason if rule is None else f"{rule}: {reason}")


class PolicyError(GolinkError, ValueError):
    """
    golink.toml is wrong; the message has one line a mistake.

    Attributes:
        errors: Every mistake with its location, in the order of the lines.
    """

    def __init__(self, errors: Sequence[tuple[Location, str]]) -> None:
        self.errors = tuple(errors)
        super().__init__(*(f"{place}: {text}" for place, text in self.errors))


class LockError(GolinkError, ValueError):
    """
    golink.lock is missing, is not a lock of this version, or cannot be written; the message has one line a mistake.

    Attributes:
        errors: Every mistake with its location, None where it is about the whole file, whose name the text has then.
    """

    def __init__(self, *errors: tuple[Location | None, str]) -> None:
        self.errors = errors
        super().__init__(*(text if place is None else f"{place}: {text}" for place, text in errors))

    def __reduce__(self) -> tuple[type[LockError], tuple[tuple[Location | None, str], ...]]:
        return type(self), self.errors


class ToolchainError(GolinkError):
    """There is no usable Go toolchain, target or C compiler for the request."""


class BuildError(GolinkError):
    """
    `go build` did not produce an image.

    Attributes:
        command: The command line; empty where golink ran nothing.
        status: Its exit status; negative for a signal.
        output: Everything that it printed.
    """

    def __init__(self, what: str, *, command: Sequence[str], status: int, output: str) -> None:
        self.command = tuple(command)
        self.status = status
        self.output = output
        lines = output.strip().splitlines()
        tail = lines[-_OUTPUT_TAIL_LINES:]
        if len(tail) < len(lines):
            tail.insert(0, f"… {len(lines) - len(tail)} lines before")
        if self.command:
            what = f"{what} (exit status {status})"
            tail.append(f"command: {' '.join(command)}")
        super().__init__(what, *(f"  {line}" for line in tail))


class SandboxError(GolinkError):
    """golink cannot isolate a program on this machine, which does not allow it."""


class UnreadableBinaryError(GolinkError):
    """
    A file is not an image that can be read whole: missing, not a binary, truncated or damaged.

    Attributes:
        path: The file as the caller named it.
        format: What its magic number says ("elf", "macho", "pe", …), None where that is not known.
        reason: What is wrong, and where in the file.
    """

    def __init__(self, path: str, reason: str, *, format: str | None = None) -> None:  # noqa: A002 - the public attribute's name
        self.path = path
        self.format = format
        self.reason = reason
        super().__init__(f"{path}: {f'{format}: ' if format else ''}{reason}")


class ReaderDisagreement(GolinkError):  # noqa: N818 - the name says what it is: two answers, of which one is wrong
    """
    Two readers that share no code read different facts from one image (`--golink-crosscheck`).

    Attributes:
        path: The file as the caller named it.
        reader: The second reader: "pyelftools" or "macholib".
        differences: The values of a fact, by its name: (ours, theirs).
    """

    def __init__(self, path: str, reader: str, differences: Mapping[str, tuple[object, object]]) -> None:
        self.path = path
        self.reader = reader
        self.differences = dict(differences)
        lines = [f"{path}: two readers disagree"]
        for fact, (ours, theirs) in self.differences.items():
            lines += [f"  {fact}", f"    golink      {ours!r}", f"    {reader:11} {theirs!r}"]
        super().__init__(*lines)


class ArchiveError(GolinkError):
    """
    golink cannot read an archive, or not safely: it is truncated, damaged, encrypted, hostile or over a bound.

    Attributes:
        path: The archive as reports show it ("dist/app.tar.gz"; an inner one "dist/app.tar.gz!app.deb").
        reason: What is wrong.
        member: The member that the error is about, None where it is about the archive.
    """

    def __init__(self, path: str, reason: str, *, member: str | None = None) -> None:
        self.path = path
        self.reason = reason
        self.member = member
        super().__init__(f"{path}{'' if member is None else f'!{member}'}: {reason}")


class NoMatchError(GolinkError):
    """
    A policy names files that do not exist: a glob without a match, a goreleaser folder without a binary.

    Attributes:
        wanted: The glob or path, as the policy writes it.
        where: The folder or archive that golink searched.
        near: The names that exist, the nearest first.
    """

    def __init__(self, wanted: str, *, where: str, reason: str, near: Sequence[str] = (), more: int = 0) -> None:
        self.wanted = wanted
        self.where = where
        self.near = tuple(near)
        there = ", ".join([*near, *([f"and {more} more"] if more else [])])
        super().__init__(f"{wanted}: {reason} (looked in {where}){f'; there is {there}' if there else ''}")


class ReportError(GolinkError, ValueError):
    """A file is not a JSON report of golink, or two reports contradict each other."""


class PolicyViolation(AssertionError):  # noqa: N818 - a failed assertion, not an error: the answer is no
    """
    An image does not keep a rule, or does not say whether it does.

    Attributes:
        finding: The structured finding: rule, outcome, evidence, cause, remedy.
    """

    def __init__(self, message: str, finding: Finding) -> None:
        self.finding = finding
        super().__init__(message)
