"""The text of a first golink.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.text.escape import escape
from pytest_golink.text.toml import toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_golink.commands.proposed_rules import Proposals, ProposedRule
    from pytest_golink.rules.subject import Subject

_LONGEST_NOTE = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """
    One `[[binary]]`.

    Attributes:
        lines: Its lines, without the policy.
        hints: Lines under it.
        targets: The targets that its rules require.
        subjects: Its images.
        policy: The policy of its kind.
        notes: What is not in it, each as a comment.
        problem: Why it is commented out, "" where it is not.
    """

    lines: tuple[str, ...]
    subjects: tuple[Subject, ...]
    hints: str = ""
    targets: tuple[str, ...] = ()
    policy: str = "base"
    notes: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What stands above the rules: what the file is about, what it gates, and what it does not."""

    title: str
    gates: str
    seen: tuple[str, ...] = ()


def by_system(subjects: Sequence[Subject]) -> dict[str, list[Subject]]:
    """Return the images by GOOS: the rules that hold differ between systems."""
    groups: dict[str, list[Subject]] = {}
    for subject in subjects:
        groups.setdefault(subject.facts.target.goos if subject.facts.target else "", []).append(subject)
    return groups


def policy_text(head: Head, found: Mapping[str, Proposals], tables: Sequence[Table]) -> str:
    """
    Return the file's text.

    Args:
        head: What stands above.
        found: The proposals of each policy; `own` has an entry for each system of each of its tables, in their order.
        tables: The binaries.
    """
    parts = [
        f"# The linkage policy of {escape(head.title)}: `pytest` holds every binary below against it.\n"
        "# Written by `golink init` from what holds today; it is yours from now on. The rules are\n"
        f"# explained in docs/rules.md of pytest-golink.\n# {_comment(head.gates)}\n"
        + "".join(f"# Seen: {_comment(line)}\n" for line in head.seen)
    ]
    own = {policy: iter(proposals.own) for policy, proposals in found.items()}
    written = []
    for table in tables:
        if table.problem:
            written.append(_commented(table))
            continue
        systems = {system: next(own[table.policy]) for system in by_system(table.subjects)}
        written.append("\n".join(_binary(table, systems)) + "\n" + table.hints)
    for policy, proposals in found.items():
        parts.append(f"[policy.{policy}]\n" + "\n".join(_rule(proposed) for proposed in proposals.held))
        if proposals.broken:
            parts.append(
                "# Stricter, and not kept today. Take the # away once the build does what each one needs.\n\n"
                + "\n".join(_wish(proposed) for proposed in proposals.broken)
            )
    return "\n".join([*parts, *written])


def _commented(table: Table) -> str:
    lines = ["[[binary]]", *(line for text in table.lines for line in text.splitlines()), f'policy = "{table.policy}"']
    return f"# Not gated: {_comment(table.problem)}\n" + "".join(f"# {line}\n" for line in lines)


def _binary(table: Table, own: Mapping[str, tuple[ProposedRule, ...]]) -> Iterator[str]:
    """Yield the lines of one binary, with stricter rules than the policy's if all its images of a system keep them."""
    yield from (f"# {_comment(note)}" for note in table.notes)
    yield from ("[[binary]]", *table.lines, f'policy = "{table.policy}"')
    everywhere = [proposed.line() for proposed in next(iter(own.values()))] if len(own) == 1 else []
    rules = [f"target = {toml(table.targets)}"] if table.targets else []
    if rules or everywhere:
        yield f"rules = {{ {', '.join([*rules, *everywhere])} }}"
    if len(own) > 1:
        for system, proposals in own.items():
            if system and proposals:
                yield from ("", "[[binary.override]]", f'targets = ["{system}/*"]')
                yield f"rules = {{ {', '.join(proposed.line() for proposed in proposals)} }}"


def _rule(proposed: ProposedRule) -> str:
    return f"# {proposed.proposal.why}\n{proposed.line()}\n"


def _wish(proposed: ProposedRule) -> str:
    proposal = proposed.proposal
    return f"# {proposal.why}\n#   needs: {proposal.needs}\n#   today: {proposed.observed}\n# {proposed.line()}\n"


def _comment(text: str) -> str:
    return escape(" ".join(text.split()), longest=_LONGEST_NOTE)
