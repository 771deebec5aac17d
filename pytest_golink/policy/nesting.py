"""
How deep the keys of a TOML text go, before a parser reads it.

A parser takes memory for each part of a key and of all keys around it: a key of 20,000 parts, 40 kB of text, takes
gigabytes. So the depth is bounded in the text.
"""

from __future__ import annotations

import re

# The deepest key of a policy, a parameter of a rule in an override, has six parts.
MOST_DEPTH = 16

# Strings and comments are one token each, so that nothing inside of them counts. A quote without its end is not TOML:
# the parser stops there, and the rest does not matter.
# Source: TOML v1.0.0, "Keys", "String", "Comment".
_TOKEN = re.compile(
    r'''
    (?P<long>"""(?:\\.|[^\\])*?""""{0,2}|\'\'\'.*?\'\'\'\'{0,2})
    | (?P<part>"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)
    | (?P<dot>\.)
    | (?P<open>[\[{])
    | (?P<close>[\]}])
    | (?P<equals>=)
    | (?P<end>[,\n])
    | (?P<space>[ \t]+)
    | (?P<other>\#[^\n]*|.)
    ''',
    re.VERBOSE | re.DOTALL,
)


def too_deep(text: str) -> int | None:
    """Return the offset at which a text nests deeper than any policy; None where it does not."""
    # The depth of each open list and table, with the parts of the key that it is the value of.
    around: list[int] = [0]
    key = parts = 0
    follows_dot = False
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "space":
            continue
        if kind == "part":
            parts = parts + 1 if follows_dot else 1
        elif kind == "equals":
            key, parts = parts, 0
        elif kind == "open":
            around.append(around[-1] + key + 1)
            key = parts = 0
        elif kind == "close" and len(around) > 1:
            around.pop()
        elif kind == "end":
            key = parts = 0
        if around[-1] + key + parts > MOST_DEPTH:
            return token.start()
        follows_dot = kind == "dot"
    return None
