"""The table at the end of a run."""

# ruff: noqa: E501 - tables of 160 columns, as they are

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.facts import Cgo, Libc, Subject
from pytest_golink.findings import Report, ReportedFinding
from pytest_golink.report.properties import Collector, finding_property, image_property
from pytest_golink.report.terminal import report_lines
from pytest_golink.report.text import columns
from pytest_golink.rules import evaluate
from tests.rules.made import ARCHIVE, DYNAMIC, GLIBC_STATIC, MACHO, OWN_C, PE, STATIC

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts


def collected(*recorded: tuple[str, str, BinaryFacts, dict[str, dict[str, object]]]) -> Report:
    collector = Collector()
    for test, name, facts, asked in recorded:
        subject = Subject(name=name, facts=replace(facts, path=f"build/{name}"))
        findings = [finding_property(evaluate(rule, subject, parameters)) for rule, parameters in asked.items()]
        collector.add(f"tests/test_release.py::{test}", [image_property(subject, None), *findings])
    return collector.report()


def text(report: Report, width: int) -> str:
    lines = ["".join(text for text, _ in line) for line in report_lines(report, width)]
    assert all(line == line.rstrip() for line in lines)
    return "\n".join(lines)


RELEASE = collected(
    ("test_static", "sample_go/static", STATIC, {"static": {}, "stripped": {}}),
    ("test_net", "sample_go/net", DYNAMIC, {"static": {}, "needs-libc": {}, "glibc-at-most": {"version": "2.17"}}),
    ("test_again", "sample_go/net", DYNAMIC, {"static": {}}),
    ("test_windows", "sample_go/net", PE, {"no-rpath": {}, "self-contained": {}, "no-link-warnings": {}}),
    ("test_library", "sample_go/shared", ARCHIVE, {}),
)

FAILING_80 = """\
violated     sample_go/net linux/amd64 static
             observed dynamic; expected no PT_INTERP, no DT_NEEDED
             tests/test_release.py::test_again and 1 more
violated     sample_go/net linux/amd64 glibc-at-most version=2.17
             observed needs glibc 2.34; expected glibc 2.17 or older, or none
             tests/test_release.py::test_net
violated     sample_go/static linux/amd64 stripped
             observed a symbol table and DWARF; expected no symbol table, no
             DWARF
             tests/test_release.py::test_static
undecidable  sample_go/net windows/amd64 no-link-warnings
             observed this image was not built here: an image does not keep what
             its linker said; expected no linker warning
             tests/test_release.py::test_windows

"""


def test_eighty_columns_show_a_few_lines_an_image() -> None:
    assert (
        text(RELEASE, 80)
        == FAILING_80
        + """\
sample_go/net  linux/amd64
  dynamic · libc glibc 2.34 · link mode internal · resolver cgo, go ·
  cgo net, runtime/cgo · stripped no · 1.5 MB
  violated  static, glibc-at-most
  passed    needs-libc
sample_go/net  windows/amd64
  dynamic · libc none · link mode internal · resolver windows · cgo none ·
  stripped no · 1.5 MB
  undecidable     no-link-warnings
  passed          self-contained
  not-applicable  no-rpath
sample_go/shared  linux/amd64
  archive · libc none · link mode – · resolver – · cgo – · stripped – · 1.5 MB
sample_go/static  linux/amd64
  static · libc none · link mode internal · resolver none · cgo none ·
  stripped no · 1.5 MB
  violated  stripped
  passed    static

4 images, 9 findings: 4 violated, 1 undecidable, 3 passed, 1 not-applicable"""
    )


def test_a_hundred_and_sixty_columns_show_a_row_an_image() -> None:
    table = text(RELEASE, 160).split("\n\n", 1)[1]

    assert (
        table
        == """\
image             target         linkage  libc        link      resolver  cgo packages      stripped    size  rules
sample_go/net     linux/amd64    dynamic  glibc 2.34  internal  cgo, go   net, runtime/cgo  no        1.5 MB  violated  static, glibc-at-most
                                                                                                              passed    needs-libc
sample_go/net     windows/amd64  dynamic  none        internal  windows   none              no        1.5 MB  undecidable     no-link-warnings
                                                                                                              passed          self-contained
                                                                                                              not-applicable  no-rpath
sample_go/shared  linux/amd64    archive  none        –         –         –                 –         1.5 MB
sample_go/static  linux/amd64    static   none        internal  none      none              no        1.5 MB  violated  stripped
                                                                                                              passed    static

4 images, 9 findings: 4 violated, 1 undecidable, 3 passed, 1 not-applicable"""
    )


def test_no_line_is_wider_than_the_terminal() -> None:
    for width in (80, 100, 120, 127, 128, 160, 200):
        assert max(columns(line) for line in text(RELEASE, width).split("\n")) <= width


