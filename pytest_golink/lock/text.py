"""
The lock as text and as a file: TOML, a fact a line, so that each line of a diff can be understood by itself.

Of TOML golink reads only what `lock_text` writes: a command writes the lock, and any other line is an error.

Source: TOML 1.0.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import LockError
from pytest_golink.files import write_whole
from pytest_golink.location import Location
from pytest_golink.lock.model import FIELDS, LACKING, VERSION, Lock, LockEntry, in_order, is_rounded
from pytest_golink.text.escape import escape, escape_message
from pytest_golink.text.suggest import suggestion
from pytest_golink.text.toml import toml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.lock.model import Key, Value

UPDATE = "pytest --golink-update-lock"
_HEAD = f"""\
# What the images of the policy beside this file link to. `{UPDATE}` writes it,
# `pytest --golink-lock` fails where an image differs. Commit it, and review its diffs.
lock = {VERSION}
"""
_STRING = r'"((?:[^"\\\n]|\\["\\])*)"'
_ENTRY = re.compile(rf"\[image\.{_STRING}\]")
_FACT = re.compile(rf"([a-z0-9-]+)(?:\.{_STRING})? = (?:{_STRING}|(true|false)|([0-9]{{1,20}}))")
_LOCK = re.compile(r"lock = ([0-9]{1,9})")
_CONFLICT = re.compile(r"(<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|)( .*)?")
# Of a line in a message; a person may have changed the file.
_LONGEST_SHOWN = 60
# Ten thousand images of a hundred lines: golink wrote no larger file.
_LARGEST = 64 * 1024 * 1024


def lock_path(policy: Path) -> Path:
    """Return the path of a policy's lock: "golink.lock" beside golink.toml, else the policy's name with that ending."""
    return policy.with_suffix(".lock")


def read_lock(path: Path, *, name: str) -> Lock:
    """
    Read a lock file.

    Args:
        path: The file.
        name: What to call it in an error ("golink.lock").

    Raises:
        LockError: There is no such file, it cannot be read, is a link out of the project, or no lock of this version.
    """
    _stay_inside(path, name)
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise LockError((None, f"{name}: there is no such file; `{UPDATE}` writes it")) from None
    except OSError as error:
        raise LockError((None, f"{name}: cannot be read: {error.strerror}")) from error
    if len(raw) > _LARGEST:
        raise LockError((None, f"{name}: larger than {_LARGEST:,} bytes: golink did not write it"))
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LockError(_at(name, line, f"not UTF-8; `{UPDATE}` writes the file anew")) from None
    return parse_lock(text, name=name)


def write_lock(path: Path, text: str) -> None:
    """
    Write a lock file, whole or not at all.

    Raises:
        LockError: It cannot be written, or is a link out of the project; the old one is still there.
    """
    _stay_inside(path, path.name)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise LockError((None, f"{path.name}: cannot be written: {error.strerror}")) from error


def _stay_inside(path: Path, name: str) -> None:
    """Refuse a link that leads out of the repository, or where there is none, out of the lock's folder."""
    folder = path.parent.resolve()
    project = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), folder)
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(project):
        text = f"{name}: is a link out of the project, to {target}: golink reads and writes a lock only inside it"
        raise LockError((None, text))
    if target.exists() and not target.is_file() and not target.is_dir():
        raise LockError((None, f"{name}: is not a regular file"))


