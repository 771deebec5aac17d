"""The nodes of a golink.toml: the file, its images, and an item for each rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.collect import waivers
from pytest_golink.collect.images import images_of
from pytest_golink.collect.node_ids import item_id
from pytest_golink.errors import GolinkError, PolicyViolation
from pytest_golink.fixtures import RUN
from pytest_golink.recording import record
from pytest_golink.report.error_text import reported
from pytest_golink.report.finding_text import finding_text
from pytest_golink.rules import RULES, evaluate, evaluate_together
from pytest_golink.text.escape import escape

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from pytest_golink.builder import BuildOptions
    from pytest_golink.collect.images import Image
    from pytest_golink.findings import Finding
    from pytest_golink.location import Location
    from pytest_golink.policy.model import Policy, PolicyBinary, RuleRequest, Waiver
    from pytest_golink.report.model import ReportedError
    from pytest_golink.rules.subject import Subject


class GolinkFile(pytest.File):
    """One golink.toml."""

    def __init__(self, *, policy: Policy, **others: Any) -> None:
        super().__init__(**others)
        self.policy = policy

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Give a collector for each image, and one for each binary that has items of its own."""
        extract_to = self.config.stash[RUN].extracted
        parts: list[GolinkImage | GolinkBinary] = []
        for binary in self.policy.binaries:
            images, errors = images_of(binary, self.policy, extract_to)
            parts += [GolinkImage.from_parent(self, name=_name(image.label), image=image) for image in images]
            together = _together(images)
            if together or errors:
                name = _name(binary.name)
                parts.append(
                    GolinkBinary.from_parent(
                        self, name=name, binary=binary, images=images, requests=together, errors=errors
                    )
                )
        items: list[tuple[PolicyPart, list[PolicyItem]]] = [(part, list(part.items())) for part in parts]
        settings = self.config.stash[RUN].settings
        if settings.lock or settings.update_lock:
            from pytest_golink.collect.locks import add_lock_items

            add_lock_items(self, items, update=settings.update_lock)
        candidates = [item for _, several in items for item in several if isinstance(item, GolinkRule)]
        for waiver in self.policy.waivers:
            about = [item for item in candidates if item.may_need(waiver)]
            for item in about:
                item.waivers.append((waiver, len(about)))
        # pytest takes `golink.toml::app[linux/amd64]::static` for a file and one name: what stands behind a bracket is
        # a parameter to it. An item that is selected so is a child of the file, under that name.
        selected = _selected(self.config, self.path)
        for part, several in items:
            own = [item for item in several if f"{part.name}::{item.name}" not in selected]
            part.given = own
            if own:
                yield part
            yield from (item.alone(self) for item in several if item not in own)


class PolicyPart(pytest.Collector):
    """One image or binary of a policy, with the items that the file has given it."""

    given: Sequence[PolicyItem] = ()

    def collect(self) -> Iterable[pytest.Item]:
        """Give the items."""
        return self.given

    def id_of(self, item: str) -> Any:
        """Give the node id of an item of that name."""
        return item_id(f"{self.nodeid}::{item}")

    @property
    def _file(self) -> GolinkFile:
        assert isinstance(self.parent, GolinkFile)  # noqa: S101 - it is made there alone
        return self.parent


class GolinkImage(PolicyPart):
    """One image: built, or there already."""

    def __init__(self, *, image: Image, **others: Any) -> None:
        super().__init__(**others)
        self.image = image

    def items(self) -> Iterator[PolicyItem]:
        """Give an item for each rule on the image."""
        for request in self.image.rules:
            if RULES[request.rule].over == "image":
                yield GolinkRule.from_parent(
                    self,
                    name=request.rule,
                    nodeid=self.id_of(request.rule),
                    policy=self._file.policy,
                    binary=self.image.binary,
                    images=(self.image,),
                    request=request,
                )


class GolinkBinary(PolicyPart):
    """What is asked of all images of a binary together, and what of it was not found."""

    def __init__(
        self,
        *,
        binary: PolicyBinary,
        images: tuple[Image, ...],
        requests: tuple[RuleRequest, ...],
        errors: tuple[GolinkError, ...],
        **others: Any,
    ) -> None:
        super().__init__(**others)
        self._binary = binary
        self._images = images
        self._requests = requests
        self._errors = errors

    def items(self) -> Iterator[PolicyItem]:
        """Give an item for what was not found, and one for each rule over the binary."""
        if self._errors:
            yield GolinkPath.from_parent(
                self, name="path", nodeid=self.id_of("path"), place=self._binary.place, errors=self._errors
            )
        for request in self._requests:
            yield GolinkRule.from_parent(
                self,
                name=request.rule,
                nodeid=self.id_of(request.rule),
                policy=self._file.policy,
                binary=self._binary,
                # An override may have switched it off for some.
                images=tuple(image for image in self._images if request.rule in (asked.rule for asked in image.rules)),
                request=request,
            )


