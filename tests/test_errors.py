"""The text of errors."""

from __future__ import annotations

import pytest

from pytest_golink.errors import (
    ArchiveError,
    BuildError,
    GolinkError,
    NoMatchError,
    PolicyError,
    ReaderDisagreement,
    UnreadableBinaryError,
)
from pytest_golink.location import Location
from tests.report.hostile_names import HOSTILE_NAMES, wrong_with


def test_of_a_long_output_the_end_is_shown_and_how_much_stands_before_it() -> None:
    output = "".join(f"main.c:{number}: error\n" for number in range(1, 61))

    error = BuildError("app does not build", command=("go", "build"), status=1, output=output)

    first, before, *tail, last = str(error).splitlines()
    assert (first, before, last) == ("app does not build (exit status 1)", "  … 20 lines before", "  command: go build")
    assert tail == [f"  main.c:{number}: error" for number in range(21, 61)]
    assert error.output == output


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_makes_no_line_of_its_own_and_acts_on_no_terminal(name: str) -> None:
    errors = [
        GolinkError(f"{name}: is wrong", f"  {name}"),
        UnreadableBinaryError(name, f"has {name}"),
        ArchiveError(name, "is damaged", member=name),
        NoMatchError(name, where=name, reason="no file matches", near=[name, name]),
        BuildError(name, command=("go", name), status=1, output="one"),
        ReaderDisagreement(name, "pyelftools", {"needed": (name, name)}),
        PolicyError([(Location(file=name, line=3), name)]),
    ]

    assert [wrong_with(str(error)) for error in errors] == [[]] * len(errors)
    assert [len(str(error).split("\n")) for error in errors] == [2, 1, 1, 1, 3, 4, 1]
