"""Reports of several runs, joined."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from pytest_golink.errors import ReportError
from pytest_golink.report.merge import merge
from pytest_golink.report.model import BuildRecord, Report, ReportedError
from tests.report.attacks import hostile
from tests.report.report_factory import RELEASE, finding_of, shipped
from tests.rules.facts_factory import DYNAMIC, STATIC

BUILD = BuildRecord(command=("go", "build", "-o", "built/1/app", "."), output="go: downloading x\n")


def test_shards_join_into_the_report_of_the_whole_run_whatever_their_order() -> None:
    shards = [
        ("a.json", Report(images=RELEASE.images[:2], findings=RELEASE.findings[:2])),
        ("b.json", Report(images=RELEASE.images[2:3], findings=RELEASE.findings[2:3])),
        ("c.json", Report(images=RELEASE.images[1:], findings=RELEASE.findings[1:])),
    ]

    for order in itertools.permutations(shards):
        assert merge(order) == RELEASE


def test_a_report_alone_or_twice_is_itself() -> None:
    for report in (Report(), RELEASE, hostile()):
        assert {one.name for one in merge([("a", report)]).images} == {one.name for one in report.images}
        assert merge([("a", report), ("b", report)]) == merge([("a", report)])


def test_an_image_of_two_jobs_has_the_tests_of_both_and_what_was_printed() -> None:
    one = shipped("app", DYNAMIC, build=BUILD, tests=("t1",))
    other = shipped("app", DYNAMIC, build=replace(BUILD, output=""), tests=("t0",), sizes=(("net", 3),))

    assert merge([("a", Report(images=(one,))), ("b", Report(images=(other,)))]).images == (
        replace(one, tests=("t0", "t1"), sizes=(("net", 3),)),
    )


def test_two_different_images_of_one_name_are_an_error_that_shows_the_difference() -> None:
    one = shipped("app", DYNAMIC, build=BUILD)
    other = shipped("app", replace(DYNAMIC, size=7), build=replace(BUILD, toolchain=(("go", "go1.26"),)))
    other = replace(other, facts={**other.facts, "linkage": "static"})

    with pytest.raises(ReportError) as caught:
        merge([("a.json", Report(images=(one,))), ("b.json", Report(images=(other,)))])
    assert str(caught.value) == (
        "image app (linux/amd64): two reports say different things of it\n"
        "  facts.size\n"
        "    a.json: 1500000\n"
        "    b.json: 7\n"
        "  facts.linkage\n"
        "    a.json: dynamic\n"
        "    b.json: static\n"
        "  build.toolchain.go\n"
        "    a.json: None\n"
        "    b.json: go1.26"
    )


def test_two_outcomes_of_one_rule_on_one_image_are_an_error() -> None:
    one = finding_of("static", "app", DYNAMIC)
    other = replace(one, finding=replace(one.finding, outcome="waived"))

    with pytest.raises(ReportError, match="static on app: two reports say different things of it\n  outcome\n"):
        merge([("a", Report(findings=(one,))), ("b", Report(findings=(other,)))])


def test_of_many_differences_the_first_are_shown() -> None:
    one = shipped("app", DYNAMIC)
    other = replace(shipped("app", STATIC), facts={**shipped("app", STATIC).facts, "cpu": []})

    with pytest.raises(ReportError, match=r"\n  … \d+ more$"):
        merge([("a", Report(images=(one,))), ("b", Report(images=(other,)))])


def test_a_merged_report_is_complete_only_if_all_are() -> None:
    assert merge([("a", RELEASE), ("b", RELEASE)]).complete
    assert not merge([("a", RELEASE), ("b", replace(Report(), complete=False))]).complete


def test_an_error_of_several_shards_stands_once_with_the_tests_of_all() -> None:
    error = ReportedError(kind="BuildError", text="does not build", image="app", tests=("b", "c"))
    other = replace(error, tests=("a", "b"))
    merged = merge([("a", Report(errors=(error,))), ("b", Report(errors=(other, replace(other, text="else"))))])

    assert merged.errors == (replace(error, tests=("a", "b", "c")), replace(other, text="else"))


def test_what_no_shard_answers_has_no_answer() -> None:
    [test, *_others] = sorted({reported.test for reported in RELEASE.findings})
    error = ReportedError(kind="BuildError", text="does not build", tests=("golink.toml::a::nx",))
    part = Report(unanswered=(test, "golink.toml::a::nx", "golink.toml::a::pie"), selected=True)

    assert merge([("a", RELEASE), ("b", part)]).unanswered == ("golink.toml::a::nx", "golink.toml::a::pie")
    assert merge([("a", Report(errors=(error,))), ("b", part)]).unanswered == ("golink.toml::a::pie", test)


def test_a_merged_report_is_of_a_part_if_one_is() -> None:
    assert not merge([("a", RELEASE), ("b", RELEASE)]).selected
    assert merge([("a", RELEASE), ("b", replace(RELEASE, selected=True))]).selected
