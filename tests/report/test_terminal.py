"""The table at the end of a run."""

# ruff: noqa: E501 - tables of 160 columns, as they are

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_golink.facts import Cgo, Libc
from pytest_golink.findings import PlatformAnswer, Trial
from pytest_golink.report.model import Report, ReportedError, ReportedFinding
from pytest_golink.report.properties import Collector, finding_property, image_property
from pytest_golink.report.terminal import report_lines
from pytest_golink.rules.subject import Subject
from pytest_golink.text.wrap import columns
from tests.report.report_factory import ERRORS, FEATURES, evaluated, large
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, GLIBC_STATIC, MACHO, OWN_C, PE, STATIC

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts


def collected(*recorded: tuple[str, str, BinaryFacts, dict[str, dict[str, object]]]) -> Report:
    collector = Collector()
    for test, name, facts, asked in recorded:
        subject = Subject(name=name, facts=replace(facts, path=f"build/{name}"))
        findings = [finding_property(evaluated(rule, subject, parameters)) for rule, parameters in asked.items()]
        collector.add(f"tests/test_release.py::{test}", [image_property(subject, None), *findings])
    return collector.report()


def text(report: Report, width: int, **options: Any) -> str:
    lines = ["".join(text for text, _ in line) for line in report_lines(report, width, **options)]
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
violated     net uses cgo: its wrappers are in the image, and runtime/cgo with
             them (2 findings, 1 image)
             static, glibc-at-most version=2.17
               sample_go/net linux/amd64
             remedy     CGO_ENABLED=0, or -tags netgo
             checked by tests/test_release.py::test_again and 1 more
violated     stripped  sample_go/static linux/amd64
             observed   a symbol table and DWARF; expected no symbol table, no
                        DWARF
             remedy     -ldflags "-s -w"
             checked by tests/test_release.py::test_static
undecidable  no-link-warnings  sample_go/net windows/amd64
             observed   the image was not built in this run, and does not keep
                        the linker's messages; expected no linker warning
             remedy     build it with go_build, or let CI keep the linker's
                        output
             checked by tests/test_release.py::test_windows

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
        ("net uses cgo: its wrappers are in the image, and runtime/cgo with them", {"bold": True}),
        (" (2 findings, 1 image)", {}),
    )
    assert report_lines(RELEASE, 80)[:2] == [
        (
            ("violated     ", {"red": True, "bold": True}),
            ("net uses cgo: its wrappers are in the image, and runtime/cgo with", {"bold": True}),
        ),
        (("             ", {}), ("them", {"bold": True}), (" (2 findings, 1 image)", {})),
    ]
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
    finding = replace(reported.finding, outcome="waived", waiver="until the symbol server is up")
    waived = replace(report, findings=(replace(reported, finding=finding),))

    assert text(waived, 80) == (
        "waived       static  app linux/amd64\n"
        "             reason     until the symbol server is up\n"
        "\n"
        "app  linux/amd64\n"
        "  dynamic · libc glibc 2.34 · link mode internal · resolver cgo, go ·\n"
        "  cgo net, runtime/cgo · stripped no · 1.5 MB\n"
        "  waived  static\n"
        "\n"
        "1 image, 1 finding: 1 waived"
    )


def test_findings_without_their_image_are_shown_and_counted() -> None:
    finding = evaluated("static", Subject(name="app", facts=replace(DYNAMIC, target=None)))
    passed = evaluated("dynamic", Subject(name="app", facts=DYNAMIC))

    assert text(Report(findings=(ReportedFinding(test="t", finding=finding),)), 80) == (
        "violated     static  app\n"
        "             observed   dynamic; expected no PT_INTERP, no DT_NEEDED\n"
        "             cause      net uses cgo: its wrappers are in the image, and\n"
        "                        runtime/cgo with them\n"
        "             remedy     CGO_ENABLED=0, or -tags netgo\n"
        "             checked by t\n"
        "\n"
        "app\n"
        "  violated  static\n"
        "\n"
        "0 images, 1 finding: 1 violated"
    )
    assert text(Report(findings=(ReportedFinding(test="t", finding=passed),)), 80) == (
        "app  linux/amd64\n  passed  dynamic\n\n0 images, 1 finding: 1 passed"
    )


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
    assert shown.split("\n")[0] == "violated     static  a\\x1b[2J\\nb darwin/arm64"


