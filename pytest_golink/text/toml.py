"""Values as TOML writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SURROGATES = re.compile("[\ud800-\udfff]")


def toml(value: object) -> str:
    """
    Return a value in TOML, on one line: a string, a boolean, a whole number, or a list or table of them.

    Half of a surrogate pair, which no TOML can hold, becomes a replacement character.

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
    # JSON's strings are TOML's too, except that TOML also escapes DEL.
    text = json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def toml_key(name: str) -> str:
    """Return a key in TOML, in quotes where it needs them."""
    return name if _BARE_KEY.fullmatch(name) else toml(name)