class PolicyItem(pytest.Item):
    """What is asked at one line of a policy, or of its lock."""

    # The builds that it asks for, which are announced before the first one starts.
    golink_builds: tuple[BuildOptions, ...] = ()
    # The images that it is about.
    golink_images: tuple[Image, ...] = ()

    def __init__(self, *, place: Location, **others: Any) -> None:
        super().__init__(**others)
        self.place = place
        # No argument: what the marker says to go_binary is none of its business.
        self.add_marker("golink")

    def alone(self, file: GolinkFile) -> PolicyItem:
        """Give the same item as a child of the file, under its whole name."""
        assert self.parent is not None  # noqa: S101 - an item has a collector
        self.name = f"{self.parent.name}::{self.name}"
        self.parent = file
        return self

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Give the line that asked, and the item's heading."""
        assert self.parent is not None  # noqa: S101 - an item has a collector
        heading = self.name.replace("::", " ") if "::" in self.name else f"{self.parent.name} {self.name}"
        return self.path, self.place.line - 1, heading

    def reported_errors(self, error: BaseException) -> tuple[ReportedError, ...]:
        """Say which image, and which line, an error is about that this item ended in."""
        for image in self.golink_images:
            made = image.error
            # An item after the first one is told where the error stands.
            if made is not None and (made is error or made is error.__cause__):
                return (reported(made, image=image.name, target=image.target, place=str(image.binary.place)),)
        return (reported(error, place=str(self.place)),)

    def repr_failure(self, excinfo: ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        """Show an answer, or why there is none, by its text: where in golink it was found out does not matter."""
        if not isinstance(excinfo.value, (PolicyViolation, GolinkError, pytest.xfail.Exception)):
            return super().repr_failure(excinfo, style)
        shown = excinfo.getrepr(style="value", chain=False)
        crash = shown.reprcrash
        assert crash is not None  # noqa: S101 - the caller's frame at least is not hidden
        # What pytest's summary, JUnit's message and CI annotations name.
        crash = replace(crash, path=str(self.path), lineno=self.place.line, message=_in_short(excinfo.value))
        return type(shown)([(shown.reprtraceback, crash, None)])  # type: ignore[call-arg,arg-type]


class GolinkPath(PolicyItem):
    """What a binary's path, or its goreleaser folder, does not have."""

    def __init__(self, *, errors: tuple[GolinkError, ...], **others: Any) -> None:
        super().__init__(**others)
        self._errors = errors

    def setup(self) -> None:
        """Say what was not found."""
        raise GolinkError(*(line for error in self._errors for line in str(error).split("\n")))

    def reported_errors(self, error: BaseException) -> tuple[ReportedError, ...]:
        """Give each of them."""
        if not isinstance(error, GolinkError):
            return super().reported_errors(error)
        # What was looked for, or into; what is wrong with an override is about no image.
        names = [str(getattr(each, "wanted", None) or getattr(each, "path", "")) for each in self._errors]
        return tuple(
            reported(each, image=name, place=str(self.place)) for each, name in zip(self._errors, names, strict=True)
        )

    def runtest(self) -> None:
        """Is never reached."""


class GolinkRule(PolicyItem):
    """One rule on one image, or on all images of a binary together."""

    def __init__(
        self,
        *,
        policy: Policy,
        binary: PolicyBinary,
        images: tuple[Image, ...],
        request: RuleRequest,
        **others: Any,
    ) -> None:
        super().__init__(place=request.place, **others)
        self._policy = policy
        self._binary = binary
        self._images = self.golink_images = images
        # Not _request: an item that has one is a test function to pytest, which clears it after a run.
        self._asks = request
        self._subjects: tuple[Subject, ...] = ()
        # Those that may be about it, each with the number of such items.
        self.waivers: list[tuple[Waiver, int]] = []
        self.golink_builds = tuple(image.options for image in images if image.options is not None)

    @property
    def _one(self) -> Image | None:
        return self._images[0] if RULES[self._asks.rule].over == "image" else None

    def may_need(self, waiver: Waiver) -> bool:
        """Whether a waiver may be about this item, as far as is known before its image is read."""
        rule, one = self._asks.rule, self._one
        if one is None:
            return waiver.covers(self._binary.name, None, rule)
        # Without a target, whoever is about the rule may be about the item.
        return rule in waiver.rules and (
            one.target is None or waiver.covers(self._binary.name, one.target, rule, match=one.match)
        )

    def reported_errors(self, error: BaseException) -> tuple[ReportedError, ...]:
        """Say the same of an error in asking the rule of an image that is there."""
        if not self._subjects or self._one is None:
            return super().reported_errors(error)
        subject = self._subjects[0]
        target = str(subject.facts.target) if subject.facts.target else None
        return (reported(error, image=subject.name, target=target, path=subject.facts.path, place=str(self.place)),)

    def setup(self) -> None:
        """Build or read the images."""
        run = self.config.stash[RUN]
        self._subjects = tuple(image.subject(run, self.nodeid) for image in self._images)

    def teardown(self) -> None:
        """Let go of the images."""
        self._subjects = ()

    def runtest(self) -> None:
        """Ask the rule."""
        one = self._one
        finding = replace(self._asked(), place=str(self.place))
        if one is not None and finding.fails:
            from pytest_golink.source import explained

            finding = explained(
                finding,
                self._subjects[0].facts,
                one.built,
                self._policy_of(one, finding),
                self._subjects[0].platforms,
            )
        target = finding.target if one is not None else None
        match = one.match if one is not None else None
        waiver = self._policy.waiver_for(self._binary.name, target, self._asks.rule, match=match)
        violated = finding.outcome == "violated"
        expired = waiver is not None and waiver.expired(waivers.today())
        if violated and waiver is not None and not expired:
            finding = replace(finding, outcome="waived", waiver=waivers.waiver_text(waiver))
        record(finding, *self._subjects)
        for candidate, items in self.waivers:
            needed = violated and candidate == waiver
            self.user_properties.append(waivers.waiver_property(candidate, needed=needed, items=items))
        if violated and finding.waiver and not self.config.getoption("runxfail", default=False):
            pytest.xfail(finding.waiver)
        if violated or finding.fails:
            lines = [waivers.expired_text(waiver, finding)] if violated and waiver is not None and expired else []
            lines += [finding_text(finding), f"  asked for {finding.place}"]
            raise PolicyViolation("\n".join(lines), finding)

    def _policy_of(self, image: Image, finding: Finding) -> list[tuple[str, Mapping[str, object]]]:
        """Give the rules that a remedy for an image must keep: all but those that are waived."""
        return [
            (request.rule, request.parameters)
            for request in image.rules
            if RULES[request.rule].over == "image"
            and (
                (waiver := self._policy.waiver_for(self._binary.name, finding.target, request.rule, match=image.match))
                is None
                or waiver.expired(waivers.today())
            )
        ]

    def _asked(self) -> Finding:
        rule, parameters = self._asks.rule, self._asks.parameters
        if self._one is not None:
            return evaluate(rule, self._subjects[0], parameters)
        return evaluate_together(rule, self._subjects, parameters, name=self._binary.name)


def _together(images: tuple[Image, ...]) -> tuple[RuleRequest, ...]:
    # The rules over the binary, as the first image that has them asks.
    requests: dict[str, RuleRequest] = {}
    for image in images:
        for request in image.rules:
            if RULES[request.rule].over == "binary":
                requests.setdefault(request.rule, request)
    return tuple(requests.values())


def _name(text: str) -> str:
    # A file or a member of an archive may be called anything.
    return escape(text).replace("::", ": :")


def _selected(config: pytest.Config, file: os.PathLike[str]) -> frozenset[str]:
    """Give the names behind a bracket by which the command line selects items of a file."""
    names = set()
    for argument in config.args:
        before, bracket, _ = argument.partition("[")
        path, colons, _ = before.partition("::")
        if bracket and colons and (config.invocation_params.dir / path).resolve() == file.resolve():  # type: ignore[attr-defined]
            names.add(argument[len(path) + len(colons) :])
    return frozenset(names)


def _in_short(error: BaseException) -> str:
    if not isinstance(error, PolicyViolation):
        return str(error).split("\n", 1)[0]
    finding = error.finding
    cause = f"; {finding.cause[0]}" if finding.cause else ""
    return escape(f"{finding.observed}{cause}", longest=1000)
