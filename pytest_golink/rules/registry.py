"""The registry: every rule under its permanent name, and the one way to check it."""

from __future__ import annotations

import pkgutil
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.case import Case
from pytest_golink.errors import ParameterError
from pytest_golink.findings import FAILING, Finding, Remedy
from pytest_golink.remedies import concluded
from pytest_golink.rules.rule import DECLARED, GROUPS, Rule
from pytest_golink.rules.verdict import Verdict
from pytest_golink.text.suggest import suggestion
from pytest_golink.text.words import listed
from pytest_golink.traits import main_module

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_golink.rules.subject import Subject

# The modules whose rules come first in their group; the others follow by the alphabet.
_FIRST = ("linkage", "libc", "libraries", "content", "traces", "claims", "platform", "cpu", "os_version")


def _rules() -> Mapping[str, Rule]:
    """Import the modules of this package, and return the rules that they declare in the order of the documentation."""
    package = import_module("pytest_golink.rules")
    for module in pkgutil.iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return MappingProxyType({rule.name: rule for rule in sorted(DECLARED, key=_place)})


def _place(rule: Rule) -> tuple[int, int, str]:
    module = rule.check.__module__.rpartition(".")[2]
    return GROUPS.index(rule.group), _FIRST.index(module) if module in _FIRST else len(_FIRST), module


RULES: Mapping[str, Rule] = _rules()


def rule_named(name: str) -> Rule:
    """
    Return the rule of that name.

    Raises:
        ParameterError: There is none; the message names the nearest.
    """
    try:
        return RULES[name]
    except KeyError:
        raise ParameterError(f'unknown rule "{name}"{suggestion(name, RULES)}') from None


def check(rule: str, subject: Subject, parameters: Mapping[str, object]) -> Finding:
    """
    Check one image with one rule: outcome, expectation, observation and evidence.

    A rule over a binary has only that image. A violation has no cause and no remedy but those that the check itself
    knows: `evaluate` adds what the image shows, and pytest_golink.source.explained what its source shows too.

    Args:
        rule: The rule's name.
        subject: The image, and its linker's warnings.
        parameters: By hyphenated name ("at-most"), as golink.toml spells them.

    Raises:
        ParameterError: The rule or a parameter is unknown, missing or of the wrong form.
    """
    chosen = rule_named(rule)
    if chosen.scope == "binary":
        return evaluate_together(rule, (subject,), parameters)
    values = chosen.checked(parameters)
    verdict = chosen.check(subject, **{name.replace("-", "_"): value for name, value in values.items()})
    facts = subject.facts
    if facts.content.packed and verdict.outcome not in FAILING and not chosen.of_the_file:
        verdict = _packed(verdict, subject)
    target = str(facts.target) if facts.target else None
    finding = _finding(chosen, verdict, values, image=subject.name, target=target, path=facts.path)
    return replace(finding, module=main_module(facts))


def evaluate(rule: str, subject: Subject, parameters: Mapping[str, object]) -> Finding:
    """
    Check one image with one rule; a violation has the cause and the remedy that the image itself shows.

    The arguments and errors are those of `check`.
    """
    finding = check(rule, subject, parameters)
    if finding.outcome != "violated":
        return finding
    return _concluded(finding, subject)


def _concluded(finding: Finding, subject: Subject) -> Finding:
    rule = RULES[finding.rule]
    case = Case(finding=finding, facts=subject.facts, warnings=subject.link_warnings or ())
    return concluded(case, (*finding.cause, *rule.causes(case)), rule.remedies)


def evaluate_together(
    rule: str, subjects: Sequence[Subject], parameters: Mapping[str, object], *, name: str = ""
) -> Finding:
    """
    Check all the images of one binary with a rule over a binary.

    Args:
        rule: The rule's name.
        subjects: The images, in any order.
        parameters: By hyphenated name.
        name: What the finding calls them; their own names by default.

    Raises:
        ParameterError: The rule or a parameter is unknown, missing or of the wrong form, or it is over one image.
    """
    chosen = rule_named(rule)
    if chosen.scope != "binary":
        raise ParameterError(f"{rule}: it checks one image, not several together")
    values = chosen.checked(parameters)
    verdict = chosen.check(subjects, **{key.replace("-", "_"): value for key, value in values.items()})
    packed = [subject for subject in subjects if subject.facts.content.packed]
    if packed and verdict.outcome not in FAILING:
        verdict = _packed(verdict, packed[0])
    image = name or listed(tuple(dict.fromkeys(subject.name for subject in subjects)))
    finding = _finding(chosen, verdict, values, image=image)
    return _concluded(finding, subjects[0]) if finding.outcome == "violated" else finding


def not_go(rule: str, subject: Subject, parameters: Mapping[str, object], *, together: str = "") -> Finding:
    """
    Return the finding of a rule that a policy has only for programs that Go built, on another program.

    Args:
        rule: The rule's name.
        subject: The image, or the first of several.
        parameters: By hyphenated name.
        together: What several images are called; "" for one image.
    """
    facts = subject.facts
    return Finding(
        rule=rule,
        outcome="not-applicable",
        image=together or subject.name,
        target=str(facts.target) if facts.target and not together else None,
        path="" if together else facts.path,
        expected='only = "go"',
        observed="not built by Go: it has neither build info nor a pclntab",
        parameters=tuple(parameters.items()),
    )


def _finding(
    rule: Rule, verdict: Verdict, values: Mapping[str, object], *, image: str, target: str | None = None, path: str = ""
) -> Finding:
    return Finding(
        rule=rule.name,
        outcome=verdict.outcome,
        image=image,
        target=target,
        path=path,
        expected=verdict.expected,
        observed=verdict.observed,
        evidence=verdict.evidence,
        cause=verdict.cause,
        remedies=tuple(Remedy(words=line) for line in verdict.remedy),
        caution=verdict.caution,
        platforms=verdict.platforms,
        parameters=tuple(values.items()),
        details=verdict.details,
    )


def _packed(verdict: Verdict, subject: Subject) -> Verdict:
    # The headers describe the unpacker, which may be static although the program is not.
    return Verdict(
        outcome="undecidable",
        expected=verdict.expected,
        observed=f"packed by {subject.facts.content.packed}: the headers are the unpacker's",
        remedy=("test the file before it is packed",),
    )
