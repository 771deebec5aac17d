"""[[waive]] tables: known violations, each with a reason and a last day."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, cast

from pytest_golink.forms import TABLES
from pytest_golink.policy import keys
from pytest_golink.policy.model import Waiver
from pytest_golink.policy.patterns import matches_any, overlap
from pytest_golink.policy.tables import known_values, names, path_of
from pytest_golink.rules import RULES
from pytest_golink.text.suggest import brace_hint, suggestion

if TYPE_CHECKING:
    from pytest_golink.policy.document import Document
    from pytest_golink.policy.model import PolicyBinary
    from pytest_golink.policy.positions import Path

MAX_WAIVERS = 1000
# Comparing two patterns takes the product of their lengths.
_LONGEST_PATTERN = 400
# A day that is so far off is no last day.
_LATEST_UNTIL = dt.date(2099, 12, 31)


def read_waivers(document: Document, binaries: list[PolicyBinary], *, all_binaries_known: bool) -> list[Waiver]:
    """
    Return the waivers, and note what is wrong with them.

    Args:
        document: The policy file.
        binaries: Its binaries that are valid.
        all_binaries_known: Whether these are all; if not, a waiver may be for one that is missing.
    """
    tables = document.values.get("waive", [])
    if not TABLES.accepts(tables):
        return []
    count = len(cast("list[object]", tables))
    if count > MAX_WAIVERS:
        document.add_error(("waive",), f"{count} waivers; at most {MAX_WAIVERS} are read")
        document.raise_errors()
    called = [(binary, _names(binary)) for binary in binaries] if all_binaries_known else []
    waivers = []
    for number in range(count):
        path: Path = ("waive", number)
        waiver = _waiver(document, path)
        if waiver is not None:
            waivers.append(waiver)
            if all_binaries_known:
                _check_use(document, path, waiver, called)
    return waivers


def _waiver(document: Document, path: Path) -> Waiver | None:
    before = document.error_count
    values = known_values(document, path, keys.WAIVE, kind="[[waive]]")
    for number, rule in enumerate(names(values.get("rule", []))):
        if rule not in RULES:
            where = path_of((*path, "rule"), values["rule"], number)
            document.add_error(where, f'unknown rule "{rule}"{suggestion(rule, RULES)}')
    pattern = str(values.get("binary", ""))
    if len(pattern) > _LONGEST_PATTERN:
        document.add_error((*path, "binary"), f"binary: a pattern of more than {_LONGEST_PATTERN} characters")
    until = cast("dt.date", values.get("until", _LATEST_UNTIL))
    if until > _LATEST_UNTIL:
        text = f"until: {until} is no last day, {_LATEST_UNTIL} is the latest; {keys.LASTING}"
        document.add_error((*path, "until"), text)
    if document.error_count != before:
        return None
    return Waiver(
        binary=pattern,
        rules=names(values["rule"]),
        targets=names(values.get("targets", [])),
        reason=str(values["reason"]).strip(),
        until=until,
        place=document.location(path),
    )


def _check_use(document: Document, path: Path, waiver: Waiver, binaries: list[tuple[PolicyBinary, list[str]]]) -> None:
    named = [binary for binary, called in binaries if any(overlap(waiver.binary, name) for name in called)]
    if not named:
        hint = suggestion(waiver.binary, [binary.name for binary, _called in binaries])
        document.add_error(
            (*path, "binary"), f'no binary is called "{waiver.binary}"{brace_hint(waiver.binary) or hint}'
        )
        return
    covered = [rules for binary in named if (rules := _rules_covered(waiver, binary)) is not None]
    if not covered:
        text = (
            f'no target of "{waiver.binary}" is one of {", ".join(waiver.targets)}{brace_hint("".join(waiver.targets))}'
        )
        document.add_error((*path, "targets"), text)
        return
    requested = frozenset().union(*covered)
    for rule in waiver.rules:
        if rule not in requested:
            text = f'"{waiver.binary}" has no rule {rule}: there is nothing to waive'
            document.add_error((*path, "rule"), text)
        elif waiver.targets and RULES[rule].scope == "binary":
            text = f"targets: {rule} is about all images of a binary together; waive it without targets"
            document.add_error((*path, "targets"), text)


def _rules_covered(waiver: Waiver, binary: PolicyBinary) -> frozenset[str] | None:
    """Return the rules on the images of a binary that a waiver is about; None where it is about none of its images."""
    if not binary.builds:
        # Only the files tell their targets.
        changes = [change for override in binary.overrides for change in override.changes]
        added = {change.rule for change in changes if change.parameters is not None}
        return frozenset(added | {request.rule for request in binary.rules})
    builds = [
        build
        for build in binary.builds
        if build.target is None
        or (binary.pattern and (not waiver.targets or matches_any(waiver.targets, build.target)))
        or any(waiver.covers(binary.name, build.target, rule) for rule in waiver.rules)
    ]
    return frozenset(request.rule for build in builds for request in build.rules) if builds else None


def _names(binary: PolicyBinary) -> list[str]:
    """Return the names of a binary's images, as patterns where the files are not known yet."""
    if binary.builds:
        targets = [build.target or "*" for build in binary.builds]
        # Only Go knows the main packages that a pattern finds.
        name = (f"{binary.name}/*" if binary.named else "*") if binary.pattern else binary.name
        return [name, *(f"{name}[{target}]" for target in targets)]
    files = [binary.goreleaser + "*"] if binary.goreleaser else list(binary.paths)
    # In a glob of files a set of characters matches one.
    patterns = [re.sub(r"\[[^]]+\]", "?", file)[:_LONGEST_PATTERN] for file in files]
    return [binary.name, f"{binary.name}[*]", *patterns]
