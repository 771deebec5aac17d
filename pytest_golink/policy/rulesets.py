"""The rules of golink.toml: in [policy.NAME] tables that extend each other, and in `rules` over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.errors import ParameterError
from pytest_golink.policy import keys
from pytest_golink.policy.document import shown
from pytest_golink.policy.model import RuleChange, changed
from pytest_golink.policy.tables import known_value, names, path_of, table_at
from pytest_golink.rules import rule_named
from pytest_golink.text.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_golink.platforms import Platform
    from pytest_golink.policy.document import Document
    from pytest_golink.policy.model import RuleRequest
    from pytest_golink.policy.positions import Path
    from pytest_golink.rules import Rule

# Chains of `extends` are followed by recursion.
MAX_POLICIES = 200


class Rulesets:
    """
    The [policy.NAME] tables: each is resolved once, and its use by a binary is noted.

    Attributes:
        is_valid: Whether they have no error; if not, rules that the user meant are missing.
    """

    def __init__(self, document: Document, platforms: Mapping[str, Platform]) -> None:
        self._document = document
        self._platforms = platforms
        before = document.error_count
        # Each policy's rules, its own and inherited ones, with the policy that sets each; and the policies it extends.
        self._resolved: dict[str, dict[str, tuple[str, RuleChange]]] = {}
        self._ancestors: dict[str, frozenset[str]] = {}
        self._used: set[str] = set()
        self._misnamed = False
        self._names = self._tables()
        for name in self._names:
            known_value(document, ("policy", name), keys.RULES_ONLY)
        self._extends = {name: known_value(document, ("policy", name), keys.EXTENDS) or [] for name in self._names}
        self._own = {name: self.changes(("policy", name)) for name in self._names}
        for name in self._names:
            self._resolve(name, ())
        self.is_valid = document.error_count == before

    def changes(self, path: Path) -> list[RuleChange]:
        """Return the changes of rules that the entries of a table make, and note what is wrong with them."""
        changes = []
        table = table_at(self._document, path)
        is_policy = path[0] == "policy"
        only_go = is_policy and keys.RULES_ONLY.name in table
        for name, value in table.items():
            # The keys of a policy that are no rules.
            if is_policy and name in (keys.EXTENDS.name, keys.RULES_ONLY.name):
                continue
            change = self._change((*path, name), name, value, only_go=only_go)
            if change is not None:
                changes.append(change)
        return changes

    def of(self, path: Path, value: object) -> dict[str, RuleChange]:
        """Return the changes of rules that the policies of a binary make, the later ones over the earlier."""
        used = [name for number, name in enumerate(names(value)) if self._is_known(path_of(path, value, number), name)]
        for name in used:
            self._use(name)
        return {rule: change for rule, (_origin, change) in self._merged(used).items()}

    def requests(self) -> dict[str, tuple[RuleRequest, ...]]:
        """Return the rules of each policy by its name, its own and inherited ones."""
        resolved = self._resolved.items()
        return {name: changed((), [change for _origin, change in rules.values()]) for name, rules in resolved}

    def check_use(self) -> None:
        """Note the policies that no binary uses."""
        # A misspelt name is an error already: the user may have meant one of these.
        for name in () if self._misnamed else self._names:
            if name not in self._used:
                self._document.add_error(("policy", name), f'no binary uses the policy "{name}"')

    def _tables(self) -> list[str]:
        tables = self._document.values.get("policy")
        if not isinstance(tables, dict):
            return []
        found = []
        for name, table in tables.items():
            if isinstance(table, dict):
                found.append(name)
            else:
                text = f"policy.{name}: expected a table, not {shown(table)}; put rules in a named table: [policy.NAME]"
                self._document.add_error(("policy", name), text)
        if len(found) > MAX_POLICIES:
            self._document.add_error(("policy",), f"{len(found)} policies; at most {MAX_POLICIES} are read")
            self._document.raise_errors()
        return found

    def _use(self, name: str) -> None:
        if name not in self._used:
            self._used.add(name)
            for parent in names(self._extends[name]):
                if parent in self._own:
                    self._use(parent)

    def _is_known(self, path: Path, name: str) -> bool:
        if name in self._own:
            return True
        self._misnamed = True
        self._document.add_error(path, f'unknown policy "{name}"{suggestion(name, self._names)}')
        return False

    def _resolve(self, name: str, chain: tuple[str, ...]) -> None:
        if name in self._resolved:
            return
        path = ("policy", name, "extends")
        parents: list[str] = []
        for number, parent in enumerate(names(self._extends[name])):
            place = path_of(path, self._extends[name], number)
            if parent in (*chain, name):
                circle = [*chain, name][[*chain, name].index(parent) :]
                self._document.add_error(place, f'policy "{parent}" extends itself: {" → ".join([*circle, parent])}')
            elif self._is_known(place, parent):
                self._resolve(parent, (*chain, name))
                parents.append(parent)
        own = {change.rule: (name, change) for change in self._own[name]}
        self._resolved[name] = self._merged(parents) | own
        self._ancestors[name] = frozenset(parents).union(*(self._ancestors[parent] for parent in parents))

    def _merged(self, policies: list[str]) -> dict[str, tuple[str, RuleChange]]:
        """
        Return the rules of several policies together, each with the policy that sets it.

        The later policy wins; but the value of a policy that another one extends never wins over the other's own.
        """
        merged: dict[str, tuple[str, RuleChange]] = {}
        candidates: dict[str, list[tuple[str, RuleChange]]] = {}
        for policy in policies:
            for rule, entry in self._resolved[policy].items():
                candidates.setdefault(rule, []).append(entry)
        for rule, entries in candidates.items():
            overridden = frozenset().union(*(self._ancestors[origin] for origin, _change in entries))
            merged[rule] = [entry for entry in entries if entry[0] not in overridden][-1]
        return merged

    def _change(self, path: Path, name: str, value: object, *, only_go: bool) -> RuleChange | None:
        try:
            rule = rule_named(name)
        except ParameterError as error:
            self._document.add_error(path, str(error))
            return None
        only = keys.RULES_ONLY.name
        if isinstance(value, dict) and only in value:
            # Any rule may have it, beside its own parameters.
            known_value(self._document, path, keys.RULES_ONLY)
            only_go = True
            value = {key: entry for key, entry in value.items() if key != only} or True
        parameters, errors = _accept(rule, value)
        for wrong in errors:
            self._document.add_error(path if wrong.parameter is None else (*path, wrong.parameter), str(wrong))
        if errors:
            return None
        if Concern.PLATFORMS in rule.concerns and parameters is not None:
            self._check_platforms(path, value, parameters)
        return RuleChange(rule=name, parameters=parameters, place=self._document.location(path), only_go=only_go)

    def _check_platforms(self, path: Path, value: object, parameters: Mapping[str, object]) -> None:
        from pytest_golink.platforms import platforms_named

        if isinstance(value, dict):
            path, value = (*path, "platforms"), value["platforms"]
        for number, platform in enumerate(cast("tuple[str, ...]", parameters["platforms"])):
            if error := _error_of(platforms_named, platform, self._platforms):
                self._document.add_error(path_of(path, value, number), f"runs-on: {error}")


def _error_of(question: Callable[..., object], *arguments: object) -> ParameterError | None:
    """Return the error of a call, None where it has none."""
    try:
        question(*arguments)
    except ParameterError as error:
        return error
    return None


def _accept(rule: Rule, value: object) -> tuple[dict[str, object] | None, list[ParameterError]]:
    """Return a rule's parameters, and all that is wrong with them."""
    errors: list[ParameterError] = []
    # The rule stops at its first error: it is checked again without each parameter that is wrong.
    wrong: set[str | None] = set()
    while error := _error_of(rule.accept, value):
        if error.parameter not in wrong:
            errors.append(error)
        if not isinstance(value, dict) or error.parameter not in value or len(value) == 1:
            break
        wrong.add(error.parameter)
        value = {key: entry for key, entry in value.items() if key != error.parameter}
    return None if errors else rule.accept(value), errors
