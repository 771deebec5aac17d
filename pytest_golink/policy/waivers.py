"""[[waive]] tables: what is known to be violated, why, and until when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from pytest_golink.policy import keys
from pytest_golink.policy.model import Waiver
from pytest_golink.policy.patterns import overlap
from pytest_golink.policy.tables import known_values, names, path_of
from pytest_golink.rules import RULES
from pytest_golink.text.suggest import suggestion

if TYPE_CHECKING:
    import datetime as dt

    from pytest_golink.policy.document import Document
    from pytest_golink.policy.model import PolicyBinary
    from pytest_golink.policy.positions import Path

MAX_WAIVERS = 1000
# Two patterns are compared in the product of their lengths.
_LONGEST_PATTERN = 400


def read_waivers(document: Document, binaries: list[PolicyBinary], *, whole: bool) -> list[Waiver]:
    """
    Give the waivers, and note what is wrong with them.

    Args:
        document: The policy file.
        binaries: Those that it has.
        whole: Whether they are all of them; if not, a waiver may be for one that is missing.
    """
    tables = document.values.get("waive", [])
    if not keys.TABLES.accepts(tables):
        return []
    count = len(cast("list[object]", tables))
    if count > MAX_WAIVERS:
        document.wrong(("waive",), f"{count} waivers; at most {MAX_WAIVERS} are read")
        document.check()
    called = [(binary, _names(binary)) for binary in binaries] if whole else []
    waivers = []
    for number in range(count):
        path: Path = ("waive", number)
        waiver = _waiver(document, path)
        if waiver is not None:
            waivers.append(waiver)
            if whole:
                _check_use(document, path, waiver, called)
    return waivers


def _waiver(document: Document, path: Path) -> Waiver | None:
    before = document.mistakes
    values = known_values(document, path, keys.WAIVE, kind="[[waive]]")
    for number, rule in enumerate(names(values.get("rule", []))):
        if rule not in RULES:
            where = path_of((*path, "rule"), values["rule"], number)
            document.wrong(where, f'unknown rule "{rule}"{suggestion(rule, RULES)}')
    pattern = str(values.get("binary", ""))
    if len(pattern) > _LONGEST_PATTERN:
        document.wrong((*path, "binary"), f"binary: a pattern of more than {_LONGEST_PATTERN} characters")
    if document.mistakes != before:
        return None
    return Waiver(
        binary=pattern,
        rules=names(values["rule"]),
        targets=names(values.get("targets", [])),
        reason=str(values["reason"]).strip(),
        until=cast("dt.date", values["until"]),
        place=document.place(path),
    )


def _check_use(document: Document, path: Path, waiver: Waiver, binaries: list[tuple[PolicyBinary, list[str]]]) -> None:
    named = [binary for binary, called in binaries if any(overlap(waiver.binary, name) for name in called)]
    if not named:
        hint = suggestion(waiver.binary, [binary.name for binary, _called in binaries])
        document.wrong((*path, "binary"), f'no binary is called "{waiver.binary}"{hint}')
        return
    asked: set[str] = set()
    covered = False
    for binary in named:
        if not binary.builds:
            # Which targets there are, the files tell.
            covered = True
            asked |= {request.rule for request in binary.rules}
            changes = [change for override in binary.overrides for change in override.changes]
            asked |= {change.rule for change in changes if change.parameters is not None}
        for build in binary.builds:
            rules = {request.rule for request in build.rules}
            if build.target is None or any(waiver.covers(binary.name, build.target, rule) for rule in waiver.rules):
                covered = True
                asked |= rules
    if not covered:
        document.wrong((*path, "targets"), f'no target of "{waiver.binary}" is one of {", ".join(waiver.targets)}')
        return
    for rule in waiver.rules:
        if rule not in asked:
            text = f'nothing asks "{waiver.binary}" for {rule}: there is nothing to waive'
            document.wrong((*path, "rule"), text)


def _names(binary: PolicyBinary) -> list[str]:
    """Give the names of a binary's images, as patterns where the files are not known yet."""
    if binary.builds:
        targets = [build.target or "*" for build in binary.builds]
        return [binary.name, *(f"{binary.name}[{target}]" for target in targets)]
    files = [binary.goreleaser + "*"] if binary.goreleaser else list(binary.paths)
    # In a glob of files a set of characters stands for one.
    patterns = [re.sub(r"\[[^]]+\]", "?", file)[:_LONGEST_PATTERN] for file in files]
    return [binary.name, f"{binary.name}[*]", *patterns]
