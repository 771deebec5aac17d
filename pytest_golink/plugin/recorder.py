"""From a test to its user properties, the one road by which images and findings leave it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_golink.errors import GolinkError
from pytest_golink.fixtures import RUN
from pytest_golink.recording import recording

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pytest

    from pytest_golink.builder.binary import Origin
    from pytest_golink.findings import Finding
    from pytest_golink.gobinary import GoBinary
    from pytest_golink.rules.subject import Subject

_LARGEST = 40


class Recorder:
    """Appends what one test built and checked to its user properties."""

    def __init__(self, item: pytest.Item) -> None:
        self._properties = item.user_properties
        self._settings = item.config.stash[RUN].settings
        # The images that this test got, by path; those that are recorded already.
        self._binaries: dict[str, GoBinary] = {}
        self._recorded: set[tuple[str, str | None]] = set()

    def listening(self) -> AbstractContextManager[None]:
        """Listen to the assertions made inside."""
        return recording(self._finding)

    def image(self, binary: GoBinary) -> None:
        """Remember an image that the test got."""
        self._binaries[str(binary.path)] = binary

    def failed(self, item: pytest.Item, error: BaseException) -> list[tuple[str, object]]:
        """Record what has no answer because of an error that the test ended in; return the new properties."""
        from pytest_golink.plugin.reported_errors import reported_errors

        errors = reported_errors(item, error, self._binaries)
        if not errors:
            return []
        from pytest_golink.report.properties import error_property

        found: list[tuple[str, object]] = [error_property(each) for each in errors]
        self._properties.extend(found)
        return found

    def finish(self) -> None:
        """Record the images that no rule was evaluated on."""
        if not self._binaries:
            return
        from pytest_golink.rules.subject import Subject

        for binary in self._binaries.values():
            # An image of a format that cannot be read is no finding: no rule was evaluated on it.
            with suppress(GolinkError):
                self._record(Subject(name=binary.name, facts=binary.facts, link_warnings=binary.warnings))

    def _finding(self, subjects: tuple[Subject, ...], finding: Finding) -> None:
        from pytest_golink.report.properties import finding_property

        for subject in subjects:
            self._record(subject)
        self._properties.append(finding_property(finding))

    def _record(self, subject: Subject) -> None:
        from pytest_golink.report.model import BuildRecord
        from pytest_golink.report.properties import image_property, seconds_property

        # A fat Mach-O file has several images of one path.
        image = (subject.facts.path, subject.facts.slice)
        if image in self._recorded:
            return
        self._recorded.add(image)
        binary = self._binaries.get(subject.facts.path)
        build = None
        if binary is not None and binary.options is not None:
            build = BuildRecord(
                command=binary.command,
                environment=tuple(sorted({**binary.inherited, **binary.environment}.items())),
                output=binary.output,
                toolchain=() if binary.origin is None else _tools(binary.origin),
            )
            if self._settings.report and binary.linked:
                self._properties.append(seconds_property(binary.name, binary.target or "", binary.seconds))
        self._properties.append(image_property(subject, build, self._sizes(subject)))

    def _sizes(self, subject: Subject) -> tuple[tuple[str, int], ...]:
        # The largest packages; only for reports that show them, since the image is read once more.
        if not self._settings.report_files:
            return ()
        from pytest_golink.reader import read_package_sizes
        from pytest_golink.report.files import has_format

        if not any(has_format(text, ("json", "html")) for text in self._settings.report_files):
            return ()
        with suppress(GolinkError):
            return read_package_sizes(subject.facts.path, slice=subject.facts.slice)[:_LARGEST]
        return ()


def _tools(origin: Origin) -> tuple[tuple[str, str], ...]:
    """Name what made an image, with versions: Go, and the C compiler where cgo is on."""
    from pytest_golink.toolchain.ccompiler import compiler_version

    job, toolchain = origin.job, origin.builder.toolchain
    default = "1" if toolchain.cgo and job.target == toolchain.target else "0"
    if (job.environment.get("CGO_ENABLED") or default) != "1":
        return (("go", toolchain.version),)
    whole = {**os.environ, **job.environment}
    return ("go", toolchain.version), ("cc", compiler_version(whole.get("CC") or toolchain.cc.command, whole))
