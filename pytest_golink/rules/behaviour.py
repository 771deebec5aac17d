"""The rule that starts the program, and says so: does it start with nothing around it."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.origin import dynamic_causes
from pytest_golink.facts import BinaryFacts
from pytest_golink.forms import Form, whole_number
from pytest_golink.remedies.linkage import leave_interpreter, static_words
from pytest_golink.rules.evidence import linkage_lines
from pytest_golink.rules.mode import EXECUTE_REMEDY, is_startable, mode_cautions, mode_of
from pytest_golink.rules.parameters import Pattern
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.sandbox import MEMORY_BYTES, Ran, run_alone

_MOST_SECONDS = 600
_MOST_STATUS = 255
_OUTPUT_LINES = 6
_LINE_CHARACTERS = 200
# In its own process: a pattern may search for ever in what a stranger's program prints, and only the end of its process
# stops Python's re.
_SEARCH = """
import json, re, sys
pattern, texts = json.load(sys.stdin)
print(any(re.search(pattern, text) for text in texts))
"""
_SEARCH_S = 10.0


def _is_argument(value: object) -> bool:
    try:
        return isinstance(value, str) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


Seconds = Annotated[int, whole_number("a number of seconds", least=1, most=_MOST_SECONDS)]
ExitStatus = Annotated[int, whole_number("an exit status", least=0, most=_MOST_STATUS)]
Argument = Annotated[
    str,
    Form(
        text="a string",
        accepts=_is_argument,
        schema={"type": "string", "pattern": "^[^\\u0000]*$"},
    ),
]


@rule(
    "starts-alone",
    group="behaviour",
    page=(
        "the program, started in an empty root directory, ends with `status` (0) and prints what `output` "
        "matches, or with `keeps-running` is still there after `seconds` (10). See [behaviour](behaviour.md)"
    ),
    of_the_file=True,
    concerns={Concern.CGO_LINKED, Concern.LINKAGE, Concern.IMPORTERS, Concern.START},
    remedies=leave_interpreter,
)
def starts_alone(
    subject: Subject,
    *,
    args: tuple[Argument, ...] = (),
    status: ExitStatus = 0,
    output: Pattern | None = None,
    seconds: Seconds = 10,
    keeps_running: bool = False,
) -> Verdict:
    """
    Program starts in an empty root directory.

    It runs with `args` and its own mode, without a network, environment or files, as nobody, for at most `seconds`. It
    has started if it ends with `status` and prints something that `output` matches; with `keeps-running`, as a server
    does, if it is still there when its time is over.
    """
    facts = subject.facts
    does = f"is running after {seconds} s" if keeps_running else f"ends with status {status} within {seconds} s"
    expected = f"in an empty root it {does}{f' and prints {output}' if output else ''}"
    unanswered = (
        undecidable_if_unlinked(facts, expected)
        or _undecidable_if_no_program(facts, expected)
        or undecidable_if_run_forbidden(subject, expected)
    )
    if unanswered:
        return unanswered
    mode = mode_of(facts)
    if mode is not None and not is_startable(mode):
        return Verdict(
            outcome="violated",
            expected=expected,
            observed="it does not start: its file has no execute bit",
            evidence=(f"mode 0{mode:03o}",),
            remedy=EXECUTE_REMEDY,
        )
    ran = run_alone(Path(facts.path), arguments=args, seconds=seconds)
    if is_for_another_machine(facts, ran):
        return undecidable_on_this_machine(facts, expected)
    if ran.refused:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed="it does not start: the interpreter that it names is not there",
            evidence=("execve: no such file or directory", *linkage_lines(facts)),
            cause=dynamic_causes(facts),
            remedy=static_words(facts),
        )
    prints = output is None or _prints(ran, output)
    if prints is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed=f"{_ending(ran, seconds)}, and whether {output} matches what it prints is not found within "
            f"{_SEARCH_S:g} s",
            evidence=_printed(ran),
            remedy=("give an output that repeats no repetition, as (a+)+ does",),
        )
    ends = not ran.outgrew and (ran.status is None if keeps_running else ran.status == status)
    return Verdict(
        outcome="passed" if ends and prints else "violated",
        expected=expected,
        observed=_ending(ran, seconds) + ("" if prints else f", and prints nothing that {output} matches"),
        evidence=_printed(ran),
        caution=mode_cautions(mode),
    )


def undecidable_if_run_forbidden(subject: Subject, expected: str) -> Verdict | None:
    """Return the answer for an image that may not run, None for one that may."""
    if subject.may_run:
        return None
    return Verdict(
        outcome="undecidable",
        expected=expected,
        observed="it was not built in this run, and `may-run` is not set",
        remedy=("may-run = true in its [[binary]] allows golink to run it",),
    )


def undecidable_on_this_machine(facts: BinaryFacts, expected: str) -> Verdict:
    """Return the answer for an image that this machine cannot run."""
    return Verdict(
        outcome="undecidable",
        expected=expected,
        observed=f"this machine does not run {f'a program for {facts.target}' if facts.target else 'it'}",
        remedy=(
            "ask it on such a machine, or where binfmt_misc has an emulator that needs no files (qemu-user-static)",
            "or switch it off there: an [[binary.override]] for these targets with rules that say false",
        ),
    )


def is_for_another_machine(facts: BinaryFacts, ran: Ran) -> bool:
    """
    Whether the kernel refused an image because it is for another machine.

    An image that names no interpreter and yet misses one has met an emulator that is registered without being loaded,
    and is not in its root.
    """
    return ran.refused == "machine" or (ran.refused == "interpreter" and facts.interpreter is None)


def _undecidable_if_no_program(facts: BinaryFacts, expected: str) -> Verdict | None:
    if facts.kind != "executable":
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed=f"a {facts.kind}: a program loads it, and it is not started",
            remedy=("name the program that loads it, or switch this off for it",),
        )
    if facts.format != "elf" or (facts.target is not None and facts.target.goos != "linux"):
        return undecidable_on_this_machine(facts, expected)
    return None


def _prints(ran: Ran, pattern: str) -> bool | None:
    """Whether a pattern is found in one of the streams, or in nothing where it printed nothing; None: not in time."""
    texts = [text for text in (ran.output, ran.errors) if text] or [""]
    command = [sys.executable, "-I", "-S", "-B", "-c", _SEARCH]
    try:
        done = subprocess.run(
            command, input=json.dumps([pattern, texts]).encode(), capture_output=True, timeout=_SEARCH_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() == b"True"


def _ending(ran: Ran, seconds: int) -> str:
    if ran.outgrew:
        return f"golink ended it: its processes held more than {MEMORY_BYTES >> 30} GiB of memory together"
    if ran.status is None:
        return f"it is running after {seconds} s"
    if ran.status > 128 and (ran.status - 128) in {number.value for number in signal.Signals}:
        return f"{signal.Signals(ran.status - 128).name} ends it (status {ran.status})"
    return f"it ends with status {ran.status}"


def _printed(ran: Ran) -> tuple[str, ...]:
    lines: list[str] = []
    for name, text in (("stdout", ran.output), ("stderr", ran.errors)):
        printed = text.splitlines()
        lines += [f"{name}: {_bounded(line)}" for line in printed[:_OUTPUT_LINES]]
        if len(printed) > _OUTPUT_LINES:
            lines.append(f"{name}: … {len(printed) - _OUTPUT_LINES} more lines")
    return tuple(lines) or ("it printed nothing",)


def _bounded(line: str) -> str:
    return line if len(line) <= _LINE_CHARACTERS else f"{line[:_LINE_CHARACTERS]}…"