def test_one_cause_of_many_findings_is_said_once() -> None:
    shown = text(FEATURES, 80)

    assert shown.startswith(
        """\
violated     net uses cgo: its wrappers are in the image, and runtime/cgo with
             them (9 findings, 3 images)
             static, self-contained, needs-libc kind=glibc at-most=2.17
               server linux/amd64 CGO_ENABLED=1, linux/arm64
             no-cgo
               server linux/amd64 CGO_ENABLED=1, linux/arm64; tool linux/amd64
             remedy     CGO_ENABLED=0
             checked by golink.toml:14
violated     max-size size=1 MB (6 findings, 6 images)
             server linux/amd64 CGO_ENABLED=1, linux/amd64 CGO_ENABLED=0
             '-ldflags=-s -w', linux/arm64, darwin/arm64, windows/amd64; tool
             linux/amd64
             observed   9,812,332 bytes, 8,812,332 too many (and 1 more);
                        expected at most 1,000,000 bytes
             checked by golink.toml:14
"""
    )
    assert shown.count("net uses cgo") == 1


def test_builds_that_would_look_alike_show_their_flags() -> None:
    assert """
server  linux/amd64
  CGO_ENABLED=0 '-ldflags=-s -w'
  static · libc none""" in text(FEATURES, 80)
    assert [line[:32].rstrip() for line in text(FEATURES, 160).split("\n") if line.startswith(("CGO", "'-ld"))] == [
        "CGO_ENABLED=1",
        "CGO_ENABLED=0",
        "'-ldflags=-s -w'",
    ]


def test_a_flag_wider_than_its_column_is_cut() -> None:
    report = replace(
        FEATURES,
        images=tuple(
            replace(image, build=replace(image.build, command=("go", "build", "-o", "x", "-tags=" + "t" * 60, ".")))
            if image.build
            else image
            for image in FEATURES.images
        ),
    )

    assert f"\n-tags={'t' * 17}…  " in text(report, 160)


def test_platforms_that_do_not_start_it_say_why() -> None:
    shown = text(FEATURES, 120)

    assert "platforms  scratch: does not start: there is no /lib64/ld-linux-x86-64.so.2" in shown
    assert "appliance: not known: golink.toml does not say which glibc it has" in shown
    assert "debian12: starts" not in shown
    assert "debian12: starts: it has the loader" in text(FEATURES, 120, verbosity=1)


def test_platforms_with_one_reason_share_a_line_and_many_reasons_are_cut() -> None:
    (reported,) = collected(("t", "app", DYNAMIC, {"static": {}})).findings
    platforms = tuple(
        PlatformAnswer(platform=f"system{number}", starts=False, reason=f"it has glibc 2.{number // 2}")
        for number in range(22)
    )
    report = Report(findings=(replace(reported, finding=replace(reported.finding, platforms=platforms)),))
    shown = text(report, 100)

    assert "platforms  system0, system1: does not start: it has glibc 2.0\n" in shown
    assert "… and 3 more reasons: -v shows them" in shown
    assert "glibc 2.8" not in shown
    assert "system20, system21: does not start: it has glibc 2.10" in text(report, 100, verbosity=1)


def test_quiet_is_what_fails_and_the_totals() -> None:
    shown = text(RELEASE, 80, verbosity=-1, durations=[("app linux/amd64", 9.0)])

    assert shown == FAILING_80 + "4 images, 9 findings: 4 violated, 1 undecidable, 3 passed, 1 not-applicable"
    assert text(FEATURES, 80, verbosity=-1).count("waived") == 1


