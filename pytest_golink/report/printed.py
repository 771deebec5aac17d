"""What the failures of a run have printed of each image: a line about an image is printed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_golink.findings import Finding

    # Image name, target, path.
    Key = tuple[str, str | None, str]


class Printed:
    """The lines that were printed of each image, each with the failure that has it."""

    def __init__(self) -> None:
        # Line → title of the failure, and its test.
        self._lines: dict[Key, dict[str, tuple[str, str]]] = {}

    def of(self, finding: Finding, *, test: str = "") -> Mapping[str, str]:
        """
        Return the lines that were printed of the image of a finding: line → title of the failure.

        Args:
            finding: The finding.
            test: The test that prints it; where that runs again, nothing but its last run may be shown.
        """
        known = self._lines.get(_key(finding), {})
        return {line: title for line, (title, printed_by) in known.items() if not test or printed_by != test}

    def remember(self, finding: Finding, title: str, lines: Iterable[str], *, test: str = "") -> None:
        """Remember the lines of a finding that a test has printed under a title."""
        known = self._lines.setdefault(_key(finding), {})
        for line in lines:
            known.setdefault(line, (title, test))

    def once(self, finding: Finding) -> list[str]:
        """Return the cause of a finding, with "see IMAGE RULE" in place of what an earlier one has; and remember it."""
        lines, where = new_lines(finding.cause, self.of(finding))
        self.remember(finding, title_of(finding), finding.cause)
        return [*lines, f"see {where}"] if where else lines


def title_of(finding: Finding) -> str:
    """Return what other failures call one: image and rule."""
    return f"{finding.image} {finding.rule}"


def new_lines(lines: Sequence[str], printed: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the lines that were not printed yet, and the title of the first failure that has one of the others."""
    first = next((printed[line] for line in lines if line in printed), "")
    return [line for line in lines if line not in printed], first


def _key(finding: Finding) -> Key:
    return finding.image, finding.target, finding.path
