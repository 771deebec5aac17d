"""The flags of Go's linker and of the C linker in the options of a build, wherever their user wrote them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.toolchain.quoting import join_quoted, split_quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.builder.options import BuildOptions


def extldflags_of(options: BuildOptions) -> str:
    """Return the flags of the C linker, also where `ldflags` has them."""
    return options.extldflags or _flag(options.ldflags, "extldflags") or ""


def linkmode_of(options: BuildOptions) -> str | None:
    """Return the link mode, also where `ldflags` has it."""
    return options.linkmode or _flag(options.ldflags, "linkmode")


def with_extldflags(options: BuildOptions, value: str) -> BuildOptions:
    """Return the options with these flags of the C linker, at the place where the build has such flags."""
    if value == extldflags_of(options):
        return options
    if _flag(options.ldflags, "extldflags") is None:
        return replace(options, extldflags=value)
    return replace(options, ldflags=_with_flag(options.ldflags, "extldflags", value or None))


def with_linkmode(options: BuildOptions, value: str | None) -> BuildOptions:
    """Return the options with this link mode, at the place where the build has one."""
    if value == linkmode_of(options):
        return options
    if _flag(options.ldflags, "linkmode") is None:
        return replace(options, linkmode=value)
    return replace(options, ldflags=_with_flag(options.ldflags, "linkmode", value))


def with_words(text: str, added: Iterable[str]) -> str:
    """Return a text of flags with more of them at its end; what it has already is not added again."""
    whole = _unquoted(text.strip())
    for flag in added:
        if not has_words(whole, flag):
            whole = f"{whole} {flag}".strip()
    return whole


def without_words(text: str, dropped: Iterable[str]) -> str:
    """Return a text of flags without some of them; the others keep their quotes."""
    for flag in dropped:
        text = re.sub(rf"(?<!\S){re.escape(flag)}(?!\S)", "", text)
    return text if set(text) & set("'\"") else " ".join(text.split())


def has_words(text: str, flag: str) -> bool:
    """Return whether a text of flags has this one."""
    return re.search(rf"(?<!\S){re.escape(flag)}(?!\S)", _unquoted(text)) is not None


def _unquoted(text: str) -> str:
    # `-extldflags="-static"`: the value itself is one field in quotes.
    fields = split_quoted(text)
    return fields[0] if len(fields) == 1 and " " not in fields[0] and fields[0] else text


def _flag(text: str, name: str) -> str | None:
    """Return the value of a flag of Go's linker, None where the text does not have it; of several the last counts."""
    value = None
    words = iter(split_quoted(text))
    for word in words:
        if match := re.fullmatch(rf"--?{name}(=(?P<value>.*))?", word, re.DOTALL):
            value = match["value"] if match[1] else next(words, "")
    return value


def _with_flag(text: str, name: str, value: str | None) -> str:
    """Return the flags of Go's linker with another value of one of them, None to leave it out."""
    kept: list[str] = []
    words = iter(split_quoted(text))
    at = 0
    for word in words:
        if match := re.fullmatch(rf"--?{name}(=.*)?", word, re.DOTALL):
            at = len(kept)
            if not match[1]:
                next(words, None)
        else:
            kept.append(word)
    if value is not None:
        word = f"-{name}={value}"
        # `go build` rejects an -ldflags that starts with a quote.
        kept[at:at] = [word] if join_quoted([word]) == word else [f"-{name}", value]
    return join_quoted(kept)
