"""What an error says."""

from __future__ import annotations

from pytest_golink.errors import BuildError


def test_of_a_long_output_the_end_is_shown_and_how_much_stands_before_it() -> None:
    output = "".join(f"main.c:{number}: error\n" for number in range(1, 61))

    error = BuildError("app does not build", command=("go", "build"), status=1, output=output)

    first, before, *tail, last = str(error).splitlines()
    assert (first, before, last) == ("app does not build (exit status 1)", "  … 20 lines before", "  command: go build")
    assert tail == [f"  main.c:{number}: error" for number in range(21, 61)]
    assert error.output == output
