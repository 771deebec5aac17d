"""The items of a golink.toml: one for each rule on an image or a binary, and one for images that were not found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.collect import waivers
from pytest_golink.errors import GolinkError, PolicyViolation
from pytest_golink.fixtures import RUN
from pytest_golink.policy.waiving import today, waiver_text
from pytest_golink.recording import record
from pytest_golink.report.error_text import reported
from pytest_golink.report.finding_text import finding_text
from pytest_golink.rules import RULES, check, evaluate_together, not_go
from pytest_golink.text.escape import escape
from pytest_golink.traits import may_be_go

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from pytest_golink.builder import BuildOptions
    from pytest_golink.collect.images import Image
    from pytest_golink.findings import Finding
    from pytest_golink.location import Location
    from pytest_golink.policy.model import Policy, PolicyBinary, RuleRequest, Waiver
    from pytest_golink.report.model import ReportedError
    from pytest_golink.rules.subject import Subject


# A keyword of every item of a policy.
POLICY_ITEM = "golink-policy-item"


class PolicyPart(pytest.Collector):
    """One image or binary of a policy, with its items."""

    given: Sequence[PolicyItem] = ()

    def collect(self) -> Iterable[pytest.Item]:
        """Return the items."""
        return self.given


class PolicyItem(pytest.Item):
    """The check for one line of a policy, or of its lock."""

    # The builds that it needs, which golink announces before the first one starts.
    golink_builds: tuple[BuildOptions, ...] = ()
    # The images that it checks.
    golink_images: tuple[Image, ...] = ()

    def __init__(self, *, place: Location, **others: Any) -> None:
        super().__init__(**others)
        self.place = place
        # A bare marker, so that -m golink selects items: its arguments are only for go_binary.
        self.add_marker("golink")
        # In the process that reports, this keyword distinguishes it from a test function.
        self.keywords[POLICY_ITEM] = True

    def as_child_of_file(self, file: pytest.Collector) -> PolicyItem:
        """Return this item as a child of the file, under its whole name."""
        assert self.parent is not None  # noqa: S101 - an item has a collector
        self.name = f"{self.parent.name}::{self.name}"
        self.parent = file
        return self

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return the line of the policy or the lock, and the item's heading."""
        assert self.parent is not None  # noqa: S101 - an item has a collector
        heading = self.name.replace("::", " ") if "::" in self.name else f"{self.parent.name} {self.name}"
        return self.path, self.place.line - 1, heading

    def reported_errors(self, error: BaseException) -> tuple[ReportedError, ...]:
        """Return this item's error, with its image and its line."""
        for image in self.golink_images:
            made = image.error
            # An item after the first one gets an error that refers to it.
            if made is not None and (made is error or made is error.__cause__):
                return (reported(made, image=image.name, target=image.target, place=str(image.binary.place)),)
        return (reported(error, place=str(self.place)),)

    def repr_failure(self, excinfo: ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        """Show a violation or an error as text only, without golink's own lines."""
        if not isinstance(excinfo.value, (PolicyViolation, GolinkError, pytest.xfail.Exception)):
            return super().repr_failure(excinfo, style)
        shown = excinfo.getrepr(style="value", chain=False)
        crash = shown.reprcrash
        assert crash is not None  # noqa: S101 - the caller's frame at least is not hidden
        # The place that pytest's summary, JUnit's message and CI annotations show.
        crash = replace(crash, path=str(self.path), lineno=self.place.line, message=_in_short(excinfo.value))
        return type(shown)([(shown.reprtraceback, crash, None)])  # type: ignore[call-arg,arg-type]


class GolinkPath(PolicyItem):
    """The error that a binary's path, or its goreleaser folder, has no image."""

    def __init__(self, *, errors: tuple[GolinkError, ...], **others: Any) -> None:
        super().__init__(**others)
        self._errors = errors

    def setup(self) -> None:
        """Raise the error for images that were not found."""
        raise GolinkError(*(line for error in self._errors for line in str(error).split("\n")))

    def reported_errors(self, error: BaseException) -> tuple[ReportedError, ...]:
        """Return one error for each image that was not found."""
        if not isinstance(error, GolinkError):
            return super().reported_errors(error)
        # The file or archive that golink looked for; an error of an override is about no image.
        names = [str(getattr(each, "wanted", None) or getattr(each, "path", "")) for each in self._errors]
        return tuple(
            reported(each, image=name, place=str(self.place)) for each, name in zip(self._errors, names, strict=True)
        )

    def runtest(self) -> None:
        """Do nothing: `setup` has raised."""


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
        self.binary = binary
        self._images = self.golink_images = images
        # Not called _request: pytest treats an item with that attribute as a test function, and clears it after a run.
        self._rule_request = request
        self._subjects: tuple[Subject, ...] = ()
        # The waivers that may apply to it, each with the number of items that it may apply to.
        self.waivers: list[tuple[Waiver, int]] = []
        self.golink_builds = tuple(image.options for image in images if image.options is not None)

    @property
    def _single_image(self) -> Image | None:
        return self._images[0] if RULES[self._rule_request.rule].scope == "image" else None

    def may_need(self, waiver: Waiver) -> bool:
        """Whether a waiver may apply to this item, as far as golink knows before it reads the image."""
        rule, image = self._rule_request.rule, self._single_image
        if image is None:
            return waiver.covers(self.binary.name, None, rule)
        # While the target is unknown, every waiver of the rule may apply to the item.
        return rule in waiver.rules and (
            image.target is None or waiver.covers(self.binary.name, image.target, rule, match=image.match)
        )

    def reported_errors(self, error: BaseException) -> tuple[ReportedError, ...]:
        """Return the same, or the error of evaluating the rule on an image."""
        if not self._subjects or self._single_image is None:
            return super().reported_errors(error)
        subject = self._subjects[0]
        target = str(subject.facts.target) if subject.facts.target else None
        return (reported(error, image=subject.name, target=target, path=subject.facts.path, place=str(self.place)),)

    def setup(self) -> None:
        """Build or read the images."""
        run = self.config.stash[RUN]
        self._subjects = tuple(image.subject(run, self.nodeid) for image in self._images)

    def teardown(self) -> None:
        """Release the images."""
        self._subjects = ()

    def runtest(self) -> None:
        """Evaluate the rule, explain a violation, apply a waiver, record the finding, report it."""
        finding = self._explain(self._evaluate())
        waiver = self._waiver(finding)
        finding = self._waive(finding, waiver)
        self._record(finding, waiver)
        self._report(finding, waiver)

    def _evaluate(self) -> Finding:
        rule, parameters = self._rule_request.rule, self._rule_request.parameters
        subjects = self._subjects
        if self._rule_request.only_go:
            subjects = tuple(subject for subject in subjects if may_be_go(subject.facts))
        if not subjects:
            single = self._single_image is not None
            finding = not_go(rule, self._subjects[0], parameters, together="" if single else self.binary.name)
        elif self._single_image is not None:
            finding = check(rule, subjects[0], parameters)
        else:
            finding = evaluate_together(rule, subjects, parameters, name=self.binary.name)
        return replace(finding, place=str(self.place))

    def _explain(self, finding: Finding) -> Finding:
        image = self._single_image
        if image is None or not finding.fails:
            return finding
        from pytest_golink.source import explained

        subject = self._subjects[0]
        rules = self._rules_to_keep(image, finding)
        return explained(finding, subject.facts, image.built, rules, subject.platforms)

    def _waiver(self, finding: Finding) -> Waiver | None:
        """Return the waiver of the policy that covers this item, expired or not."""
        image = self._single_image
        target, match = (None, None) if image is None else (finding.target, image.match)
        return self._policy.waiver_for(self.binary.name, target, self._rule_request.rule, match=match)

    def _waive(self, finding: Finding, waiver: Waiver | None) -> Finding:
        if finding.outcome != "violated" or waiver is None or waiver.expired(today()):
            return finding
        # --runxfail turns each expected failure into a failure: reports must agree with the exit status.
        if self.config.getoption("runxfail", default=False):
            return finding
        return replace(finding, outcome="waived", waiver=waiver_text(waiver))

    def _record(self, finding: Finding, waiver: Waiver | None) -> None:
        record(finding, *self._subjects)
        violated = finding.outcome in ("violated", "waived")
        for candidate, items in self.waivers:
            needed = violated and candidate == waiver
            self.user_properties.append(waivers.waiver_property(candidate, needed=needed, items=items))

    def _report(self, finding: Finding, waiver: Waiver | None) -> None:
        if finding.outcome == "waived":
            pytest.xfail(finding.waiver or "")
        if finding.fails:
            expired = finding.outcome == "violated" and waiver is not None and waiver.expired(today())
            lines = [waivers.expired_text(waiver, finding)] if waiver is not None and expired else []
            lines.append(finding_text(finding))
            raise PolicyViolation("\n".join(lines), finding)

    def _rules_to_keep(self, image: Image, finding: Finding) -> list[tuple[str, Mapping[str, object]]]:
        """Return the rules that a remedy for an image must keep: all except waived ones."""
        return [
            (request.rule, request.parameters)
            for request in image.rules
            if RULES[request.rule].scope == "image"
            and (
                (waiver := self._policy.waiver_for(self.binary.name, finding.target, request.rule, match=image.match))
                is None
                or waiver.expired(today())
            )
        ]


def _in_short(error: BaseException) -> str:
    if not isinstance(error, PolicyViolation):
        return str(error).split("\n", 1)[0]
    finding = error.finding
    cause = f"; {finding.cause[0]}" if finding.cause else ""
    return escape(f"{finding.observed}{cause}", longest=1000)
