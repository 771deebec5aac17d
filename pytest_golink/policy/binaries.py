"""[[binary]] tables: where the images come from, and which rules each must keep."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from pytest_golink.builder.options import BuildOptions, is_pattern, parse_options
from pytest_golink.errors import ParameterError
from pytest_golink.forms import TABLES
from pytest_golink.policy import keys
from pytest_golink.policy.model import PlannedBuild, PolicyBinary, RuleOverride, changed
from pytest_golink.policy.patterns import matches, matches_any
from pytest_golink.policy.sources import package_name, wrong_folder, wrong_path
from pytest_golink.policy.tables import known_values, names, path_of, table_at
from pytest_golink.rules.parameters import TARGET
from pytest_golink.text.suggest import brace_hint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_golink.policy.document import Document
    from pytest_golink.policy.model import RuleChange, RuleRequest
    from pytest_golink.policy.positions import Path as KeyPath
    from pytest_golink.policy.rulesets import Rulesets

# Far above any project, and low enough that a mistake ends soon.
MAX_BINARIES = 1000
MAX_BUILDS = 5000
_SOURCES = ("package", "path", "goreleaser")
_BUILD_NAMES = tuple(key.name for key in keys.BUILD_KEYS)


def read_binaries(document: Document, folder: Path, rulesets: Rulesets) -> list[PolicyBinary]:
    """Return the binaries that are valid, and note what is wrong with the others."""
    tables = document.values.get("binary")
    if not TABLES.accepts(tables) or not tables:
        if tables == []:
            document.add_error(("binary",), "there is no [[binary]]: nothing is checked")
        return []
    entries = cast("list[dict[str, object]]", tables)
    builds = sum(len(targets) for entry in entries if isinstance(targets := entry.get("targets"), list))
    if len(entries) > MAX_BINARIES or builds > MAX_BUILDS:
        document.add_error(
            ("binary",),
            f"{len(entries)} binaries, {builds} targets; at most {MAX_BINARIES} and {MAX_BUILDS} are read",
        )
        document.raise_errors()
    binaries = [_Binary(document, ("binary", number), folder, rulesets).read() for number in range(len(entries))]
    valid = [binary for binary in binaries if binary is not None]
    _check_names(document, valid)
    return valid


def _check_names(document: Document, binaries: list[PolicyBinary]) -> None:
    first: dict[str, PolicyBinary] = {}
    for binary in binaries:
        other = first.setdefault(binary.name, binary)
        if other is not binary:
            document.add_error_at(
                binary.place.line,
                f'the binary in line {other.place.line} is called "{binary.name}" too; give this one another name',
            )


class _Binary:
    """One [[binary]] while it is read."""

    def __init__(self, document: Document, path: KeyPath, folder: Path, rulesets: Rulesets) -> None:
        self._document = document
        self._path = path
        self._folder = folder
        self._rulesets = rulesets
        before = document.error_count
        self._values = known_values(document, path, keys.BINARY, kind="[[binary]]")
        self._changes = rulesets.of((*path, "policy"), self._values.get("policy", []))
        if "rules" in self._values:
            self._changes |= {change.rule: change for change in rulesets.changes((*path, "rules"))}
        self._overrides = self._read_overrides()
        self._is_valid = rulesets.is_valid and document.error_count == before

    def read(self) -> PolicyBinary | None:
        before = self._document.error_count
        sources = [source for source in _SOURCES if source in self._values]
        if len(sources) != 1:
            given = f"there are {' and '.join(sources)}" if sources else "there is none"
            if sources or self._is_valid:
                self._add_error(f"exactly one of package, path and goreleaser must be given: {given}")
            return None
        binary = self._built() if sources == ["package"] else self._taken(sources[0])
        if not self._is_valid or self._document.error_count != before:
            return None
        return binary

    def _read_overrides(self) -> list[tuple[KeyPath, dict[str, object], tuple[RuleChange, ...]]]:
        overrides = []
        for number in range(len(cast("list[object]", self._values.get("override", [])))):
            path = (*self._path, "override", number)
            values = known_values(self._document, path, keys.OVERRIDE, kind="[[binary.override]]")
            changes = self._rulesets.changes((*path, "rules")) if "rules" in values else []
            if set(table_at(self._document, path)) == {"targets"}:
                self._document.add_error(
                    path, "[[binary.override]] changes nothing: it has neither rules nor build options"
                )
            overrides.append((path, values, tuple(changes)))
        return overrides

    def _built(self) -> PolicyBinary | None:
        for key in ("exclude", "only", "ids", "may-run"):
            if key in self._values:
                self._add_error(f"{key}: only for a binary that golink does not build; this binary has a package", key)
        package = str(self._values["package"])
        name = self._name(package)
        targets = cast("list[str] | None", self._values.get("targets"))
        for number, written in enumerate(targets or ()):
            if not TARGET.accepts(written):
                text = f"targets: {written!r} is not {TARGET.text}{TARGET.hint(written)}"
                self._document.add_error((*self._path, "targets", number), text)
        self._check_patterns(targets)
        builds = [self._build(target) for target in targets] if targets else [self._build(None)]
        rules = self._rules([])
        if self._is_valid and name is not None:
            self._check_rules(name, builds)
        if name is None or any(build is None for build in builds):
            return None
        return PolicyBinary(
            name=name,
            named="name" in self._values,
            place=self._document.location(self._path),
            builds=tuple(build for build in builds if build is not None),
            rules=rules,
        )

    def _taken(self, source: str) -> PolicyBinary:
        self._check_taken(source)
        value = self._values[source]
        binary = PolicyBinary(
            name=str(self._values.get("name") or ", ".join(names(value))),
            named="name" in self._values,
            place=self._document.location(self._path),
            paths=names(value) if source == "path" else (),
            goreleaser=str(value) if source == "goreleaser" else None,
            exclude=names(self._values.get("exclude", [])),
            only_executables="only" in self._values,
            ids=names(self._values.get("ids", [])),
            may_run=bool(self._values.get("may-run", False)),
            rules=self._rules([]),
            overrides=tuple(
                RuleOverride(
                    targets=names(values.get("targets", [])),
                    changes=tuple(self._own(changes)),
                    place=self._document.location(path),
                )
                for path, values, changes in self._overrides
            ),
        )
        if self._is_valid:
            self._check_rules_of_taken(binary)
        return binary

    def _check_taken(self, source: str) -> None:
        """Note the keys that only a built binary has, and the paths that are wrong."""
        tables = [(self._path, self._values), *((path, values) for path, values, _changes in self._overrides)]
        for path, values in tables:
            for name in ("targets", *_BUILD_NAMES) if path == self._path else _BUILD_NAMES:
                if name in values:
                    text = f"{name}: only for a binary that golink builds; this binary has a {source}"
                    self._document.add_error((*path, name), text)
        if source != "goreleaser" and "ids" in self._values:
            self._add_error("ids: they select from a goreleaser folder; this binary has a path", "ids")
        check = wrong_path if source == "path" else wrong_folder
        value = self._values[source]
        for number, written in enumerate(names(value)):
            if wrong := check(self._folder, written):
                self._document.add_error(path_of((*self._path, source), value, number), f"{source}: {wrong}")
        excluded = self._values.get("exclude", [])
        for number, written in enumerate(names(excluded)):
            if wrong := wrong_path(self._folder, written):
                self._document.add_error(path_of((*self._path, "exclude"), excluded, number), f"exclude: {wrong}")

    def _check_rules_of_taken(self, binary: PolicyBinary) -> None:
        if not binary.rules:
            but = " but in its overrides, so that a file of another target would go unchecked"
            self._add_error(f'"{binary.name}" has no rules{but if self._overrides else ""}: give it a policy, or rules')
            return
        for path, _values, changes in self._overrides:
            if not changed(binary.rules, list(changes)):
                self._document.add_error(path, "this override switches every rule off")

    def _name(self, package: str) -> str | None:
        if "name" in self._values:
            return str(self._values["name"])
        if is_pattern(package):
            return package
        name = package_name(self._folder / str(self._values.get("cwd", ".")), package)
        if name is None or not keys.NAME.accepts(name):
            self._add_error(f'package: "{package}" does not tell a name; add name = "…"', "package")
            return None
        return name

    def _check_patterns(self, targets: list[str] | None) -> None:
        for path, values, _changes in self._overrides:
            for number, pattern in enumerate(names(values.get("targets", []))):
                where = (*path, "targets", number)
                if targets is None:
                    text = "without targets the binary is built for Go's default target, which depends on the machine"
                    self._document.add_error(where, f'override: "{pattern}" cannot be decided: {text}; add targets')
                elif not any(matches(pattern, target) for target in targets):
                    text = (
                        f'override: "{pattern}" matches none of the targets: {", ".join(targets)}{brace_hint(pattern)}'
                    )
                    self._document.add_error(where, text)

    def _overrides_of(self, target: str | None) -> list[tuple[KeyPath, dict[str, object], tuple[RuleChange, ...]]]:
        patterns = [names(values.get("targets", [])) for _path, values, _changes in self._overrides]
        overrides = zip(self._overrides, patterns, strict=True)
        return [override for override, own in overrides if target is not None and matches_any(own, target)]

    def _rules(self, changes: list[RuleChange]) -> tuple[RuleRequest, ...]:
        return changed((), self._own([*self._changes.values(), *changes]))

    def _own(self, changes: Iterable[RuleChange]) -> list[RuleChange]:
        """Return the changes as the binary's own `only` has them."""
        only_go = self._values.get("only") == "go"
        return [replace(change, only_go=True) if only_go else change for change in changes]

    def _build(self, target: str | None) -> PlannedBuild | None:
        overrides = self._overrides_of(target)
        options = self._options(
            target, [(self._path, self._values), *((path, values) for path, values, _ in overrides)]
        )
        rules = self._rules([change for _path, _values, changes in overrides for change in changes])
        return None if options is None else PlannedBuild(target=target, options=options, rules=rules)

    def _options(self, target: str | None, tables: list[tuple[KeyPath, dict[str, object]]]) -> BuildOptions | None:
        options: dict[str, object] = {"package": self._values["package"]}
        places: dict[str, KeyPath] = {"package": (*self._path, "package")}
        if target is not None and TARGET.accepts(target):
            options["target"] = target
            places["target"] = (*self._path, "targets", cast("list[str]", self._values["targets"]).index(target))
        for path, values in tables:
            for name in _BUILD_NAMES:
                if name in values:
                    options[name], places[name] = values[name], (*path, name)
        # Each one first, so that each mistake is seen; then all together.
        alone = [self._parsed({name: value}, places) for name, value in options.items()]
        return None if None in alone else self._parsed(options, places)

    def _parsed(self, options: dict[str, object], places: dict[str, KeyPath]) -> BuildOptions | None:
        try:
            return parse_options(options, patterns=True)
        except ParameterError as error:
            self._document.add_error(places.get(error.parameter or "", self._path), str(error))
            return None

    def _check_rules(self, name: str, builds: list[PlannedBuild | None]) -> None:
        bare = [build.target for build in builds if build is not None and not build.rules]
        if bare and len(bare) == len(builds):
            self._add_error(f'"{name}" has no rules: give it a policy, or rules = {{ static = true }}')
        elif bare:
            self._add_error(f'"{name}" has no rules for {", ".join(map(str, bare))}')

    def _add_error(self, text: str, key: str | None = None) -> None:
        self._document.add_error(self._path if key is None else (*self._path, key), text)
