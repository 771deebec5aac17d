"""The registry: every rule under its permanent name, and the one way to ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pytest_golink.errors import ParameterError
from pytest_golink.findings import Finding
from pytest_golink.rules import cgo, content, libc, link_warnings, linkage, platform
from pytest_golink.rules.parameters import parameters_of, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_golink.facts import Subject
    from pytest_golink.rules.parameters import Parameter
    from pytest_golink.rules.verdict import Verdict

Group = Literal["linkage", "cgo", "content", "platform"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """
    One rule: its permanent name, what it says in a sentence, what it can be asked, and the check that decides.

    `check` takes the subject and the parameters as keywords.
    """

    name: str
    group: Group
    summary: str
    parameters: tuple[Parameter, ...]
    check: Callable[..., Verdict]

    def accept(self, value: object) -> dict[str, object] | None:
        """
        Give the parameters that a policy's value stands for, None where it switches the rule off.

        `true` is the rule without parameters, `false` off, a table the parameters by name; a list or a plain value
        stands for the rule's one parameter.

        Raises:
            ParameterError: The value is not of an accepted form.
        """
        if value is False:
            return None
        if value is True:
            return self.checked({})
        if isinstance(value, Mapping):
            return self.checked(value)
        if len(self.parameters) != 1:
            raise ParameterError(f"{self.name}: {value!r} is not {self._accepted}")
        return self.checked({self.parameters[0].name: value})

    def checked(self, parameters: Mapping[str, object]) -> dict[str, object]:
        """
        Give the parameters, by hyphenated name and in the rule's own order, as the check takes them.

        Raises:
            ParameterError: One is unknown, missing or of the wrong form.
        """
        known = [parameter.name for parameter in self.parameters]
        for name in parameters:
            if name not in known:
                raise ParameterError(
                    f'{self.name}: unknown parameter "{name}"{suggestion(str(name), known)}; accepted: {self._accepted}'
                )
        values = {}
        for parameter in self.parameters:
            if parameter.name in parameters:
                values[parameter.name] = parameter.value(self.name, parameters[parameter.name])
            elif parameter.required:
                raise ParameterError(f"{self.name}: {parameter.name} is missing: {parameter.accepted}")
        return values

    @property
    def _accepted(self) -> str:
        if not self.parameters:
            return "true or false"
        return "; ".join(f"{parameter.name} = {parameter.accepted}" for parameter in self.parameters)


def _rules() -> Mapping[str, Rule]:
    # The order of rules.md. A name is permanent: never reused, renamed only with an alias.
    groups: dict[Group, dict[str, Callable[..., Verdict]]] = {
        "linkage": {
            "static": linkage.static,
            "dynamic": linkage.dynamic,
            "self-contained": linkage.self_contained,
            "needs-libc": libc.needs_libc,
            "no-libc": libc.no_libc,
            "needs": linkage.needs,
            "only-needs": linkage.only_needs,
            "interpreter": linkage.interpreter,
            "no-interpreter": linkage.no_interpreter,
            "glibc-at-most": libc.glibc_at_most,
            "no-rpath": linkage.no_rpath,
            "imports": linkage.imports,
            "no-imports": linkage.no_imports,
            "no-getaddrinfo-warning": link_warnings.no_getaddrinfo_warning,
            "no-link-warnings": link_warnings.no_link_warnings,
        },
        "cgo": {
            "no-cgo": cgo.no_cgo,
            "only-cgo-packages": cgo.only_cgo_packages,
            "linkmode": cgo.linkmode,
            "resolver": cgo.resolver,
        },
        "content": {
            "stripped": content.stripped,
            "not-stripped": content.not_stripped,
            "no-dwarf": content.no_dwarf,
        },
        "platform": {
            "target": platform.target,
        },
    }
    return MappingProxyType(
        {
            name: Rule(
                name=name,
                group=group,
                summary=(check.__doc__ or "").strip().splitlines()[0],
                parameters=parameters_of(check),
                check=check,
            )
            for group, checks in groups.items()
            for name, check in checks.items()
        }
    )


RULES: Mapping[str, Rule] = _rules()


def rule_named(name: str) -> Rule:
    """
    Give the rule of that name.

    Raises:
        ParameterError: There is none; the message names the nearest.
    """
    try:
        return RULES[name]
    except KeyError:
        raise ParameterError(f'unknown rule "{name}"{suggestion(name, RULES)}') from None


def evaluate(rule: str, subject: Subject, parameters: Mapping[str, object]) -> Finding:
    """
    Ask one rule of one image.

    Args:
        rule: The rule's name.
        subject: The image, and what its linker said.
        parameters: By hyphenated name ("at-most"), as golink.toml spells them.

    Raises:
        ParameterError: The rule or a parameter is unknown, missing or of the wrong form.
    """
    chosen = rule_named(rule)
    values = chosen.checked(parameters)
    verdict = chosen.check(subject, **{name.replace("-", "_"): value for name, value in values.items()})
    facts = subject.facts
    return Finding(
        rule=rule,
        outcome=verdict.outcome,
        image=subject.name,
        target=str(facts.target) if facts.target else None,
        path=facts.path,
        expected=verdict.expected,
        observed=verdict.observed,
        evidence=verdict.evidence,
        cause=verdict.cause,
        remedy=verdict.remedy,
        parameters=tuple((name, _shown(value)) for name, value in values.items()),
    )


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
