"""The text at the end of a run (`--golink-report`): what fails first, then every image with its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.report.error_text import errors_in_words, notes
from pytest_golink.report.markup import BOLD, FAINT, MARKUP, NO_BREAK, OUTCOMES, PLAIN
from pytest_golink.report.terminal_failures import Failures
from pytest_golink.report.terminal_table import image_lines
from pytest_golink.text.escape import escape
from pytest_golink.text.wrap import wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.report.markup import Line, Segment
    from pytest_golink.report.model import Report

# A build that ends sooner is not slow.
_SLOW_S = 1.0
_SLOWEST = 3


def report_lines(
    report: Report,
    width: int,
    *,
    durations: Sequence[tuple[str, float]] = (),
    verbosity: int = 0,
    with_failures: bool = True,
) -> list[Line]:
    """
    Return the report as lines of (text, markup), markup as pytest's terminal writer takes it.

    A wide terminal gets one row an image, a narrow one a few lines an image. Nothing was recorded: no lines.

    Args:
        report: The report.
        width: Columns of the terminal.
        durations: What was built and how many seconds that took, the slowest first.
        verbosity: pytest's: under 0 only what fails and the totals, over 0 everything that is known of what fails.
        with_failures: Whether the errors and violations are among them; a caller that has printed them leaves them out.
    """
    if not (report.images or report.findings or report.errors or report.unanswered):
        return []
    failures = Failures(report, width, verbose=verbosity > 0)
    blocks = [failures.errors(), failures.failing()] if with_failures else []
    if verbosity >= 0:
        blocks += [failures.waived(), failures.cautions(), image_lines(report, width)]
    lines = [line for block in blocks if block for line in (*block, ())]
    if verbosity >= 0:
        lines += _slowest(durations, width)
    lines += [((line, MARKUP["undecidable"]),) for note in notes(report) for line in wrap(note, width)]
    lines += [((line, MARKUP["error"]),) for line in wrap(errors_in_words(report), width) if line]
    return lines + _totals(report, width)


def _slowest(durations: Sequence[tuple[str, float]], width: int) -> list[Line]:
    slow = [f"{escape(build)} {seconds:.1f} s" for build, seconds in durations[:_SLOWEST] if seconds > _SLOW_S]
    if not slow:
        return []
    # A build stays on one line.
    whole = ", ".join(build.replace(" ", NO_BREAK) for build in slow)
    return [((line.replace(NO_BREAK, " "), FAINT),) for line in wrap(f"slowest builds: {whole}", width)]


def _totals(report: Report, width: int) -> list[Line]:
    counts = {outcome: sum(each.finding.outcome == outcome for each in report.findings) for outcome in OUTCOMES}
    total = f"{_count(len(report.images), 'image')}, {_count(len(report.findings), 'finding')}"
    parts: list[Segment] = []
    for outcome, number in counts.items():
        if number:
            parts += [(", ", PLAIN), (f"{number} {outcome}", MARKUP[outcome])]
    if not parts:
        return [((total, BOLD),)]
    if len(total) + sum(len(text) for text, _ in parts) > width:
        return [((f"{total}:", BOLD),), (("  ", PLAIN), *parts[1:])]
    return [((total, BOLD), (": ", PLAIN), *parts[1:])]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
