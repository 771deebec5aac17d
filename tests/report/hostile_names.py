"""Names that a stranger may give to a file, a library, a module; and what is wrong with a text that shows them raw."""

from __future__ import annotations

import re
import unicodedata

# Of a file's name Linux refuses NUL and "/" only, and more than 255 bytes.
HOSTILE_NAMES = (
    "a\n::error::FORGED",
    "a\n::error file=golink.toml,line=1::FORGED",
    "::error::FORGED",
    "a\r::stop-commands::FORGED",
    "a\nFORGED golink.toml::app::static PASSED",
    "##vso[task.setvariable variable=x]FORGED",
    "a##[error]FORGED",
    "##[group]FORGED",
    "\x1b]8;;https:\\\\evil.example\x07FORGED\x1b]8;;\x07",
    "\x1b]0;FORGED\x07",
    "\x1b[2J\x1b[1;1HFORGED",
    "\x9b31mFORGED\x9bm",
    "\x90qFORGED\x9c",
    "app\u202egnp.exe",
    "\u2066app\u2069\u2067x\u2069",
    "a\u200b\u200f\ufeff\u00ad",
    "a\u2028::error::FORGED\u2029FORGED",
    "a\x85::error::FORGED",
    "\x01\x02\x7f\x08\x08\x08",
    "\udcff\udcfe.so",
    "\U000e0041\U000e0001\ue000",
    "x" * 200,
    "back\\slash\\n\\x1b[2J",
    "\"double\" 'single' `back`",
    "]]><FORGED><![CDATA[",
    "<script>alert(1)<\\script><img src=x onerror=alert(1)>",
    "--- --> <!-- {{x}} {0} %s %0A%25",
    "| cell | **bold** [link](https:evil) @everyone #1",
    '# \'toml\' = """ [x] \t yaml: &a *b !!c',
    "--golink-report",
    "-rf",
    "CON.txt:stream.",
    "C:\\app.exe",
    "!bang!**",
    "[linux-amd64]",
)

_ACTS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Escape sequences that pytest and golink write for colours.
_COLOUR = re.compile("\x1b\\[[0-9;]*m")


def wrong_with(text: str, *, ours: tuple[str, ...] = ()) -> list[str]:
    """
    Return what is wrong with a text that a terminal or a CI log shows.

    Args:
        text: The text.
        ours: How lines may begin that golink writes as commands of a CI service.
    """
    text = _COLOUR.sub("", text)
    wrong = [
        f"{character!r} in {_around(text, character)!r}" for character in sorted(set(text) - {"\n"}) if _acts(character)
    ]
    for line in text.split("\n"):
        # A runner passes over blanks; for a reader an indented line is a part of what stands above it.
        forged = line.startswith("FORGED") or line.lstrip().startswith("::")
        if forged and not line.startswith(ours or "\0"):
            wrong.append(f"a line of a stranger: {line[:200]!r}")
        if "##[" in line or "##vso[" in line:
            wrong.append(f"a command: {line[:200]!r}")
    return wrong


def _acts(character: str) -> bool:
    return unicodedata.category(character) in _ACTS


def _around(text: str, character: str) -> str:
    place = text.index(character)
    return text[max(0, place - 60) : place + 60]
