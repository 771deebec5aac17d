"""Go's quoting of lists in one string: -ldflags, -extldflags, CC, GOFLAGS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPACE = " \t\n\r"


def split_quoted(text: str) -> list[str]:
    """
    Split a string into fields as Go does: quotes may enclose a whole field, and there are no escapes.

    Raises:
        ParameterError: A quote is not closed.

    Source: cmd/internal/quoted, Split.
    """
    fields = []
    rest = text.lstrip(_SPACE)
    while rest:
        if rest[0] in "\"'":
            field, closed, rest = rest[1:].partition(rest[0])
            if not closed:
                raise ParameterError(f"unterminated quote in {text!r}")
        else:
            end = next((i for i, c in enumerate(rest) if c in _SPACE), len(rest))
            field, rest = rest[:end], rest[end:]
        fields.append(field)
        rest = rest.lstrip(_SPACE)
    return fields


def join_quoted(fields: Iterable[str]) -> str:
    """
    Join fields in the form that Go splits into the same fields.

    Raises:
        ParameterError: A field has a space (or starts with a quote) and both kinds of quotes: Go has no form for it.

    Source: cmd/internal/quoted, Join.
    """
    return " ".join(_quote(field) for field in fields)


def _quote(field: str) -> str:
    if field and not any(c in _SPACE + "\"'" for c in field):
        return field
    for quote in "'\"":
        if quote not in field:
            return f"{quote}{field}{quote}"
    raise ParameterError(f"Go cannot quote {field!r}: it has both kinds of quotes")
