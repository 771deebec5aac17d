"""The tables of golink.toml against their declared keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pytest_golink.policy.document import shown
from pytest_golink.rules import RULES
from pytest_golink.text.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_golink.policy.document import Document
    from pytest_golink.policy.keys import Key, Shape
    from pytest_golink.policy.positions import Path


def known_values(document: Document, path: Path, keys: Sequence[Key], *, kind: str) -> dict[str, object]:
    """
    Give the values of a table whose key is known and whose shape is right, and note what is wrong with the others.

    Args:
        document: The policy file.
        path: Where the table stands.
        keys: What it may have.
        kind: How messages call it: "[[binary]]".
    """
    table = table_at(document, path)
    known = {key.name: key for key in keys}
    good = {}
    for name in table:
        if name not in known:
            document.wrong((*path, name), f'unknown key "{name}" in {kind}{_meant(name, known)}')
        elif (value := known_value(document, path, known[name])) is not None:
            good[name] = value
    for key in keys:
        if key.required and key.name not in table:
            document.wrong(path, f"{kind} has no {key.name}: {key.shape.text}{key.instead}")
    return good


def known_value(document: Document, path: Path, key: Key) -> object:
    """Give the value of one key of a table; None if it is not there, and where its shape is wrong, which is noted."""
    value = table_at(document, path).get(key.name)
    return value if value is not None and _is_right(document, (*path, key.name), key.name, key.shape, value) else None


def table_at(document: Document, path: Path) -> Mapping[str, object]:
    """Give a table that is there."""
    value: object = document.values
    for part in path:
        value = cast("Mapping[str | int, object]", value)[part]
    return cast("Mapping[str, object]", value)


def names(value: object) -> tuple[str, ...]:
    """Give a name or a list of names as a tuple."""
    return (value,) if isinstance(value, str) else tuple(cast("list[str]", value))


def path_of(path: Path, value: object, number: int) -> Path:
    """Give where one name of `names` stands."""
    return path if isinstance(value, str) else (*path, number)


def _is_right(document: Document, path: Path, name: str, shape: Shape, value: object) -> bool:
    if not shape.accepts(value):
        document.wrong(path, f"{name}: expected {shape.text}, not {shown(value)}{_header(name, value)}")
        return False
    if shape.element is None or not isinstance(value, list):
        return True
    before = document.mistakes
    seen: set[object] = set()
    for number, entry in enumerate(value):
        if not shape.element.accepts(entry):
            document.wrong((*path, number), f"{name}: expected {shape.element.text}, not {shown(entry)}")
        elif entry in seen:
            document.wrong((*path, number), f"{name}: {shown(entry)} stands there twice")
        else:
            seen.add(entry)
    return document.mistakes == before


def _header(name: str, value: object) -> str:
    # The likeliest slip of all: [binary] for [[binary]].
    if name in ("binary", "waive", "override") and isinstance(value, dict):
        return f"; write [[{'binary.' if name == 'override' else ''}{name}]]"
    return "; write it without quotes" if name == "until" and isinstance(value, str) else ""


def _meant(name: str, known: Mapping[str, object]) -> str:
    if "rules" in known and name in RULES:
        return f"; a rule stands in rules = {{ {name} = … }}"
    return suggestion(name, known) or f"; there are {', '.join(known)}"