def test_verbose_is_every_finding_with_its_evidence() -> None:
    shown = text(FEATURES, 120, verbosity=1)

    assert (
        """\
             static  server linux/amd64 CGO_ENABLED=1
             observed   dynamic; expected no PT_INTERP, no DT_NEEDED
             evidence   PT_INTERP /lib64/ld-linux-x86-64.so.2
                        DT_NEEDED libc.so.6 (needs GLIBC_2.34: pthread_create)
             cause      net uses cgo: its wrappers are in the image, and runtime/cgo with them
                        example.com/shop/cmd/server → example.com/shop/internal/health → net → runtime/cgo
                        example.com/shop/cmd/server → example.com/shop/internal/account → os/user → runtime/cgo
             remedy     CGO_ENABLED=0, or -tags netgo
             tried      CGO_ENABLED=0: keeps every rule
                        -tags netgo,osusergo: breaks: no-cgo: github.com/mattn/go-sqlite3 still uses cgo
                        CC="zig cc -target x86_64-linux-musl": does not build: undefined: __res_search
                        -buildmode=pie: does not start: no such file: /lib/ld-musl-x86_64.so.1
             caution    what dlopen loads at run time
             checked by golink.toml::server[linux/amd64]::static
"""
        in shown
    )


def test_what_a_passed_rule_does_not_cover_is_said() -> None:
    report = collected(("t", "app", STATIC, {"static": {}}))
    (reported,) = report.findings
    careful = replace(reported, finding=replace(reported.finding, caution=("what it loads by name",)))

    assert text(replace(report, findings=(careful,)), 80).startswith(
        "passed       static  app linux/amd64\n             but        what it loads by name\n\n"
    )


def test_the_slowest_builds_are_named_if_they_took_their_time() -> None:
    durations = [("a linux/amd64", 12.34), ("b\x1b linux/arm64", 5.0), ("c linux/386", 1.5), ("d linux/arm", 1.4)]

    assert text(RELEASE, 80, durations=durations).split("\n")[-2] == (
        "slowest builds: a linux/amd64 12.3 s, b\\x1b linux/arm64 5.0 s, c linux/386 1.5 s"
    )
    assert text(RELEASE, 50, durations=durations).split("\n")[-4:-2] == [
        "slowest builds: a linux/amd64 12.3 s,",
        "b\\x1b linux/arm64 5.0 s, c linux/386 1.5 s",
    ]
    assert "slowest" not in text(RELEASE, 80, durations=[("a", 1.0)])


def test_a_run_that_ended_early_says_so() -> None:
    assert text(replace(RELEASE, complete=False), 80).split("\n")[-2] == (
        "the run did not come to all of its tests: what is missing here is not mended"
    )
    assert text(replace(RELEASE, selected=True), 80).split("\n")[-2] == (
        "the run left tests out on request: golink did not look at what is missing here"
    )


def test_totals_that_are_too_wide_take_two_lines() -> None:
    assert text(RELEASE, 60, verbosity=-1).split("\n")[-2:] == [
        "4 images, 9 findings:",
        "  4 violated, 1 undecidable, 3 passed, 1 not-applicable",
    ]


def test_many_images_are_a_number_unless_all_is_asked_for() -> None:
    report = large(60, 1)

    assert "cmd/service-011 linux/amd64 and 3 more " in " ".join(text(report, 80).split())
    assert " more " not in " ".join(text(report, 80, verbosity=1).split())


def test_many_causes_are_cut() -> None:
    (reported,) = collected(("t", "app", DYNAMIC, {"static": {}})).findings
    findings = [replace(reported, finding=replace(reported.finding, cause=(f"cause {n}",))) for n in range(60)]
    report = Report(findings=tuple(findings))

    assert "\n… and 10 more: -v shows them\n" in text(report, 80)
    assert "… and" not in text(report, 80, verbosity=1)


