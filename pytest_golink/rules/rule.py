"""How a rule is declared: everything that golink knows of it, at its check function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar, get_args

from pytest_golink.errors import ParameterError
from pytest_golink.rules.parameters import parameters_of
from pytest_golink.rules.verdict import Verdict
from pytest_golink.text.suggest import suggestion
from pytest_golink.text.toml import toml

if TYPE_CHECKING:
    from pytest_golink.case import Causes
    from pytest_golink.diagnosis.concerns import Concern
    from pytest_golink.remedies import Remedies
    from pytest_golink.rules.parameters import Parameter
    from pytest_golink.rules.proposal import Proposal
    from pytest_golink.rules.subject import Subject

Group = Literal["linkage", "cgo", "content", "hardening", "platform", "behaviour"]
# Their order is that of the documentation and of reports.
GROUPS: tuple[Group, ...] = get_args(Group)
Scope = Literal["image", "binary"]

Proposals: TypeAlias = "Callable[[Sequence[Subject]], Iterable[Proposal]]"
_Check = TypeVar("_Check", bound=Callable[..., Verdict])


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """
    One rule: its permanent name, and everything that it declares.

    Attributes:
        name: Never reused, renamed only with an alias.
        group: The group of the documentation.
        summary: What it checks, in a sentence.
        page: The cell of docs/rules.md: when it holds.
        parameters: Its parameters, read off the check's signature.
        check: Takes the subject and the parameters as keywords; of a rule over a "binary", a sequence of subjects.
        scope: A rule over a "binary" is checked once on all the images of one [[binary]].
        of_the_file: Whether its answer is valid for a packed image: it looks at the file, not at the program.
        concerns: Which causes apply to its violations.
        causes: Returns why the image violates it, as the image itself shows.
        remedies: Yields what may mend a violation; None where `no_remedies` says why nothing does.
        no_remedies: That reason, "" where there are remedies.
        propose: What `golink init` proposes of it, for the images at hand.
    """

    name: str
    group: Group
    summary: str
    page: str
    parameters: tuple[Parameter, ...]
    check: Callable[..., Verdict]
    scope: Scope
    of_the_file: bool
    concerns: frozenset[Concern]
    causes: Causes
    remedies: Remedies | None
    no_remedies: str
    propose: Proposals

    @property
    def mending(self) -> str:
        """What a violation proposes, in general; or why it proposes nothing."""
        if self.remedies is None:
            return self.no_remedies
        # As the function that yields the remedies says it.
        what = (self.remedies.__doc__ or "").strip().splitlines()[0]
        return f"a violation shows {what.removeprefix('Yield ')}"

    def accept(self, value: object) -> dict[str, object] | None:
        """
        Return the parameters that a policy's value means, None where it switches the rule off.

        `true` is the rule without parameters, `false` off, a table the parameters by name; a list or a plain value
        is the rule's one parameter, a list also the only one of several that is a list.

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
            raise ParameterError(f"{value!r} is not {self._accepted}{self._as_table(value)}", rule=self.name)
        return self.checked({plain.name: value})

    def _as_table(self, value: object) -> str:
        """Return a hint with the table that a plain value may have meant, with the first parameter that fits."""
        required = {parameter.name for parameter in self.parameters if parameter.required}
        whole = (parameter for parameter in self.parameters if required <= {parameter.name})
        meant = next((parameter for parameter in whole if parameter.form.accepts(value)), None)
        if meant is None or isinstance(value, bool):
            return ""
        return f"; write {self.name} = {toml({meant.name: value})}"

    @property
    def plain_list(self) -> Parameter | None:
        """The only one of several parameters that is a list, where a list may be written for it."""
        lists = [parameter for parameter in self.parameters if parameter.many]
        others = any(parameter.required for parameter in self.parameters if not parameter.many)
        return lists[0] if len(lists) == 1 and len(self.parameters) > 1 and not others else None

    def checked(self, parameters: Mapping[str, object]) -> dict[str, object]:
        """
        Return the parameters, by hyphenated name and in the rule's own order, as the check takes them.

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


# Every rule that the modules of this package have declared so far; registry.py brings them into order.
DECLARED: list[Rule] = []


def rule(
    name: str,
    *,
    group: Group,
    page: str,
    scope: Scope = "image",
    of_the_file: bool = False,
    concerns: Iterable[Concern] = (),
    causes: Causes = lambda _case: (),
    remedies: Remedies | None = None,
    no_remedies: str = "",
    propose: Proposal | Proposals | None = None,
) -> Callable[[_Check], _Check]:
    """Return a decorator that declares a check function as a rule; `Rule` explains the arguments."""

    def declare(check: _Check) -> _Check:
        DECLARED.append(
            Rule(
                name=name,
                group=group,
                summary=(check.__doc__ or "").strip().splitlines()[0],
                page=page,
                parameters=parameters_of(check),
                check=check,
                scope=scope,
                of_the_file=of_the_file,
                concerns=frozenset(concerns),
                causes=causes,
                remedies=remedies,
                no_remedies=no_remedies,
                propose=propose if callable(propose) else _always(propose),
            )
        )
        return check

    return declare


def _always(proposal: Proposal | None) -> Proposals:
    def propose(_subjects: Sequence[Subject]) -> tuple[Proposal, ...]:
        return () if proposal is None else (proposal,)

    return propose
