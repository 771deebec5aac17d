"""A JSON report, read back: what merge and diff work on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pytest_golink.errors import ReportError
from pytest_golink.report.model import Report, ReportedError, ReportedFinding, ReportedImage
from pytest_golink.report.properties import build_of, finding_of
from pytest_golink.report.schema import complaints

if TYPE_CHECKING:
    from pytest_golink.report.json_report import ErrorJson, FindingJson, ImageJson, ReportJson


def read_report_file(name: str) -> Report:
    """
    Read the JSON report in a file.

    Raises:
        ReportError: It cannot be read, or is no such report; the message names the file.
    """
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise ReportError(f"{name}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ReportError(f"{name}: not a JSON report of golink: {error}") from None
    return read_report(text, name=name)


def read_report(text: str, *, name: str) -> Report:
    """
    Read a JSON report.

    Args:
        text: The file's content.
        name: What messages call the file.

    Raises:
        ReportError: It is not one, or one of another schema; the message names the file and the keys.
    """
    try:
        entry = json.loads(text)
    # A deeply nested text is no report either.
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{name}: not a JSON report of golink: {error}") from None
    if found := complaints(entry):
        raise ReportError(f"{name}: not a JSON report of golink (schema 1)", *(f"  {line}" for line in found))
    report = cast("ReportJson", entry)
    return Report(
        images=tuple(_image(image) for image in report["images"]),
        findings=tuple(_finding(finding) for finding in report["findings"]),
        errors=tuple(_error(error) for error in report["errors"]),
        complete=report["complete"],
        selected=report["selected"],
        left_out=report.get("left_out", 0),
        unanswered=tuple(report.get("unanswered", ())),
    )


def _error(error: ErrorJson) -> ReportedError:
    return ReportedError(
        kind=error["kind"],
        text=error["text"],
        image=error["image"],
        target=error["target"],
        path=error["path"],
        place=error["place"],
        tests=tuple(error["tests"]),
    )


def _image(image: ImageJson) -> ReportedImage:
    return ReportedImage(
        name=image["name"],
        facts=image["facts"],
        build=None if image["build"] is None else build_of(image["build"]),
        sizes=tuple((size["package"], size["bytes"]) for size in image["sizes"]),
        tests=tuple(image["tests"]),
    )


def _finding(finding: FindingJson) -> ReportedFinding:
    entry: dict[str, object] = {**finding}
    del entry["test"]
    return ReportedFinding(test=finding["test"], finding=finding_of(entry))