def test_what_has_no_answer_stands_first_and_is_counted() -> None:
    report = Report(errors=ERRORS)

    assert text(report, 80) == (
        'error        unknown rule "statik"; did you mean "static"?  (UsageError)\n'
        "             at         golink.toml:2\n"
        "error        size: expected a size  (ParameterError)\n"
        "             at         tests/test_release.py::test_size\n"
        "error        user namespaces are off  (SandboxError)\n"
        "             image      agent[linux/amd64]\n"
        "             at         golink.toml:19\n"
        "error        cmd/tool does not build (exit status 1)  (BuildError)\n"
        "             images     tool[linux/amd64], tool[linux/arm64]\n"
        "             # example.com/tool\n"
        "             ./main.go:3:15: undefined: x\n"
        "             at         golink.toml:30\n"
        "\n"
        "agent  linux/amd64\n"
        "  error  SandboxError\n"
        "tool  linux/amd64\n"
        "  error  BuildError\n"
        "tool  linux/arm64\n"
        "  error  BuildError\n"
        "\n"
        "2 images could not be found, built or read, 3 more errors\n"
        "0 images, 0 findings"
    )
    assert "             at         golink.toml:30, golink.toml::tool[linux/amd64]::static,\n" in text(
        report, 80, verbosity=1
    )


def test_long_errors_many_errors_and_many_images_are_cut() -> None:
    lines = ReportedError(kind="BuildError", text="\n".join(f"line {number}" for number in range(20)))
    one = replace(lines, text="one", image="tool", target="linux/amd64")
    images = Report(errors=tuple(replace(one, image=f"tool{number}") for number in range(20)))
    several = Report(errors=tuple(replace(lines, text=f"error {number}") for number in range(60)))

    assert "\n             … 14 more lines: -v shows them\n" in text(Report(errors=(lines,)), 80)
    assert "more lines" not in text(Report(errors=(lines,)), 80, verbosity=1)
    assert " and 8 more\n" in text(images, 200)
    assert " and " not in text(images, 200, verbosity=1)
    assert "\n… and 10 more: -v shows them\n" in text(several, 80)
    assert "… and" not in text(several, 80, verbosity=1)


def test_a_rule_over_all_images_of_a_binary_has_a_row_of_its_own() -> None:
    (reported,) = collected(("t", "app", DYNAMIC, {"dynamic": {}})).findings
    together = replace(reported.finding, rule="same-linkage", target=None, path="", image="app")
    report = replace(collected(("t", "app", DYNAMIC, {})), findings=(ReportedFinding(test="t", finding=together),))

    assert "\napp  all images\n  passed  same-linkage\n" in text(report, 80)
    assert any(
        line.startswith("app    all images") and line.endswith("passed  same-linkage")
        for line in text(report, 160).split("\n")
    )


def test_of_the_remedies_that_hold_each_image_has_its_best_one() -> None:
    def tried(name: str, *remedies: str) -> ReportedFinding:
        (reported,) = collected(("t", name, DYNAMIC, {"static": {}})).findings
        trials = tuple(Trial(remedy=remedy, outcome="satisfies") for remedy in remedies)
        return replace(reported, finding=replace(reported.finding, trials=trials))

    same = Report(findings=(tried("app", "CGO_ENABLED=0", "-tags netgo"), tried("tool", "CGO_ENABLED=0")))
    others = Report(findings=(tried("app", "CGO_ENABLED=0", "-tags netgo"), tried("tool", "-tags netgo", "x")))

    assert "             remedy     CGO_ENABLED=0\n             checked by" in text(same, 80)
    assert (
        "             remedy     CGO_ENABLED=0  (app linux/amd64)\n"
        "                        -tags netgo  (tool linux/amd64)\n"
        "             checked by"
    ) in text(others, 80)
