"""The images of a policy's binaries: their names, known before a build, and their facts, read when needed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_golink.archives.globs import matches_name
from pytest_golink.errors import GolinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_golink.builder import BuildOptions
    from pytest_golink.builder.prebuilt import Prebuilt
    from pytest_golink.fixtures import Run
    from pytest_golink.gobinary import GoBinary
    from pytest_golink.platforms import Platform
    from pytest_golink.policy.model import Policy, PolicyBinary, RuleRequest
    from pytest_golink.rules.subject import Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """The memo of an image: its subject and build, or the error and the node id that hit it first."""

    subject: Subject | None = None
    build: GoBinary | None = None
    error: GolinkError | None = None
    met_by: str = ""


# Not frozen, and compared by identity: golink builds or reads it once, for the first item that needs it.
@dataclass(kw_only=True, eq=False, slots=True)
class Image:
    """
    One image of a policy, before and after it is built or read.

    Attributes:
        label: The name of its node: "app[linux/amd64]", "dist/agent", "agent[dist/agent]".
        binary: The [[binary]] that it belongs to.
        target: The target if known without building or reading; else None.
        match: The file that a path or goreleaser binary found, as written; None for a build.
        rules: The rules on it.
        options: The options of its build, None for a prebuilt image.
        prebuilt: The file, None for a build.
        platforms: The platforms that the policy describes, by name.
    """

    label: str
    binary: PolicyBinary
    target: str | None
    match: str | None = None
    rules: tuple[RuleRequest, ...]
    options: BuildOptions | None = None
    prebuilt: Prebuilt | None = None
    platforms: Mapping[str, Platform] = field(default_factory=dict, repr=False)
    _made: _Made | None = field(default=None, init=False, repr=False)

    def subject(self, run: Run, nodeid: str) -> Subject:
        """
        Build the image or extract it, and read it, once in a process.

        Args:
            run: The run, which has the builder.
            nodeid: The item that needs it.

        Raises:
            GolinkError: It does not build, or cannot be read. Later items get an error that names the first one, which
            shows the whole text.
        """
        if self._made is None:
            try:
                self._made = self._make(run)
            except GolinkError as error:
                self._made = _Made(error=error, met_by=nodeid)
                raise
        made = self._made
        if made.error is not None:
            if made.met_by == nodeid:
                raise made.error.with_traceback(None)
            what = "built" if self.options else "read"
            raise GolinkError(f"{self.label} could not be {what}; {made.met_by} shows the error") from made.error
        assert made.subject is not None  # noqa: S101 - there is an error or a subject
        if made.build is not None:
            run.on_image(made.build)
        return made.subject

    @property
    def name(self) -> str:
        """The name of the image in findings."""
        return self.prebuilt.label if self.prebuilt is not None else self.binary.name

    @property
    def error(self) -> GolinkError | None:
        """The error that left no subject, once known."""
        return self._made.error if self._made is not None else None

    @property
    def built(self) -> GoBinary | None:
        """The build, once done; None for a prebuilt image."""
        return self._made.build if self._made is not None else None

    def _make(self, run: Run) -> _Made:
        from pytest_golink.rules.subject import Subject

        if self.options is not None:
            # Reports call the image as the policy does, whichever item needs it.
            built = replace(run.build(self.options), name=self.binary.name)
            subject = Subject(
                name=self.binary.name,
                facts=built.facts,
                link_warnings=built.warnings,
                may_run=True,
                rebuild=built.rebuild,
                platforms=self.platforms,
            )
            return _Made(subject=subject, build=built)
        assert self.prebuilt is not None  # noqa: S101 - an image is built or there
        facts = self.prebuilt.facts
        subject = Subject(name=self.prebuilt.label, facts=facts, may_run=self.binary.may_run, platforms=self.platforms)
        return _Made(subject=subject)


@dataclass(frozen=True, kw_only=True, slots=True)
class Images:
    """The images of a binary, the errors for those that were not found, and how many files the policy leaves out."""

    images: tuple[Image, ...]
    errors: tuple[GolinkError, ...] = ()
    left_out: int = 0


def images_of(binary: PolicyBinary, policy: Policy, extract_to: Callable[[], Path]) -> Images:
    """
    Return the images of a binary.

    golink builds none of them, and reads a file only if its target decides which rules apply.
    """
    if binary.builds:
        return Images(images=tuple(_built(binary, policy)))
    images: list[Image] = []
    errors: list[GolinkError] = []
    searches: list[tuple[str, ...] | None] = [(pattern,) for pattern in binary.paths]
    if binary.goreleaser is not None:
        searches.append(None)
    seen: set[str] = set()
    left_out: set[str] = set()
    for search in searches:
        try:
            found = _found(binary, policy, search, extract_to())
        except GolinkError as error:
            errors.append(error.with_traceback(None))
            continue
        for prebuilt in found:
            # A file that is named as it is, or that goreleaser built, is no file by the way.
            named = search is None or prebuilt.label in search
            left = binary.only_executables and not named and not prebuilt.may_be_executable()
            # Two globs may match the same file.
            if matches_name(binary.exclude, prebuilt.label) or left:
                left_out.add(prebuilt.label)
            elif prebuilt.label not in seen:
                seen.add(prebuilt.label)
                images.append(_there(binary, prebuilt, policy.platforms))
    if left_out and not images and not errors:
        text = f"{binary.place}: exclude and only leave every file out ({len(left_out)}): nothing is checked"
        errors.append(GolinkError(text))
    errors += _without_rules(images)
    errors += _idle_overrides(binary, images)
    return Images(images=tuple(images), errors=tuple(errors), left_out=len(left_out))


def _built(binary: PolicyBinary, policy: Policy) -> list[Image]:
    return [
        Image(
            label=f"{binary.name}[{build.target}]" if build.target else binary.name,
            binary=binary,
            target=build.target,
            rules=build.rules,
            options=replace(build.options, cwd=str(policy.folder / (build.options.cwd or "."))),
            platforms=policy.platforms,
        )
        for build in binary.builds
    ]


def _found(
    binary: PolicyBinary, policy: Policy, patterns: tuple[str, ...] | None, extract_to: Path
) -> tuple[Prebuilt, ...]:
    from pytest_golink.builder.prebuilt import find_artifacts, find_prebuilt

    if patterns is None:
        assert binary.goreleaser is not None  # noqa: S101 - there are patterns, or this
        return find_artifacts(binary.goreleaser, policy.folder, ids=binary.ids, extract_to=extract_to)
    return find_prebuilt(patterns, policy.folder, extract_to=extract_to, exclude=binary.exclude)


def _there(binary: PolicyBinary, prebuilt: Prebuilt, platforms: Mapping[str, Platform]) -> Image:
    target = prebuilt.target
    if target is None and binary.overrides:
        try:
            target = str(prebuilt.facts.target or "") or None
        except GolinkError:
            # The item raises this error when it runs.
            target = None
    return Image(
        label=f"{binary.name}[{prebuilt.label}]" if binary.named else prebuilt.label,
        binary=binary,
        target=target,
        match=prebuilt.label,
        rules=binary.rules_for(target),
        prebuilt=prebuilt,
        platforms=platforms,
    )


def _without_rules(images: list[Image]) -> list[GolinkError]:
    return [
        GolinkError(
            f"{image.binary.place}: every rule is switched off for {image.match} ({image.target}): "
            "remove it from path, or give it a rule"
        )
        for image in images
        if not image.rules
    ]


def _idle_overrides(binary: PolicyBinary, images: list[Image]) -> list[GolinkError]:
    if not images:
        return []
    targets = ", ".join(sorted({image.target or "unknown" for image in images}))
    return [
        GolinkError(
            f"{override.changes[0].place if override.changes else binary.place}: this override for "
            f"{', '.join(override.targets)} matches no image that was found; their targets: {targets}"
        )
        for override in binary.overrides
        if not any(override.applies_to(image.target) for image in images)
    ]
