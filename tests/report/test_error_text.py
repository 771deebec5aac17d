"""Errors of a report in words."""

from __future__ import annotations

from pytest_golink.errors import BuildError, ToolchainError
from pytest_golink.report.error_text import error_groups, errors_in_words, notes, reported
from pytest_golink.report.model import Report, ReportedError
from tests.report.report_factory import ERRORS


def test_what_was_built_in_which_folder_does_not_matter() -> None:
    command = ("/usr/lib/go/bin/go", "build", "-o", "/home/me/cache/3f2a/app", ".")
    error = BuildError("app does not build", command=command, status=1, output="/home/me/cache/3f2a/app: full\n")

    assert reported(error, image="app", place="golink.toml:3") == ReportedError(
        kind="BuildError",
        text="app does not build (exit status 1)\n  built/app: full\n  command: go build -o built/app .",
        image="app",
        place="golink.toml:3",
    )
    asked = BuildError("no such package", command=(), status=1, output="")
    assert reported(asked).text == "no such package"
    assert reported(ToolchainError("no go")).text == "no go"
    assert reported(KeyError()).text == "KeyError()"


def test_a_long_text_loses_its_middle() -> None:
    text = reported(ToolchainError("a" * 6000 + "b" * 6000)).text

    assert text.startswith("aaa")
    assert text.endswith("bbb")
    assert "\n… 4667 characters left out\n" in text


def test_errors_of_one_text_are_one() -> None:
    groups = error_groups(ERRORS)

    assert [(group.kind, group.images, group.places, len(group.tests)) for group in groups] == [
        ("UsageError", (), ("golink.toml:2",), 0),
        ("ParameterError", (), ("tests/test_release.py::test_size",), 1),
        ("SandboxError", ("agent[linux/amd64]",), ("golink.toml:19",), 1),
        ("BuildError", ("tool[linux/amd64]", "tool[linux/arm64]"), ("golink.toml:30",), 4),
    ]
    assert groups[3].headline == "cmd/tool does not build (exit status 1)"
    assert groups[3].more == ("# example.com/tool", "./main.go:3:15: undefined: x")


def test_images_and_other_errors_are_counted_apart() -> None:
    assert errors_in_words(Report()) == ""
    assert errors_in_words(Report(errors=ERRORS[:1])) == "1 error"
    assert errors_in_words(Report(errors=ERRORS[:3])) == "3 errors"
    assert errors_in_words(Report(errors=ERRORS[3:4])) == "1 image could not be found, built or read"
    assert errors_in_words(Report(errors=ERRORS)) == "2 images could not be found, built or read, 3 more errors"


def test_a_report_of_everything_has_no_notes() -> None:
    assert notes(Report()) == ()
    assert [note.split(":")[0] for note in notes(Report(complete=False, selected=True))] == [
        "the run did not come to all of its tests",
        "the run left tests out on request",
    ]
    assert notes(Report(unanswered=("golink.toml::app::static",))) == ("1 rule of the policy has no answer",)
    assert notes(Report(unanswered=("a", "b"), left_out=1)) == (
        "2 rules of the policy have no answer",
        "1 file left out by exclude and only of the policy",
    )
