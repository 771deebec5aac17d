"""golink.toml as values: which binaries, which rules on each, and what is waived until when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_golink.builder.options import is_pattern
from pytest_golink.policy.patterns import matches, matches_any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.location import Location
    from pytest_golink.platforms import Platform


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleRequest:
    """
    A rule of the policy, with its parameters as `Rule.checked` returns them.

    `place` is the line of the rule's key where it was written last: in a policy, in `rules` or in an override.
    `only_go` says that the rule is only about programs that Go built.
    """

    rule: str
    parameters: Mapping[str, object]
    place: Location
    only_go: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleChange:
    """A rule in one line of the policy: on with these parameters, or off where they are None."""

    rule: str
    parameters: Mapping[str, object] | None
    place: Location
    only_go: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleOverride:
    """Changes for the targets that match one of the patterns; `place` is the line of its header."""

    targets: tuple[str, ...]
    changes: tuple[RuleChange, ...]
    place: Location

    def applies_to(self, target: str | None) -> bool:
        """Whether the override is for a target; it is never for an unknown one."""
        return target is not None and matches_any(self.targets, target)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedBuild:
    """
    One build of a package, and the rules on its image.

    `target` is None for the one build that a binary without `targets` has, for Go's default target. `options.cwd` is
    as written: relative to the policy's folder, which is where it is None.
    """

    target: str | None
    options: BuildOptions
    rules: tuple[RuleRequest, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyBinary:
    """
    One [[binary]]: either `builds`, or `paths`, or `goreleaser` says where its images come from.

    Attributes:
        name: Unique in the file; the paths or the pattern as written, or the folder, where none was given.
        named: Whether the file gives the name.
        place: The line of its header.
        builds: One a target, in the order of the file; () for a binary that golink does not build.
        paths: Globs as written, "archive!member" too, relative to the policy's folder; () else.
        goreleaser: The dist folder, relative to the policy's folder; None else.
        exclude: Globs of files that are left out.
        only_executables: Whether files that are no executable and no shared library are left out.
        ids: The build ids that are taken from it; () for all.
        may_run: Whether rules about running may start an image that was not built here.
        rules: The rules of no override, in the order of the rules page.
        overrides: Those of a binary that golink does not build; a build's `rules` have them already.
    """

    name: str
    named: bool
    place: Location
    builds: tuple[PlannedBuild, ...] = ()
    paths: tuple[str, ...] = ()
    goreleaser: str | None = None
    exclude: tuple[str, ...] = ()
    only_executables: bool = False
    ids: tuple[str, ...] = ()
    may_run: bool = False
    rules: tuple[RuleRequest, ...]
    overrides: tuple[RuleOverride, ...] = ()

    @property
    def pattern(self) -> str:
        """The pattern of packages that it builds the main packages of; "" for one that names its package, or files."""
        package = self.builds[0].options.package if self.builds else ""
        return package if is_pattern(package) else ""

    def rules_for(self, target: str | None) -> tuple[RuleRequest, ...]:
        """
        Return the rules on an image of that target, in the order of the rules page.

        Args:
            target: The build's, or as it was read from a file; None where the file does not tell.

        Returns:
            () where the binary has no build for that target, and where overrides switch every rule off: the caller must
            not take that for a pass.
        """
        if self.builds:
            # The build for Go's default target has no target in the file, and the caller may know it.
            for build in self.builds:
                if build.target in (target, None):
                    return build.rules
            return ()
        changes = [change for override in self.overrides if override.applies_to(target) for change in override.changes]
        return changed(self.rules, changes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """
    One [[waive]]: violations that are known, with a reason, until a day.

    Attributes:
        binary: A pattern of the binary's name, of "name[target]" or of "name[path]".
        rules: The rules it is about, at least one.
        targets: Patterns of targets; () for all.
        reason: Why, never empty.
        until: The last day that it holds.
        place: The line of its header.
    """

    binary: str
    rules: tuple[str, ...]
    targets: tuple[str, ...] = ()
    reason: str
    until: dt.date
    place: Location

    def covers(
        self, name: str, target: str | None, rule: str, *, match: str | None = None, globs: Sequence[str] = ()
    ) -> bool:
        """
        Whether it is about that rule on that image, expired or not.

        Args:
            name: The binary's name.
            target: The image's, None where that is not known; a waiver with `targets` is not about such an image.
            rule: The rule's name.
            match: The file that a path or goreleaser binary found, relative to the policy's folder.
            globs: The paths of a binary without a name, which make its `name` together.
        """
        if rule not in self.rules:
            return False
        if self.targets and (target is None or not matches_any(self.targets, target)):
            return False
        if self.binary == name or (match is not None and matches(self.binary, match)):
            return True
        # "dist/a*" is not about all of "dist/a*, dist/b", and a "?" is not about all that a "*" finds.
        if globs and "?" in self.binary:
            return False
        suffixes = ("", *(f"[{part}]" for part in (target, match) if part))
        return any(all(matches(self.binary, f"{each}{suffix}") for each in globs or (name,)) for suffix in suffixes)

    def expired(self, today: dt.date) -> bool:
        """Whether its last day is over."""
        return today > self.until


DEFAULT_SIZE_TOLERANCE = "5%"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """
    A golink.toml, validated.

    Attributes:
        file: The file that was read.
        folder: Its folder: what paths and packages are relative to.
        binaries: In the order of the file, at least one where the file says what is checked.
        rulesets: The rules of each [policy.NAME], with those that it extends, by name.
        waivers: In the order of the file.
        size_tolerance: Of the lock, as written: a share ("5%") or a size ("200 KB").
        platforms: The file's own platforms, by name.
    """

    file: Path
    folder: Path
    binaries: tuple[PolicyBinary, ...]
    rulesets: Mapping[str, tuple[RuleRequest, ...]] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    size_tolerance: str = DEFAULT_SIZE_TOLERANCE
    platforms: Mapping[str, Platform] = field(default_factory=dict)

    def waiver_for(self, name: str, target: str | None, rule: str, *, match: str | None = None) -> Waiver | None:
        """
        Return the waiver of that rule on that image, None if there is none; of several the one that holds longest.

        It may have expired: ask `Waiver.expired`. The arguments are those of `Waiver.covers`.
        """
        globs = next((binary.paths for binary in self.binaries if binary.name == name and not binary.named), ())
        covering = [waiver for waiver in self.waivers if waiver.covers(name, target, rule, match=match, globs=globs)]
        return max(covering, key=lambda waiver: waiver.until, default=None)


def changed(rules: tuple[RuleRequest, ...], changes: list[RuleChange]) -> tuple[RuleRequest, ...]:
    """Return the rules after the changes; the last change of a rule counts. They are in the order of the rules page."""
    # The registry knows the order; a process that only looks at waivers need not load it.
    from pytest_golink.rules import RULES

    requests = {request.rule: request for request in rules}
    for change in changes:
        requests.pop(change.rule, None)
        if change.parameters is not None:
            requests[change.rule] = RuleRequest(
                rule=change.rule, parameters=change.parameters, place=change.place, only_go=change.only_go
            )
    return tuple(requests[rule] for rule in RULES if rule in requests)
