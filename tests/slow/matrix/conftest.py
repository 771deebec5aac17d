"""Tables of what was read, printed at the end of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.slow.matrix.cells import Row

    AddRow = Callable[[str, Row], None]

_TABLES = pytest.StashKey[dict[str, list["Row"]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLES] = {}


@pytest.fixture
def add_row(pytestconfig: pytest.Config) -> AddRow:
    """Put a row into the table of a title; every row of a table has the same columns."""
    return lambda title, row: pytestconfig.stash[_TABLES].setdefault(title, []).append(row)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for title, rows in config.stash[_TABLES].items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        widths = {column: max(len(column), *(len(row.get(column, "")) for row in rows)) for column in columns}
        terminalreporter.write_sep("=", f"{title}: {len(rows)}")
        for row in ({column: column for column in columns}, *rows):
            line = "  ".join(row.get(column, "").ljust(widths[column]) for column in columns)
            terminalreporter.write_line(line.rstrip())