def test_outcomes_have_their_colours() -> None:
    lines = report_lines(RELEASE, 160)

    assert lines[0] == (
        ("violated     ", {"red": True, "bold": True}),
        ("sample_go/net linux/amd64 static", {"bold": True}),
        ("", {}),
    )
    assert lines[-1] == (
        ("4 images, 9 findings", {"bold": True}),
        (": ", {}),
        ("4 violated", {"red": True, "bold": True}),
        (", ", {}),
        ("1 undecidable", {"yellow": True, "bold": True}),
        (", ", {}),
        ("3 passed", {"green": True}),
        (", ", {}),
        ("1 not-applicable", {"light": True}),
    )


def test_nothing_to_say_is_nothing() -> None:
    assert report_lines(Report(), 80) == []


def test_an_image_alone_is_worth_a_row() -> None:
    assert text(collected(("t", "app", STATIC, {})), 160) == (
        "image  target       linkage  libc  link      resolver  cgo packages  stripped    size  rules\n"
        "app    linux/amd64  static   none  internal  none      none          no        1.5 MB\n"
        "\n"
        "1 image, 0 findings"
    )


def test_a_waived_finding_stands_apart_and_does_not_fail() -> None:
    report = collected(("t", "app", DYNAMIC, {"static": {}}))
    (reported,) = report.findings
    waived = replace(report, findings=(replace(reported, finding=replace(reported.finding, outcome="waived")),))

    assert text(waived, 80) == (
        "app  linux/amd64\n"
        "  dynamic · libc glibc 2.34 · link mode internal · resolver cgo, go ·\n"
        "  cgo net, runtime/cgo · stripped no · 1.5 MB\n"
        "  waived  static\n"
        "\n"
        "1 image, 1 finding: 1 waived"
    )


def test_findings_without_their_image_are_shown_and_counted() -> None:
    finding = evaluate("static", Subject(name="app", facts=replace(DYNAMIC, target=None)), {})
    passed = evaluate("dynamic", Subject(name="app", facts=DYNAMIC), {})

    assert text(Report(findings=(ReportedFinding(test="t", finding=finding),)), 80) == (
        "violated     app static\n"
        "             observed dynamic; expected no PT_INTERP, no DT_NEEDED\n"
        "             t\n"
        "\n"
        "0 images, 1 finding: 1 violated"
    )
    assert text(Report(findings=(ReportedFinding(test="t", finding=passed),)), 80) == "0 images, 1 finding: 1 passed"


def test_facts_that_are_rare_have_words_too() -> None:
    facts = replace(
        OWN_C,
        target=None,
        libc=Libc(kind="musl", presence="dynamic"),
        cgo=Cgo(used=True),
        symtab=False,
        dwarf=False,
        size=812,
    )
    embedded = text(collected(("t", "app", GLIBC_STATIC, {})), 160)

    assert text(collected(("t", "app", facts, {})), 160).split("\n")[1] == (
        "app    –       dynamic  musl  external  none      yes           yes       812 B"
    )
    assert "glibc embedded" in embedded


def test_long_lists_wrap_inside_their_columns() -> None:
    packages = tuple(f"example.com/package{number}" for number in range(4))
    report = collected(
        (
            "t",
            "app",
            replace(OWN_C, cgo=Cgo(used=True, packages=packages)),
            {"dynamic": {}, "no-interpreter": {}, "needs-libc": {}, "no-rpath": {}, "not-stripped": {}},
        )
    )

    assert (
        text(report, 136).split("\n\n")[1]
        == """\
image  target       linkage  libc        link      resolver  cgo packages           stripped    size  rules
app    linux/amd64  dynamic  glibc 2.34  external  none      example.com/package0,  no        1.5 MB  violated  no-interpreter
                                                             example.com/package1,                    passed    dynamic, needs-libc,
                                                             example.com/package2,                              no-rpath, not-stripped
                                                             example.com/package3"""
    )
    assert (
        text(report, 80).split("\n\n")[1]
        == """\
app  linux/amd64
  dynamic · libc glibc 2.34 · link mode external · resolver none · cgo
  example.com/package0, example.com/package1, example.com/package2,
  example.com/package3 · stripped no · 1.5 MB
  violated  no-interpreter
  passed    dynamic, needs-libc, no-rpath, not-stripped"""
    )


def test_hostile_names_stay_in_their_cells() -> None:
    report = collected(("t", "a\x1b[2J\nb", replace(MACHO, path="x"), {"static": {}}))
    shown = text(report, 160)

    assert "\x1b" not in shown
    assert shown.split("\n")[0] == "violated     a\\x1b[2J\\nb darwin/arm64 static"
