"""Names that tell the images of a report apart."""

from __future__ import annotations

from dataclasses import replace

from pytest_golink.report.labels import image_labels
from pytest_golink.report.model import BuildRecord
from tests.report.report_factory import image, record
from tests.rules.facts_factory import DYNAMIC, MACHO, STATIC


def test_a_name_and_a_target_are_enough_where_they_differ() -> None:
    images = [image("app", STATIC, build=record(".", "-v")), image("app", MACHO), image("tool", STATIC)]

    assert [str(label) for label in image_labels(images)] == [
        "app[linux/amd64]",
        "app[darwin/arm64]",
        "tool[linux/amd64]",
    ]
    assert str(image_labels([image("app", replace(STATIC, target=None))])[0]) == "app"


def test_builds_of_one_program_are_told_apart_by_what_differs_in_them() -> None:
    images = [
        image("app", STATIC, build=record(".", "-ldflags=-s -w", CGO_ENABLED="0")),
        image("app", DYNAMIC, build=record(".", CGO_ENABLED="1")),
    ]

    assert [label.flags for label in image_labels(images)] == ["CGO_ENABLED=0 '-ldflags=-s -w'", "CGO_ENABLED=1"]

    images[1] = image("app", DYNAMIC, build=BuildRecord(command=("go", "build", "-o", "x", ".")))
    images[0] = image("app", STATIC, build=BuildRecord(command=("go", "build", "-o", "y", "-trimpath", ".")))

    assert [label.flags for label in image_labels(images)] == ["-trimpath", "default flags"]


def test_what_was_not_built_here_is_told_apart_by_its_path() -> None:
    images = [image("app", replace(STATIC, path=path)) for path in ("dist/v1/app", "dist/v2/app")]

    assert [label.flags for label in image_labels(images)] == ["dist/v1/app", "dist/v2/app"]


def test_even_the_same_file_twice_has_two_labels() -> None:
    images = [image("app", STATIC, build=record(".")), image("app", DYNAMIC, build=record("."))]

    assert [str(label) for label in image_labels(images)] == [
        "app[linux/amd64] build/app #1",
        "app[linux/amd64] build/app #2",
    ]
