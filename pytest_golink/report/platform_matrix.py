"""Image × platform: on which of all known platforms an image starts, and why not on the others."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TypedDict

from pytest_golink.platforms import PLATFORMS
from pytest_golink.platforms.naming import in_words
from pytest_golink.rules.runs_on import Start, start_on
from pytest_golink.rules.subject import Subject
from pytest_golink.text.escape import escape
from pytest_golink.text.wrap import hanging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_golink.facts import BinaryFacts

_WORDS = {True: "yes", False: "no", None: "?"}
_LONGEST_REASON = 1000
# Beside the family's name: the answer, and blanks.
_ANSWER_COLUMNS = 5


class PlatformJson(TypedDict):
    """An image on one platform; `starts` is null where the image or the description of the platform does not say."""

    platform: str
    starts: bool | None
    reason: str
    cautions: list[str]


class MatrixJson(TypedDict):
    """An image on every platform, in the tables' order."""

    schema: int
    path: str
    slice: str | None
    target: str | None
    platforms: list[PlatformJson]


def starts_of(facts: BinaryFacts) -> tuple[Start, ...]:
    """Return the answer for every platform, in the tables' order."""
    subject = Subject(name=facts.path, facts=facts)
    return tuple(start_on(subject, platform) for platform in PLATFORMS.values())


def matrix_json(facts: BinaryFacts, *, path: str | None = None) -> MatrixJson:
    """Return the answers as a JSON object; `path` is what the file is called, by default where it lies."""
    return {
        "schema": 1,
        "path": path or facts.path,
        "slice": facts.slice,
        "target": str(facts.target) if facts.target else None,
        "platforms": [
            {
                "platform": start.platform.name,
                "starts": start.starts,
                "reason": start.answer.reason,
                "cautions": [each.text for each in start.obstacles if each.caution],
            }
            for start in starts_of(facts)
        ],
    }


def platform_matrix(facts: BinaryFacts, *, width: int, path: str | None = None) -> str:
    """
    Return the answers as text: a family of platforms a row, its releases together where their answer is the same.

    Args:
        facts: The image.
        width: Columns of the terminal.
        path: What the file is called; by default where it lies.
    """
    title = escape(path or facts.path) + (f" ({facts.target})" if facts.target else "")
    if facts.kind not in ("executable", "shared-library"):
        return f"{title}\n  an {facts.kind}, which is not linked yet: it starts nowhere"
    starts = starts_of(facts)
    own = [start for start in starts if facts.target is None or _is_of(facts, start)]
    others = [start for start in starts if facts.target is not None and not _is_of(facts, start)]
    column = max((len(start.platform.family) for start in own), default=0) + 2
    lines = [title]
    for family, group in groupby(own, key=lambda start: start.platform.family):
        label = family
        for (answer, reason), same in groupby(group, key=lambda start: (start.starts, _reason(start))):
            found = list(same)
            text = ": ".join(part for part in (_releases(found), reason) if part)
            lines += _row(label, _WORDS[answer], text, column=column, width=width)
            label = ""
    if others:
        systems = ", ".join(dict.fromkeys(start.platform.goos for start in others))
        lines += _row("others", "no", f"it is for {facts.target}, not for {systems}", column=column, width=width)
    cautions = dict.fromkeys(each.text for start in own for each in start.obstacles if each.caution)
    for caution in cautions:
        lines += hanging("caution", [escape(caution, longest=_LONGEST_REASON)], indent=2, label_width=9, width=width)
    return "\n".join(lines)


def _is_of(facts: BinaryFacts, start: Start) -> bool:
    return facts.target is not None and any(facts.target.goos == each.goos for each in start.platform.targets)


def _reason(start: Start) -> str:
    # Cautions stand at the end, once.
    return "" if start.starts else escape(start.answer.reason, longest=_LONGEST_REASON)


def _releases(starts: Sequence[Start]) -> str:
    # What is left of "debian 10–13", "debian12" and "busybox-musl" without the family.
    return in_words([start.platform for start in starts]).removeprefix(starts[0].platform.family).lstrip(" -")


def _row(label: str, answer: str, text: str, *, column: int, width: int) -> list[str]:
    head = f"{label:{column}}{answer}"
    lines = hanging(head, [text], indent=2, label_width=column + _ANSWER_COLUMNS, width=width)
    return [line.rstrip() for line in lines]
