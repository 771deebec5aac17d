"""The registry: every rule under its permanent name, and the one way to ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pytest_golink.errors import ParameterError
from pytest_golink.findings import FAILING, Finding
from pytest_golink.rules import (
    behaviour,
    build_info,
    cgo,
    claims,
    content,
    cpu,
    dynamic_imports,
    fips,
    hardening,
    libc,
    link_warnings,
    linkage,
    os_version,
    platform,
    preload,
    reproducible,
    runs_on,
    same_linkage,
    traces,
)
from pytest_golink.rules.parameters import parameters_of
from pytest_golink.rules.verdict import Verdict
from pytest_golink.text.suggest import suggestion
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_golink.rules.parameters import Parameter
    from pytest_golink.rules.subject import Subject

Group = Literal["linkage", "cgo", "content", "hardening", "platform", "behaviour"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """
    One rule: its permanent name, what it says in a sentence, what it can be asked, and the check that decides.

    `check` takes the subject and the parameters as keywords. A rule over a "binary" is asked once of all the images of
    one [[binary]], and its check takes a sequence of subjects.
    """

    name: str
    group: Group
    summary: str
    parameters: tuple[Parameter, ...]
    check: Callable[..., Verdict]
    over: Literal["image", "binary"] = "image"

    def accept(self, value: object) -> dict[str, object] | None:
        """
        Give the parameters that a policy's value stands for, None where it switches the rule off.

        `true` is the rule without parameters, `false` off, a table the parameters by name; a list or a plain value
        stands for the rule's one parameter, a list also for the only one of several that is a list.

        Raises:
            ParameterError: The value is not of an accepted form.
        """
        if value is False:
            return None
        if value is True:
            return self.checked({})
        if isinstance(value, Mapping):
            # A rule whose one parameter is a table has the entries themselves in its table.
            if len(self.parameters) == 1 and self.parameters[0].table:
                value = {self.parameters[0].name: value}
            return self.checked(value)
        plain = self.plain_list if isinstance(value, (list, tuple)) else None
        if len(self.parameters) == 1:
            (plain,) = self.parameters
        if plain is None:
            raise ParameterError(f"{value!r} is not {self._accepted}", rule=self.name)
        return self.checked({plain.name: value})

    @property
    def plain_list(self) -> Parameter | None:
        """The only one of several parameters that is a list, where a list may stand for it."""
        lists = [parameter for parameter in self.parameters if parameter.many]
        others = any(parameter.required for parameter in self.parameters if not parameter.many)
        return lists[0] if len(lists) == 1 and len(self.parameters) > 1 and not others else None

    def checked(self, parameters: Mapping[str, object]) -> dict[str, object]:
        """
        Give the parameters, by hyphenated name and in the rule's own order, as the check takes them.

        Raises:
            ParameterError: One is unknown, missing or of the wrong form.
        """
        known = [parameter.name for parameter in self.parameters]
        for name in parameters:
            if name not in known:
                reason = f'unknown parameter "{name}"{suggestion(str(name), known)}; accepted: {self._accepted}'
                raise ParameterError(reason, rule=self.name, parameter=str(name))
        values = {}
        for parameter in self.parameters:
            if parameter.name in parameters:
                values[parameter.name] = parameter.value(self.name, parameters[parameter.name])
            elif parameter.required:
                reason = f"{parameter.name} is missing: {parameter.accepted}"
                raise ParameterError(reason, rule=self.name, parameter=parameter.name)
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
            "no-dynamic-imports": dynamic_imports.no_dynamic_imports,
            "linkmode": cgo.linkmode,
            "resolver": cgo.resolver,
            "user-lookup": cgo.user_lookup,
        },
        "content": {
            "stripped": content.stripped,
            "not-stripped": content.not_stripped,
            "no-dwarf": content.no_dwarf,
            "no-build-paths": traces.no_build_paths,
            "no-instrumentation": traces.no_instrumentation,
            "intact": traces.intact,
            "claims-hold": claims.claims_hold,
            "fips": fips.fips,
            "go-version": build_info.go_version,
            "build-setting": build_info.build_setting,
            "no-modules": build_info.no_modules,
            "vcs-clean": build_info.vcs_clean,
        },
        "hardening": {
            "pie": hardening.pie,
            "nx": hardening.nx,
            "signed": hardening.signed,
            "relro": hardening.relro,
            "no-writable-code": hardening.no_writable_code,
        },
        "platform": {
            "target": platform.target,
            "cpu-at-most": cpu.cpu_at_most,
            "os-at-most": os_version.os_at_most,
            "page-alignment": platform.page_alignment,
            "launches-on-macos": os_version.launches_on_macos,
            "max-size": platform.max_size,
            "runs-on": runs_on.runs_on,
            "same-linkage": same_linkage.same_linkage,
        },
        "behaviour": {
            "starts-alone": behaviour.starts_alone,
            "ignores-preload": preload.ignores_preload,
            "reproducible": reproducible.reproducible,
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
                over="binary" if name in _OVER_A_BINARY else "image",
            )
            for group, checks in groups.items()
            for name, check in checks.items()
        }
    )


_OVER_A_BINARY = frozenset({"same-linkage"})

RULES: Mapping[str, Rule] = _rules()

# What a packed image answers for itself.
_OF_THE_FILE = frozenset({"max-size", "signed", "starts-alone", "reproducible"})


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


def evaluate_together(
    rule: str, subjects: Sequence[Subject], parameters: Mapping[str, object], *, name: str = ""
) -> Finding:
    """
    Ask a rule over a binary of all the images of one.

    Args:
        rule: The rule's name.
        subjects: The images, in any order.
        parameters: By hyphenated name.
        name: What the finding calls them; their own names by default.

    Raises:
        ParameterError: The rule or a parameter is unknown, missing or of the wrong form, or it is over one image.
    """
    chosen = rule_named(rule)
    if chosen.over != "binary":
        raise ParameterError(f"{rule}: it is asked of one image, not of several together")
    values = chosen.checked(parameters)
    verdict = chosen.check(subjects, **{key.replace("-", "_"): value for key, value in values.items()})
    packed = [subject for subject in subjects if subject.facts.content.packed]
    if packed and verdict.outcome not in FAILING:
        verdict = _of_the_unpacker(verdict, packed[0])
    image = name or listed(tuple(dict.fromkeys(subject.name for subject in subjects)))
    return _finding(chosen, verdict, values, image=image)


def evaluate(rule: str, subject: Subject, parameters: Mapping[str, object]) -> Finding:
    """
    Ask one rule of one image; of a rule over a binary that image is all there is.

    Args:
        rule: The rule's name.
        subject: The image, and what its linker said.
        parameters: By hyphenated name ("at-most"), as golink.toml spells them.

    Raises:
        ParameterError: The rule or a parameter is unknown, missing or of the wrong form.
    """
    chosen = rule_named(rule)
    if chosen.over == "binary":
        return evaluate_together(rule, (subject,), parameters)
    values = chosen.checked(parameters)
    verdict = chosen.check(subject, **{name.replace("-", "_"): value for name, value in values.items()})
    facts = subject.facts
    if facts.content.packed and verdict.outcome not in FAILING and rule not in _OF_THE_FILE:
        verdict = _of_the_unpacker(verdict, subject)
    target = str(facts.target) if facts.target else None
    return _finding(chosen, verdict, values, image=subject.name, target=target, path=facts.path)


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
        remedy=verdict.remedy,
        caution=verdict.caution,
        platforms=verdict.platforms,
        parameters=tuple(values.items()),
    )


def _of_the_unpacker(verdict: Verdict, subject: Subject) -> Verdict:
    # Its unpacker may be static where the program is not.
    return Verdict(
        outcome="undecidable",
        expected=verdict.expected,
        observed=f"packed by {subject.facts.content.packed}: the headers are the unpacker's",
        remedy=("test the file before it is packed",),
    )
