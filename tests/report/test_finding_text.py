"""The text of a failure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_golink.findings import Finding, Outcome
from pytest_golink.report.finding_text import finding_text
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import DYNAMIC, subject

FINDING = Finding(
    rule="static",
    outcome="violated",
    image="app",
    target="linux/amd64",
    expected="no PT_INTERP, no DT_NEEDED",
    observed="dynamic",
    evidence=("PT_INTERP /lib64/ld-linux-x86-64.so.2", "DT_NEEDED libc.so.6 (needs GLIBC_2.34: pthread_create)"),
    cause=("net uses cgo",),
    remedy=("CGO_ENABLED=0, or -tags netgo",),
)


def test_a_violation_reads_top_down() -> None:
    assert finding_text(FINDING) == (
        "golink: app (linux/amd64) violates static\n"
        "  expected  no PT_INTERP, no DT_NEEDED\n"
        "  observed  dynamic\n"
        "  evidence  PT_INTERP /lib64/ld-linux-x86-64.so.2\n"
        "            DT_NEEDED libc.so.6 (needs GLIBC_2.34: pthread_create)\n"
        "  cause     net uses cgo\n"
        "  remedy    CGO_ENABLED=0, or -tags netgo"
    )


def test_long_lines_hang_and_a_command_line_s_argument_stays_whole() -> None:
    finding = replace(
        FINDING,
        cause=("main (example.com/app) uses cgo: its wrappers are in the image, and runtime/cgo with them",),
        remedy=(
            "CGO_ENABLED=0, where main can do without cgo",
            "or link libc in: -ldflags '-linkmode external -extldflags \"-static\"'",
            'or link musl in: CC="zig cc -target x86_64-linux-musl" CGO_ENABLED=1 '
            "-ldflags '-linkmode external -extldflags \"-static\"'",
        ),
    )

    assert finding_text(finding, width=80) == (
        "golink: app (linux/amd64) violates static\n"
        "  expected  no PT_INTERP, no DT_NEEDED\n"
        "  observed  dynamic\n"
        "  evidence  PT_INTERP /lib64/ld-linux-x86-64.so.2\n"
        "            DT_NEEDED libc.so.6 (needs GLIBC_2.34: pthread_create)\n"
        "  cause     main (example.com/app) uses cgo: its wrappers are in the image, and\n"
        "            runtime/cgo with them\n"
        "  remedy    CGO_ENABLED=0, where main can do without cgo\n"
        "            or link libc in: -ldflags '-linkmode external -extldflags \"-static\"'\n"
        '            or link musl in: CC="zig cc -target x86_64-linux-musl" CGO_ENABLED=1\n'
        "            -ldflags '-linkmode external -extldflags \"-static\"'"
    )


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        ("passed", "golink: app passes static"),
        ("violated", "golink: app violates static"),
        ("undecidable", "golink: app does not say whether static holds"),
        ("not-applicable", "golink: app has nothing for static to look at"),
        ("waived", "golink: app violates static (waived)"),
    ],
)
def test_the_first_line_says_the_outcome(outcome: Outcome, line: str) -> None:
    finding = Finding(rule="static", outcome=outcome, image="app", target=None, expected="x", observed="y")

    assert finding_text(finding) == f"{line}\n  expected  x\n  observed  y"


def test_names_from_the_image_are_escaped_everywhere() -> None:
    name = "/lib\x1b[2J\n  observed  static\u202e"
    finding = replace(FINDING, observed=name, evidence=(f"PT_INTERP {name}",), cause=(name,), remedy=(name,))

    escaped = "/lib\\x1b[2J\\n  observed  static\\u202e"
    assert finding_text(finding) == (
        "golink: app (linux/amd64) violates static\n"
        "  expected  no PT_INTERP, no DT_NEEDED\n"
        f"  observed  {escaped}\n"
        f"  evidence  PT_INTERP {escaped}\n"
        f"  cause     {escaped}\n"
        f"  remedy    {escaped}"
    )


def test_a_name_of_a_megabyte_does_not_make_a_text_of_one() -> None:
    text = finding_text(evaluate("no-interpreter", subject(DYNAMIC, interpreter="/" + "x" * 1_000_000), {}))

    assert "…(+999" in text
    assert len(text) < 4000
