"""
The form of a value, declared once: what is accepted in words, as a check, and as JSON Schema.

The parameters of rules, the keys of golink.toml, the keys of a platform and the options of a build are declared so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pytest_golink.text.suggest import suggestion

Schema = Mapping[str, object]
# Where in a value something is wrong: keys of tables, and numbers of a list's entries.
Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """
    The form of one value.

    Attributes:
        text: The form in words, for messages.
        accepts: Decides about a value; of a list or a table it decides about all but the entries.
        choices: The only values that there are; () where there are others.
        hint: What a wrong text may have meant: '; did you mean "…"?', or "".
        schema: The same as JSON Schema, for an editor: it may take more than the check does, never less.
        entries: Yields the entries of an accepted list or table: the key, the entry, and the entry's own form.
        distinct: Whether each entry of a list may be there only once.
    """

    text: str
    accepts: Callable[[object], bool]
    choices: tuple[str, ...] = ()
    hint: Callable[[str], str] = lambda _value: ""
    # Not hashed: typing hashes what an annotation holds, and a dict has no hash.
    schema: Schema = field(default_factory=lambda: {"type": "string", "minLength": 1}, hash=False)
    entries: Callable[[object], Iterable[tuple[str | int, object, Form]]] = lambda _value: ()
    distinct: bool = False

    def mistakes(self, value: object) -> Iterator[Mistake]:
        """Yield each part of a value that is not of its form; nothing where the value is right."""
        if not self.accepts(value):
            yield Mistake(path=(), value=value, form=self)
            return
        seen: set[object] = set()
        for key, entry, form in self.entries(value):
            wrong = list(form.mistakes(entry))
            yield from (replace(mistake, path=(key, *mistake.path)) for mistake in wrong)
            if self.distinct and not wrong:
                if entry in seen:
                    yield Mistake(path=(key,), value=entry, form=form, repeated=True)
                seen.add(entry)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """
    A part of a value that is not of its form.

    Attributes:
        path: The keys that lead to the part; () for the whole value.
        value: The part.
        form: The form that the part must have.
        repeated: Whether its form is right, but an entry before it is the same.
    """

    path: Path
    value: object
    form: Form
    repeated: bool = False

    @property
    def hint(self) -> str:
        """What the value may have meant."""
        return self.form.hint(self.value) if isinstance(self.value, str) else ""

    def name(self, root: str) -> str:
        """Return the name of the part below the value's own: "env.GOAMD64"; an entry of a list has the list's name."""
        return ".".join([root, *(key for key in self.path if isinstance(key, str))])


def string(text: str, pattern: str, *, hint: Callable[[str], str] = lambda _value: "") -> Form:
    """Return the form of a string that a regular expression describes whole; the expression is also JSON Schema's."""
    expression = re.compile(pattern)
    return Form(
        text=text,
        accepts=lambda value: isinstance(value, str) and expression.fullmatch(value) is not None,
        hint=hint,
        schema={"type": "string", "pattern": f"^{pattern}$"},
    )


def choice(*choices: str) -> Form:
    """Return the form of a value that is one of these."""
    return Form(
        text=f"one of {', '.join(choices)}",
        accepts=lambda value: value in choices,
        choices=choices,
        hint=lambda value: suggestion(value, choices),
        schema={"enum": list(choices)},
    )


def whole_number(text: str, *, least: int, most: int) -> Form:
    """Return the form of a whole number between two bounds; true and false are none."""
    return Form(
        text=f"{text}, {least} to {most}",
        accepts=lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most,
        schema={"type": "integer", "minimum": least, "maximum": most},
    )


def array(
    one: Form,
    text: str,
    *,
    alone: bool = False,
    empty: bool = False,
    distinct: bool = False,
    most: int | None = None,
) -> Form:
    """
    Return the form of a list.

    Args:
        one: The form of its entries.
        text: The form in words.
        alone: Whether one entry may be written without a list.
        empty: Whether there may be no entry.
        distinct: Whether each entry may be there only once.
        most: The largest number of entries.
    """

    def accepts(value: object) -> bool:
        if not isinstance(value, (list, tuple)):
            return alone and one.accepts(value)
        return (empty or len(value) > 0) and (most is None or len(value) <= most)

    def entries(value: object) -> Iterator[tuple[int, object, Form]]:
        for number, entry in enumerate(value if isinstance(value, (list, tuple)) else ()):
            yield number, entry, one

    several = array_schema(one, empty=empty, distinct=distinct)
    return Form(
        text=text,
        accepts=accepts,
        schema={"anyOf": [one.schema, several]} if alone else several,
        entries=entries,
        distinct=distinct,
    )


def array_schema(one: Form, *, empty: bool = False, distinct: bool = False) -> Schema:
    """Return the JSON Schema of a list of such entries."""
    return {
        "type": "array",
        "items": dict(one.schema),
        **({} if empty else {"minItems": 1}),
        **({"uniqueItems": True} if distinct else {}),
    }


def table(one: Form, text: str, *, most: int | None = None) -> Form:
    """Return the form of a table whose values all have one form, under any key."""

    def entries(value: object) -> Iterator[tuple[str, object, Form]]:
        for key, entry in value.items() if isinstance(value, Mapping) else ():
            yield str(key), entry, one

    return Form(
        text=text,
        accepts=lambda value: isinstance(value, Mapping) and (most is None or len(value) <= most),
        schema={"type": "object", "additionalProperties": one.schema},
        entries=entries,
    )


def either(first: Form, second: Form, text: str) -> Form:
    """Return the form of a value that has one form or another."""
    return Form(
        text=text,
        accepts=lambda value: first.accepts(value) or second.accepts(value),
        schema={"anyOf": [first.schema, second.schema]},
        entries=lambda value: (first if first.accepts(value) else second).entries(value),
    )


BOOL = Form(text="true or false", accepts=lambda value: isinstance(value, bool), schema={"type": "boolean"})
# A string with at least one character, a blank included.
WORDS = Form(text="a string", accepts=lambda value: isinstance(value, str) and value != "")
# Letters and symbols without a glyph: Hangul fillers, and the braille pattern without dots.
# Source: Unicode Standard, Default_Ignorable_Code_Point; U+2800.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def _is_visible(character: str) -> bool:
    # Letters, numbers, punctuation and symbols; marks, spaces and format characters need another one to show.
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK


TEXT = Form(
    text="a string that is not empty",
    accepts=lambda value: isinstance(value, str) and any(map(_is_visible, value)),
    schema={"type": "string", "pattern": r"\S"},
)
TABLE = Form(text="a table", accepts=lambda value: isinstance(value, Mapping), schema={"type": "object"})
TABLES = Form(
    text="a list of tables",
    accepts=lambda value: isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value),
    schema={"type": "array", "items": {"type": "object"}},
)
