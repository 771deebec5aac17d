"""User properties, and the report that they become again."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

from pytest_golink.findings import Remedy
from pytest_golink.report.facts_json import facts_json
from pytest_golink.report.model import BuildRecord, Report, ReportedFinding
from pytest_golink.report.properties import Collector, finding_property, image_property, seconds_property
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import DYNAMIC, MACHO, STATIC, subject

BUILD = BuildRecord(
    command=("go", "build", "./cmd/app"),
    environment=(("CGO_ENABLED", "1"), ("LC_ALL", "C")),
    output="# warning\n",
)


def test_a_property_is_a_name_and_ascii_json() -> None:
    name, value = image_property(replace(subject(DYNAMIC, path="\udcff\x1b"), name="größe"), BUILD)

    assert name == "golink.image"
    assert value.isascii()
    assert "\x1b" not in value
    assert json.loads(value) == {
        "name": "größe",
        "facts": facts_json(replace(DYNAMIC, path="\udcff\x1b")),
        "build": {
            "command": ["go", "build", "./cmd/app"],
            "environment": {"CGO_ENABLED": "1", "LC_ALL": "C"},
            "output": "# warning\n",
            "toolchain": {},
        },
    }
    assert json.loads(image_property(subject(STATIC), None)[1])["build"] is None


def test_a_finding_property_holds_all_of_the_finding() -> None:
    finding = evaluate("needs-libc", subject(STATIC), {"kind": "glibc", "at-most": "2.17"})
    name, value = finding_property(replace(finding, cause=("no cgo",), remedies=(Remedy(words="CGO_ENABLED=1"),)))

    assert name == "golink.finding"
    assert json.loads(value) == {
        "rule": "needs-libc",
        "outcome": "violated",
        "image": "app",
        "target": "linux/amd64",
        "path": "build/app",
        "expected": "loads glibc 2.17 or older",
        "observed": "no libc",
        "evidence": ["no PT_INTERP", "no DT_NEEDED"],
        "cause": ["no cgo"],
        "remedy": ["CGO_ENABLED=1"],
        "parameters": {"kind": "glibc", "at-most": "2.17"},
        "module": "",
    }


def test_what_was_recorded_comes_back() -> None:
    finding = evaluate("needs-libc", subject(DYNAMIC), {"kind": "glibc", "at-most": "2.17"})
    collector = Collector()
    collector.add("test_a.py::test", [image_property(subject(DYNAMIC), BUILD), finding_property(finding)])
    report = collector.report()

    (image,) = report.images
    assert (image.name, image.build, image.tests) == ("app", BUILD, ("test_a.py::test",))
    assert image.facts == facts_json(DYNAMIC)
    # A remedy leaves its test as a line.
    lines = tuple(Remedy(words=line) for line in remedy_lines(finding))
    assert report.findings == (ReportedFinding(test="test_a.py::test", finding=replace(finding, remedies=lines)),)


def test_properties_of_others_are_left_alone() -> None:
    collector = Collector()
    collector.add(
        "test_a.py::test", [("other", "value"), ("golink.image", 7), ("golink.finding", None), ("golink.x", "y")]
    )

    assert collector.report() == Report()


def test_an_image_that_several_tests_recorded_is_one() -> None:
    collector = Collector()
    for nodeid in ("b", "a", "b"):
        collector.add(nodeid, [image_property(subject(STATIC), None)])
    finding = evaluate("static", subject(STATIC), {})
    for nodeid in ("b", "a", "b"):
        collector.add(nodeid, [finding_property(finding)])
    report = collector.report()

    assert [image.tests for image in report.images] == [("a", "b")]
    assert [reported.test for reported in report.findings] == ["a", "b"]


def test_the_same_name_with_other_facts_is_another_image() -> None:
    collector = Collector()
    collector.add("t", [image_property(subject(STATIC), None), image_property(subject(STATIC, dwarf=False), None)])

    assert [image.facts["dwarf"] for image in collector.report().images] == [False, True]


def test_the_order_of_arrival_does_not_matter() -> None:
    macos = replace(subject(MACHO), name="app")
    server = replace(subject(STATIC), name="server")
    arrivals = [
        ("t1", [image_property(server, None), finding_property(evaluate("target", server, {"targets": "linux/*"}))]),
        ("t2", [image_property(macos, None), finding_property(evaluate("static", macos, {}))]),
        ("t3", [finding_property(evaluate("stripped", server, {})), finding_property(evaluate("static", server, {}))]),
        ("t4", [finding_property(replace(evaluate("static", server, {}), rule="from-the-future", target=None))]),
    ]
    reports = []
    for order in itertools.permutations(arrivals):
        collector = Collector()
        for nodeid, properties in order:
            collector.add(nodeid, properties)
        reports.append(collector.report())

    assert all(report == reports[0] for report in reports)
    assert [(image.name, image.facts["target"]) for image in reports[0].images] == [
        ("app", "darwin/arm64"),
        ("server", "linux/amd64"),
    ]
    assert [(reported.finding.image, reported.finding.rule) for reported in reports[0].findings] == [
        ("app", "static"),
        ("server", "from-the-future"),
        ("server", "static"),
        ("server", "stripped"),
        ("server", "target"),
    ]


def test_builds_of_one_program_stand_in_the_order_of_their_flags() -> None:
    collector = Collector()
    for folder, flags in (("a", ("-tags=netgo",)), ("b", ("-buildmode=pie",)), ("c", ())):
        build = BuildRecord(command=("go", "build", "-o", f"{folder}/app", *flags, "."), environment=(), output="")
        collector.add("test", [image_property(subject(STATIC, path=f"{folder}/app"), build)])

    assert [image.facts["path"] for image in collector.report().images] == ["b/app", "a/app", "c/app"]


def test_durations_are_of_each_build_once_the_slowest_first_and_not_in_the_report() -> None:
    collector = Collector()
    for test in ("t1", "t2"):
        builds = [seconds_property("app", "linux/amd64", 1.23456), seconds_property("net", "linux/arm64", 20)]
        collector.add(test, builds)

    assert collector.durations() == (("net linux/arm64", 20), ("app linux/amd64", 1.235))
    assert collector.report() == Report()
