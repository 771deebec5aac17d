"""The tables of golink.toml against their declared keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pytest_golink.policy.document import shown
from pytest_golink.rules import RULES
from pytest_golink.text.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_golink.policy.document import Document
    from pytest_golink.policy.keys import Key
    from pytest_golink.policy.positions import Path


def known_values(document: Document, path: Path, keys: Sequence[Key], *, kind: str) -> dict[str, object]:
    """
    Return the values of a table whose key is known and whose form is right; the others are noted as errors.

    Args:
        document: The policy file.
        path: The keys that lead to the table.
        keys: The keys that it may have.
        kind: The name of the table in messages: "[[binary]]".
    """
    table = table_at(document, path)
    known = {key.name: key for key in keys}
    good = {}
    for name in table:
        if name not in known:
            document.add_error((*path, name), f'unknown key "{name}" in {kind}{_meant(name, known)}')
        elif (value := known_value(document, path, known[name])) is not None:
            good[name] = value
    for key in keys:
        if key.required and key.name not in table:
            document.add_error(path, f"{kind} has no {key.name}: {key.form.text}{key.instead}")
    return good


def known_value(document: Document, path: Path, key: Key) -> object:
    """Return the value of one key of a table; None if it is missing, or if its form is wrong, which is noted."""
    value = table_at(document, path).get(key.name)
    return value if value is not None and _is_right(document, (*path, key.name), key, value) else None


def table_at(document: Document, path: Path) -> Mapping[str, object]:
    """Return a table of the document."""
    value: object = document.values
    for part in path:
        value = cast("Mapping[str | int, object]", value)[part]
    return cast("Mapping[str, object]", value)


def names(value: object) -> tuple[str, ...]:
    """Return a name or a list of names as a tuple."""
    return (value,) if isinstance(value, str) else tuple(cast("list[str]", value))


def path_of(path: Path, value: object, number: int) -> Path:
    """Return the path of one name of `names`."""
    return path if isinstance(value, str) else (*path, number)


def _is_right(document: Document, path: Path, key: Key, value: object) -> bool:
    mistakes = list(key.form.mistakes(value))
    for mistake in mistakes:
        if mistake.repeated:
            reason = f"{shown(mistake.value)} is written twice"
        else:
            hint = mistake.hint or _hint(key.name, mistake.value)
            reason = f"expected {mistake.form.text}, not {shown(mistake.value)}{hint}"
        document.add_error((*path, *mistake.path), f"{mistake.name(key.name)}: {reason}")
    return not mistakes


def _hint(name: str, value: object) -> str:
    # The likeliest slip of all: [binary] for [[binary]].
    if name in ("binary", "waive", "override") and isinstance(value, dict):
        return f"; write [[{'binary.' if name == 'override' else ''}{name}]]"
    return "; write it without quotes" if name == "until" and isinstance(value, str) else ""


def _meant(name: str, known: Mapping[str, object]) -> str:
    if "rules" in known and name in RULES:
        return f"; write a rule as rules = {{ {name} = … }}"
    return suggestion(name, known) or f"; there are {', '.join(known)}"
