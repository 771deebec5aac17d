"""
The lock as text: TOML, a fact a line, so that each line of a diff says by itself what it is about.

Of TOML only what `lock_text` writes is read: a lock is written by a command, and what that did not write is an error
with its line.

Source: TOML 1.0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_golink.errors import LockError
from pytest_golink.lock.model import FIELDS, Lock, LockEntry, in_order
from pytest_golink.lock.tolerance import is_rounded
from pytest_golink.text.escape import escape
from pytest_golink.text.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.lock.model import Key, Value

VERSION = 1
UPDATE = "pytest --golink-update-lock"
_HEAD = f"""\
# What the images of the policy beside this file link to. `{UPDATE}` writes it,
# `pytest --golink-lock` fails where an image differs. Commit it, and review its diffs.
lock = {VERSION}
"""
_STRING = r'"((?:[^"\\\n]|\\["\\])*)"'
_ENTRY = re.compile(rf"\[image\.{_STRING}\]")
_FACT = re.compile(rf"([a-z0-9-]+)(?:\.{_STRING})? = (?:{_STRING}|(true|false)|([0-9]{{1,9}}))")
_LOCK = re.compile(r"lock = ([0-9]{1,9})")
_CONFLICT = re.compile(r"(<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|)( .*)?")
# Lines of a file that anybody may have changed.
_LONGEST_SHOWN = 60


def lock_text(entries: Iterable[LockEntry]) -> str:
    """Give the text of a lock: entries by image, each a table, a fact a line."""
    parts = [_HEAD]
    for entry in sorted(entries, key=lambda entry: entry.image):
        lines = [f"[image.{_quoted(entry.image)}]", *(fact_line(key, value) for key, value in entry.facts)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def fact_line(key: Key, value: Value) -> str:
    """Give one fact as a line of the lock."""
    field, name = key
    if isinstance(value, bool):
        said = "true" if value else "false"
    else:
        said = _quoted(value) if isinstance(value, str) else str(value)
    return f"{field}{f'.{_quoted(name)}' if name else ''} = {said}"


def parse_lock(text: str, *, name: str) -> Lock:
    """
    Read the text of a lock.

    Args:
        text: What the file holds.
        name: What to call it in an error ("golink.lock").

    Raises:
        LockError: It is not what `lock_text` writes, or of another version; all such lines at once, but of a file with
            conflict markers those alone.
    """
    reading = _Reading(name)
    lines = text.removeprefix("\ufeff").split("\n")
    for number, line in enumerate(lines, 1):
        if conflict := _CONFLICT.fullmatch(line.rstrip("\r")):
            raise LockError(f'{name}:{number}: a merge left its conflict marker "{conflict[1]}" here; {_anew(name)}')
    for number, line in enumerate(lines, 1):
        reading.take(number, line.rstrip("\r"))
    return reading.lock()


class _Reading:
    """Takes the lines of a lock, one after the other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._version = False
        self._errors: list[str] = []
        self._images: dict[str, int] = {}
        self._facts: dict[str, dict[Key, Value]] = {}
        self._image: str | None = None

    def take(self, number: int, line: str) -> None:
        """Take a line."""
        if not line.strip() or line.startswith("#"):
            return
        if not self._version:
            self._take_version(number, line)
        elif match := _ENTRY.fullmatch(line):
            self._take_entry(number, _unquoted(match[1]))
        elif (match := _FACT.fullmatch(line)) and self._image is not None:
            self._take_fact(number, match, self._facts[self._image])
        else:
            self._wrong(number, f"not a line that golink writes: {escape(line, longest=_LONGEST_SHOWN)}")

    def _take_version(self, number: int, line: str) -> None:
        match = _LOCK.fullmatch(line)
        if match is None:
            raise LockError(f'{self._name}:{number}: expected "lock = {VERSION}" first; {_anew(self._name)}')
        if int(match[1]) != VERSION:
            remedy = _anew(self._name) if int(match[1]) < VERSION else "a newer pytest-golink wrote it"
            raise LockError(
                f"{self._name}:{number}: lock = {match[1]}, and this pytest-golink reads lock = {VERSION}; {remedy}"
            )
        self._version = True

    def _take_entry(self, number: int, image: str) -> None:
        if image in self._images:
            self._wrong(number, f'a second entry of "{image}"; the first one is in line {self._images[image]}')
        self._images.setdefault(image, number)
        self._facts.setdefault(image, {})
        self._image = image

    def _take_fact(self, number: int, match: re.Match[str], facts: dict[Key, Value]) -> None:
        field, name, string, boolean, integer = match.groups()
        if field not in FIELDS:
            self._wrong(number, f'unknown fact "{field}"{suggestion(field, FIELDS)}')
            return
        if FIELDS[field] != bool(name):
            accepted = f'{field}."NAME" = …' if FIELDS[field] else f"{field} = …"
            self._wrong(number, f"{field} is written {accepted}")
            return
        value: Value
        if string is not None:
            value = _unquoted(string)
        elif boolean is not None:
            value = boolean == "true"
        else:
            value = int(integer)
        if field == "size" and not (isinstance(value, str) and is_rounded(value)):
            self._wrong(number, 'size is written as golink rounds it, such as "2.35 MB"')
            return
        key = (field, _unquoted(name or ""))
        if key in facts:
            self._wrong(number, f"a second {fact_line(key, facts[key]).partition(' = ')[0]} of the same image")
            return
        facts[key] = value

    def _wrong(self, number: int, what: str) -> None:
        self._errors.append(f"{self._name}:{number}: {what}")

    def lock(self) -> Lock:
        """
        Give what was read.

        Raises:
            LockError: There were lines that are wrong, or none.
        """
        if not self._version:
            raise LockError(f'{self._name}:1: expected "lock = {VERSION}", and there is nothing; {_anew(self._name)}')
        if self._errors:
            raise LockError(*self._errors[:-1], f"{self._errors[-1]}; {_anew(self._name)}")
        return Lock(
            entries=tuple(
                LockEntry(
                    image=image,
                    facts=tuple((key, facts[key]) for key in sorted(facts, key=in_order)),
                    line=self._images[image],
                )
                for image, facts in sorted(self._facts.items())
            )
        )


def _anew(name: str) -> str:
    return f"`{UPDATE}` writes {name} anew"


# Every text in a lock is printable, so that these two are all there is to quote.
def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
