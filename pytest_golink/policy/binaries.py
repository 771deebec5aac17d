"""[[binary]] tables: where the images come from, and which rules each must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from pytest_golink.builder.options import BuildOptions, parse_options
from pytest_golink.errors import ParameterError
from pytest_golink.policy import keys
from pytest_golink.policy.model import PlannedBuild, PolicyBinary, RuleOverride, changed
from pytest_golink.policy.patterns import matches, matches_any
from pytest_golink.policy.sources import package_name, wrong_folder, wrong_path
from pytest_golink.policy.tables import known_values, names, path_of, table_at
from pytest_golink.rules.parameters import Form, TargetName

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.policy.document import Document
    from pytest_golink.policy.model import RuleChange, RuleRequest
    from pytest_golink.policy.positions import Path as KeyPath
    from pytest_golink.policy.rulesets import Rulesets

# Far above any project, and low enough for a mistake to end soon.
MAX_BINARIES = 1000
MAX_BUILDS = 5000
_SOURCES = ("package", "path", "goreleaser")
_BUILD_NAMES = tuple(key.name for key in keys.BUILD_KEYS)
_TARGET_FORM = next(part for part in get_args(TargetName) if isinstance(part, Form))


def read_binaries(document: Document, folder: Path, rulesets: Rulesets) -> list[PolicyBinary]:
    """Give the binaries that are whole, and note what is wrong with the others."""
    tables = document.values.get("binary")
    if not keys.TABLES.accepts(tables) or not tables:
        if tables == []:
            document.wrong(("binary",), "there is no [[binary]]: nothing is checked")
        return []
    entries = cast("list[dict[str, object]]", tables)
    builds = sum(len(targets) for entry in entries if isinstance(targets := entry.get("targets"), list))
    if len(entries) > MAX_BINARIES or builds > MAX_BUILDS:
        document.wrong(
            ("binary",),
            f"{len(entries)} binaries, {builds} targets; at most {MAX_BINARIES} and {MAX_BUILDS} are read",
        )
        document.check()
    binaries = [_Binary(document, ("binary", number), folder, rulesets).read() for number in range(len(entries))]
    whole = [binary for binary in binaries if binary is not None]
    _check_names(document, whole)
    return whole


def _check_names(document: Document, binaries: list[PolicyBinary]) -> None:
    first: dict[str, PolicyBinary] = {}
    for binary in binaries:
        other = first.setdefault(binary.name, binary)
        if other is not binary:
            document.wrong_at(
                binary.place.line,
                f'the binary in line {other.place.line} is called "{binary.name}" too; give this one a name of its own',
            )


class _Binary:
    """One [[binary]] while it is read."""

    def __init__(self, document: Document, path: KeyPath, folder: Path, rulesets: Rulesets) -> None:
        self._document = document
        self._path = path
        self._folder = folder
        self._rulesets = rulesets
        before = document.mistakes
        self._values = known_values(document, path, keys.BINARY, kind="[[binary]]")
        self._changes = rulesets.of((*path, "policy"), self._values.get("policy", []))
        if "rules" in self._values:
            self._changes |= {change.rule: change for change in rulesets.changes((*path, "rules"))}
        self._overrides = self._read_overrides()
        self._is_whole = rulesets.whole and document.mistakes == before

    def read(self) -> PolicyBinary | None:
        before = self._document.mistakes
        sources = [source for source in _SOURCES if source in self._values]
        if len(sources) != 1:
            given = " and ".join(sources) + " are both given" if sources else "there is none"
            if sources or self._is_whole:
                self._wrong("one of package, path and goreleaser says where a binary comes from: " + given)
            return None
        binary = self._built() if sources == ["package"] else self._taken(sources[0])
        if not self._is_whole or self._document.mistakes != before:
            return None
        return binary

    def _read_overrides(self) -> list[tuple[KeyPath, dict[str, object], tuple[RuleChange, ...]]]:
        overrides = []
        for number in range(len(cast("list[object]", self._values.get("override", [])))):
            path = (*self._path, "override", number)
            values = known_values(self._document, path, keys.OVERRIDE, kind="[[binary.override]]")
            changes = self._rulesets.changes((*path, "rules")) if "rules" in values else []
            if set(table_at(self._document, path)) == {"targets"}:
                self._document.wrong(
                    path, "[[binary.override]] changes nothing: it has neither rules nor build options"
                )
            overrides.append((path, values, tuple(changes)))
        return overrides

    def _built(self) -> PolicyBinary | None:
        for key in ("ids", "may-run"):
            if key in self._values:
                self._wrong(f"{key}: it is for what is not built here; this binary has a package", key)
        package = str(self._values["package"])
        name = self._name(package)
        targets = cast("list[str] | None", self._values.get("targets"))
        for number, written in enumerate(targets or ()):
            if not _TARGET_FORM.accepts(written):
                text = f"targets: {written!r} is not {_TARGET_FORM.text}{_TARGET_FORM.hint(written)}"
                self._document.wrong((*self._path, "targets", number), text)
        self._check_patterns(targets)
        builds = [self._build(target) for target in targets] if targets else [self._build(None)]
        rules = self._rules([])
        if self._is_whole and name is not None:
            self._check_rules(name, builds)
        if name is None or any(build is None for build in builds):
            return None
        return PolicyBinary(
            name=name,
            named="name" in self._values,
            place=self._document.place(self._path),
            builds=tuple(build for build in builds if build is not None),
            rules=rules,
        )

    def _taken(self, source: str) -> PolicyBinary:
        for name in ("targets", *_BUILD_NAMES):
            if name in self._values:
                self._wrong(f"{name}: it is for what is built here; this binary has a {source}", name)
        for path, values, _changes in self._overrides:
            for name in _BUILD_NAMES:
                if name in values:
                    text = f"{name}: it is for what is built here; this binary has a {source}"
                    self._document.wrong((*path, name), text)
        if source != "goreleaser" and "ids" in self._values:
            self._wrong("ids: they select from a goreleaser folder; this binary has a path", "ids")
        value = self._values[source]
        check = wrong_path if source == "path" else wrong_folder
        for number, written in enumerate(names(value)):
            if wrong := check(self._folder, written):
                where = path_of((*self._path, source), value, number)
                self._document.wrong(where, f"{source}: {wrong}")
        binary = PolicyBinary(
            name=str(self._values.get("name") or ", ".join(names(value))),
            named="name" in self._values,
            place=self._document.place(self._path),
            paths=names(value) if source == "path" else (),
            goreleaser=str(value) if source == "goreleaser" else None,
            ids=names(self._values.get("ids", [])),
            may_run=bool(self._values.get("may-run", False)),
            rules=self._rules([]),
            overrides=tuple(
                RuleOverride(
                    targets=names(values.get("targets", [])), changes=changes, place=self._document.place(path)
                )
                for path, values, changes in self._overrides
            ),
        )
        if self._is_whole:
            if not binary.rules:
                but = " but in its overrides, so that a file of another target would go unchecked"
                self._wrong(f'"{binary.name}" has no rules{but if self._overrides else ""}: give it a policy, or rules')
            for path, _values, changes in self._overrides:
                if binary.rules and not changed(binary.rules, list(changes)):
                    self._document.wrong(path, "this override switches every rule off")
        return binary

    def _name(self, package: str) -> str | None:
        if "name" in self._values:
            return str(self._values["name"])
        name = package_name(self._folder / str(self._values.get("cwd", ".")), package)
        if name is None or not keys.NAME.accepts(name):
            self._wrong(f'package: "{package}" does not tell a name; give one: name = "…"', "package")
            return None
        return name

    def _check_patterns(self, targets: list[str] | None) -> None:
        for path, values, _changes in self._overrides:
            for number, pattern in enumerate(names(values.get("targets", []))):
                where = (*path, "targets", number)
                if targets is None:
                    text = "without targets this binary is built for Go's default target, whichever that is; name them"
                    self._document.wrong(where, f'override: "{pattern}" cannot be decided: {text}')
                elif not any(matches(pattern, target) for target in targets):
                    text = f'override: "{pattern}" matches none of the targets: {", ".join(targets)}'
                    self._document.wrong(where, text)

    def _overrides_of(self, target: str | None) -> list[tuple[KeyPath, dict[str, object], tuple[RuleChange, ...]]]:
        patterns = [names(values.get("targets", [])) for _path, values, _changes in self._overrides]
        overrides = zip(self._overrides, patterns, strict=True)
        return [override for override, own in overrides if target is not None and matches_any(own, target)]

    def _rules(self, changes: list[RuleChange]) -> tuple[RuleRequest, ...]:
        return changed((), [*self._changes.values(), *changes])

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
        if target is not None and _TARGET_FORM.accepts(target):
            options["target"] = target
            places["target"] = (*self._path, "targets", cast("list[str]", self._values["targets"]).index(target))
        for path, values in tables:
            for name in _BUILD_NAMES:
                if name in values:
                    options[name], places[name] = values[name], (*path, name)
        # One by one first, so that each mistake is seen; then what they say together.
        alone = [self._parsed({name: value}, places) for name, value in options.items()]
        return None if None in alone else self._parsed(options, places)

    def _parsed(self, options: dict[str, object], places: dict[str, KeyPath]) -> BuildOptions | None:
        try:
            return parse_options(options)
        except ParameterError as error:
            # "ldflags: …"
            name = str(error).partition(":")[0]
            self._document.wrong(places.get(name, self._path), str(error))
            return None

    def _check_rules(self, name: str, builds: list[PlannedBuild | None]) -> None:
        bare = [build.target for build in builds if build is not None and not build.rules]
        if bare and len(bare) == len(builds):
            self._wrong(f'"{name}" has no rules: give it a policy, or rules = {{ static = true }}')
        elif bare:
            self._wrong(f'"{name}" has no rules for {", ".join(map(str, bare))}')

    def _wrong(self, text: str, key: str | None = None) -> None:
        self._document.wrong(self._path if key is None else (*self._path, key), text)