def lock_text(entries: Iterable[LockEntry]) -> str:
    """Return the text of a lock: entries by image, each a table, a fact a line."""
    parts = [_HEAD]
    for entry in sorted(entries, key=lambda entry: entry.image):
        lines = [f"[image.{toml(entry.image)}]", *(fact_line(key, value) for key, value in entry.facts)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def fact_line(key: Key, value: Value) -> str:
    """Return one fact as a line of the lock."""
    field, name = key
    if isinstance(value, bool):
        written = "true" if value else "false"
    else:
        written = toml(value) if isinstance(value, str) else str(value)
    # Of many, one may have an empty name: an empty entry of DT_RUNPATH is the current folder.
    return f"{field}{f'.{toml(name)}' if FIELDS[field] else ''} = {written}"


def parse_lock(text: str, *, name: str) -> Lock:
    """
    Read the text of a lock.

    Args:
        text: What the file holds.
        name: What to call it in an error ("golink.lock").

    Raises:
        LockError: It is not what `lock_text` writes, or of another version; all such lines at once, but of a file with
            conflict markers only the first of them.
    """
    reading = _Reading(name)
    lines = text.removeprefix("\ufeff").split("\n")
    for number, line in enumerate(lines, 1):
        if conflict := _CONFLICT.fullmatch(line.rstrip("\r")):
            raise LockError(_at(name, number, f'a merge left its conflict marker "{conflict[1]}" here; {_anew(name)}'))
    for number, line in enumerate(lines, 1):
        reading.read(number, line.rstrip("\r"))
    return reading.lock()


class _Reading:
    """Reads the lines of a lock, one after the other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._version: int | None = None
        self._errors: list[tuple[Location, str]] = []
        self._images: dict[str, int] = {}
        self._facts: dict[str, dict[Key, Value]] = {}
        self._image: str | None = None

    def read(self, number: int, line: str) -> None:
        """Read a line."""
        if not line.strip() or line.startswith("#"):
            return
        if self._version is None:
            self._read_version(number, line)
        elif escape_message(line, longest=len(line)) != line:
            # golink escapes names before it writes them.
            self._add_unknown(number, line)
        elif match := _ENTRY.fullmatch(line):
            self._read_entry(number, _unquoted(match[1]))
        elif (match := _FACT.fullmatch(line)) and self._image is not None:
            self._read_fact(number, match, self._facts[self._image])
        else:
            self._add_unknown(number, line)

    def _read_version(self, number: int, line: str) -> None:
        match = _LOCK.fullmatch(line)
        if match is None:
            raise LockError(_at(self._name, number, f'expected "lock = {VERSION}" first; {_anew(self._name)}'))
        version = int(match[1])
        if version not in LACKING:
            remedy = _anew(self._name) if version < VERSION else "a newer pytest-golink wrote it"
            text = f"lock = {version}, and this pytest-golink reads lock = 1 to {VERSION}; {remedy}"
            raise LockError(_at(self._name, number, text))
        self._version = version

    def _read_entry(self, number: int, image: str) -> None:
        if image in self._images:
            self._add_error(number, f'a second entry of "{image}"; the first one is in line {self._images[image]}')
        self._images.setdefault(image, number)
        self._facts.setdefault(image, {})
        self._image = image

    def _read_fact(self, number: int, match: re.Match[str], facts: dict[Key, Value]) -> None:
        field, name, string, boolean, integer = match.groups()
        known = [each for each in FIELDS if each not in LACKING[self._version or VERSION]]
        if field not in known:
            self._add_error(number, f'unknown fact "{field}"{suggestion(field, known)}')
            return
        if FIELDS[field] != (name is not None):
            accepted = f'{field}."NAME" = …' if FIELDS[field] else f"{field} = …"
            self._add_error(number, f"{field} is written {accepted}")
            return
        value: Value
        if string is not None:
            value = _unquoted(string)
        elif boolean is not None:
            value = boolean == "true"
        else:
            value = int(integer)
        if field == "size" and not (isinstance(value, str) and is_rounded(value)):
            self._add_error(number, 'size is written as golink rounds it, such as "2.35 MB"')
            return
        key = (field, _unquoted(name or ""))
        if key in facts:
            self._add_error(number, f"a second {fact_line(key, facts[key]).partition(' = ')[0]} of the same image")
            return
        facts[key] = value

    def _add_unknown(self, number: int, line: str) -> None:
        self._add_error(number, f"not a line that golink writes: {escape(line, longest=_LONGEST_SHOWN)}")

    def _add_error(self, number: int, what: str) -> None:
        self._errors.append(_at(self._name, number, what))

    def lock(self) -> Lock:
        """
        Return what was read.

        Raises:
            LockError: A line is wrong, or there is none.
        """
        if self._version is None:
            text = f'expected "lock = {VERSION}", and there is nothing; {_anew(self._name)}'
            raise LockError(_at(self._name, 1, text))
        if self._errors:
            place, text = self._errors[-1]
            raise LockError(*self._errors[:-1], (place, f"{text}; {_anew(self._name)}"))
        return Lock(
            entries=tuple(
                LockEntry(
                    image=image,
                    facts=tuple((key, facts[key]) for key in sorted(facts, key=in_order)),
                    line=self._images[image],
                    unknown=LACKING[self._version],
                )
                for image, facts in sorted(self._facts.items())
            ),
            version=self._version,
        )


def _at(name: str, line: int, text: str) -> tuple[Location, str]:
    return Location(file=name, line=line), text


def _anew(name: str) -> str:
    return f"`{UPDATE}` writes {name} anew"


# Every text in a lock is printable, so that TOML escapes only quotes and backslashes.
def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
