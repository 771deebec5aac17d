"""Rules as golink.toml asks for them: in [policy.NAME] tables that extend each other, and in `rules` over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.errors import ParameterError
from pytest_golink.policy import keys
from pytest_golink.policy.document import shown
from pytest_golink.policy.model import RuleChange
from pytest_golink.policy.tables import known_value, names, path_of, table_at
from pytest_golink.rules import rule_named
from pytest_golink.text.suggest import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_golink.platforms import Platform
    from pytest_golink.policy.document import Document
    from pytest_golink.policy.positions import Path

# Chains of `extends` are followed by recursion.
MAX_POLICIES = 200


class Rulesets:
    """
    The [policy.NAME] tables: each is resolved once, and whether a binary uses it is noted.

    Attributes:
        whole: Whether nothing is wrong in them; if not, rules are missing that were meant.
    """

    def __init__(self, document: Document, platforms: Mapping[str, Platform]) -> None:
        self._document = document
        self._platforms = platforms
        before = document.mistakes
        self._resolved: dict[str, dict[str, RuleChange]] = {}
        self._used: set[str] = set()
        self._misnamed = False
        self._names = self._tables()
        self._extends = {name: known_value(document, ("policy", name), keys.EXTENDS) or [] for name in self._names}
        self._own = {name: self.changes(("policy", name)) for name in self._names}
        for name in self._names:
            self._resolve(name, ())
        self.whole = document.mistakes == before

    def changes(self, path: Path) -> list[RuleChange]:
        """Give what the entries of a table say of rules, and note what is wrong with them."""
        changes = []
        for name, value in table_at(self._document, path).items():
            # The one key of a policy that is no rule.
            if path[0] == "policy" and name == keys.EXTENDS.name:
                continue
            change = self._change((*path, name), name, value)
            if change is not None:
                changes.append(change)
        return changes

    def of(self, path: Path, value: object) -> dict[str, RuleChange]:
        """Give what the policies of a binary's `policy` say, the later ones over the earlier."""
        changes: dict[str, RuleChange] = {}
        for number, name in enumerate(names(value)):
            if self._is_known(path_of(path, value, number), name):
                self._use(name)
                changes.update(self._resolved[name])
        return changes

    def check_use(self) -> None:
        """Note the policies that no binary uses."""
        # Whoever meant one of them and misspelt it is told so already.
        for name in () if self._misnamed else self._names:
            if name not in self._used:
                self._document.wrong(("policy", name), f'no binary uses the policy "{name}"')

    def _tables(self) -> list[str]:
        tables = self._document.values.get("policy")
        if not isinstance(tables, dict):
            return []
        found = []
        for name, table in tables.items():
            if isinstance(table, dict):
                found.append(name)
            else:
                text = f"policy.{name}: expected a table, not {shown(table)}; rules stand in a named one: [policy.NAME]"
                self._document.wrong(("policy", name), text)
        if len(found) > MAX_POLICIES:
            self._document.wrong(("policy",), f"{len(found)} policies; at most {MAX_POLICIES} are read")
            self._document.check()
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
        self._document.wrong(path, f'unknown policy "{name}"{suggestion(name, self._names)}')
        return False

    def _resolve(self, name: str, chain: tuple[str, ...]) -> dict[str, RuleChange]:
        if name in self._resolved:
            return self._resolved[name]
        path = ("policy", name, "extends")
        changes: dict[str, RuleChange] = {}
        for number, parent in enumerate(names(self._extends[name])):
            place = path_of(path, self._extends[name], number)
            if parent in (*chain, name):
                circle = [*chain, name][[*chain, name].index(parent) :]
                self._document.wrong(place, f'policy "{parent}" extends itself: {" → ".join([*circle, parent])}')
            elif self._is_known(place, parent):
                changes.update(self._resolve(parent, (*chain, name)))
        changes.update({change.rule: change for change in self._own[name]})
        self._resolved[name] = changes
        return changes

    def _change(self, path: Path, name: str, value: object) -> RuleChange | None:
        place = self._document.place(path)
        try:
            rule = rule_named(name)
        except ParameterError as error:
            self._document.wrong(path, str(error))
            return None
        # A wrong parameter hides the next one from the rule's own check: without it the others are asked for again.
        removed: list[str] = []
        while True:
            try:
                parameters = rule.accept(value)
                break
            except ParameterError as error:
                text = str(error)
            wrong = _named(text, name, value)
            if not any(text.startswith(f"{name}: {parameter} is missing") for parameter in removed):
                self._document.wrong(path if wrong is None else (*path, wrong), text)
            if wrong is None or not isinstance(value, dict):
                return None
            removed.append(wrong)
            value = {key: entry for key, entry in value.items() if key != wrong}
            if not value:
                return None
        if removed:
            return None
        if Concern.PLATFORMS in rule.concerns and parameters is not None:
            self._check_platforms(path, value, parameters)
        return RuleChange(rule=name, parameters=parameters, place=place)

    def _check_platforms(self, path: Path, value: object, parameters: Mapping[str, object]) -> None:
        from pytest_golink.platforms import platforms_named

        if isinstance(value, dict):
            path, value = (*path, "platforms"), value["platforms"]
        for number, platform in enumerate(cast("tuple[str, ...]", parameters["platforms"])):
            if text := _message(platforms_named, platform, self._platforms):
                self._document.wrong(path_of(path, value, number), f"runs-on: {text}")


def _message(question: Callable[..., object], *values: object) -> str:
    """Give the message of the ParameterError that asking raises; nothing where it raises none."""
    try:
        question(*values)
    except ParameterError as error:
        return str(error)
    return ""


def _named(text: str, rule: str, value: object) -> str | None:
    """Give the parameter of a rule's table that a message is about, None where it is about the whole."""
    for key in value if isinstance(value, dict) else ():
        if text.startswith((f"{rule}: {key}: ", f'{rule}: unknown parameter "{key}"')):
            return str(key)
    return None
