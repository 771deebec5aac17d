"""Values as TOML writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from pytest_golink.text.escape import acts

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
# The beginnings of commands in the log of a CI service; see text/escape.py.
_COMMAND = re.compile(r"#(?=#(?:vso)?\[)")


def toml(value: object) -> str:
    """
    Return a value in TOML, on one line: a string, a boolean, a whole number, or a list or table of them.

    The text acts on no terminal and in no CI log. Half of a surrogate pair, which TOML cannot hold, becomes U+FFFD.

    Source: TOML v1.0.0, "Keys", "String", "Inline Table".
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        pairs = (f"{toml_key(str(key))} = {toml(entry)}" for key, entry in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    # JSON's strings are TOML's too, except that TOML also escapes DEL, and has no surrogates.
    text = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", json.dumps(str(value), ensure_ascii=False))
    text = _COMMAND.sub("\\\\u0023", text)
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if not acts(character):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def toml_key(name: str) -> str:
    """Return a key in TOML, in quotes where it needs them."""
    return name if _BARE_KEY.fullmatch(name) else toml(name)
