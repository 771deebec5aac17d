"""An image is a stranger's: whatever it calls things, no format of the report acts on it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader import read_binary
from pytest_golink.report.annotations import codequality_report, github_annotations
from pytest_golink.report.fact_sheet import fact_sheet
from pytest_golink.report.facts_json import facts_json
from pytest_golink.report.files import FORMATS, render
from pytest_golink.report.finding_text import finding_text
from pytest_golink.report.json_reading import read_report
from pytest_golink.report.model import Report, ReportedFinding, ReportedImage
from pytest_golink.report.properties import finding_of, finding_property, image_property
from pytest_golink.report.terminal import report_lines
from pytest_golink.rules import evaluate
from pytest_golink.rules.subject import Subject
from tests.report.attacks import ATTACKS, hostile
from tests.report.hostile_names import wrong_with
from tests.report.report_factory import MADE

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts

# One name for the C linker, who takes all but NUL; a comma would end -Wl's.
SONAME = (
    b"lib\x1b[2J\n::error file=x::y\n##[group]z\r::stop-commands::t <script>alert(1)</script> </code> "
    b"`|**b** [l](https://evil.example/) \xe2\x80\xaegnp.so " + b"a" * 100_000
)
SETTING = "::error::\u202e<script>alert(1)</script>##vso[x]"


def terminal(report: Report, width: int) -> str:
    return "\n".join("".join(text for text, _ in line) for line in report_lines(report, width))


def printed(text: str) -> list[str]:
    """What is wrong with a text that a terminal or a CI log shows."""
    return wrong_with(text, ours=("::error ",))


def linked(folder: Path, name: bytes) -> Path:
    """A real ELF program whose library, interpreter and run path have this name."""
    (folder / "library.c").write_text("int hostile(void) { return 0; }\n")
    (folder / "main.c").write_text("int hostile(void);\nint main(void) { return hostile(); }\n")
    # In a file: an argument has at most 128 KiB.
    (folder / "names").write_bytes(b'-soname "' + name + b'"\n')
    (folder / "paths").write_bytes(b'-rpath "' + name[:2000] + b'" --dynamic-linker "' + name[:2000] + b'"\n')
    build = ["cc", "-nostdlib", "-shared", "-o", "library.so", "library.c", "-Wl,@names"]
    subprocess.run(build, cwd=folder, check=True)
    subprocess.run(["cc", "-o", "app", "main.c", "./library.so", "-Wl,@paths"], cwd=folder, check=True)
    return folder / "app"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> BinaryFacts:
    return read_binary(linked(tmp_path_factory.mktemp("hostile"), SONAME))


@pytest.fixture(scope="module")
def real(image: BinaryFacts, go_sample: GoSample) -> Report:
    built = go_sample("static", cgo=False, ldflags=f"-X 'main.x={SETTING}'").facts
    assert SETTING in (built.go.settings["-ldflags"] if built.go else "")
    findings = [
        evaluate("only-needs", Subject(name="app", facts=image), {"libraries": ()}),
        evaluate("no-rpath", Subject(name="app", facts=image), {}),
        evaluate("no-interpreter", Subject(name="app", facts=image), {}),
        evaluate("build-setting", Subject(name="built", facts=built), {"settings": {"-ldflags": ""}}),
    ]
    assert [finding.outcome for finding in findings] == ["violated"] * 4
    return Report(
        images=tuple(
            ReportedImage(name=name, facts=facts_json(facts), build=None, tests=("t",))
            for name, facts in (("app", image), ("built", built))
        ),
        findings=tuple(
            # As it arrives from a test: the parameters are texts.
            ReportedFinding(test="t", finding=finding_of(json.loads(finding_property(finding)[1])))
            for finding in findings
        ),
    )


def test_the_image_has_the_names_that_it_was_given(image: BinaryFacts) -> None:
    assert image.needed[0].name.encode() == SONAME
    assert image.interpreter is not None
    assert image.interpreter.startswith("lib\x1b[2J\n::error")


def test_a_name_that_is_no_text_is_an_error_that_can_be_printed(tmp_path: Path) -> None:
    with pytest.raises(UnreadableBinaryError, match="is not UTF-8") as caught:
        read_binary(linked(tmp_path, b"lib\xff\x1b[2J.so"))
    assert printed(str(caught.value)) == []


def test_the_fact_sheet_and_a_failure_s_text_print_as_they_are(image: BinaryFacts, real: Report) -> None:
    assert printed(fact_sheet(image, width=80, colour=False)) == []
    for reported in real.findings:
        for width in (40, 80, 120):
            assert printed(finding_text(reported.finding, width=width)) == []
    for reported in hostile().findings:
        assert printed(finding_text(reported.finding, width=40)) == []


@pytest.mark.parametrize("made", ["real", "by hand"])
def test_nothing_in_a_report_acts_where_it_is_shown(real: Report, made: str) -> None:
    report = real if made == "real" else hostile()

    for width in (80, 160):
        assert printed(terminal(report, width)) == []
    annotations = "\n".join(github_annotations(report))
    assert printed(annotations) == []
    assert len(annotations.split("\n")) <= 10
    for kind in ("md", "sarif", "codequality"):
        text = render(report, kind, made=MADE, folder="")
        assert printed(text) == []
        # A name of 200 kB is cut in every text for people.
        assert len(text) < 1_000_000


@pytest.mark.parametrize("made", ["real", "by hand"])
def test_markdown_holds_no_markup_of_an_image(real: Report, made: str) -> None:
    text = render(real if made == "real" else hostile(), "md", made=MADE, folder="")

    for markup in ("<script", "<img", "</table", "**bold**", "](http", "https://", "www.", "@everyone", "`"):
        assert markup not in text.replace("\\`", "")
    assert text.count("<code>") == text.count("</code>")
    cells = {line.replace("\\|", "").count("|") for line in text.split("\n") if line.startswith("|")}
    assert cells <= {4, 5, 8}


@pytest.mark.parametrize("made", ["real", "by hand"])
def test_html_holds_no_markup_of_an_image(real: Report, made: str) -> None:
    text = render(real if made == "real" else hostile(), "html", made=MADE, folder="")

    for markup in ("<script>alert", "<img src=x", "</code></td></tr></table><b>out", "\x1b", "\u202e", "\u2066"):
        assert markup not in text
    text.encode()


@pytest.mark.parametrize("made", ["real", "by hand"])
def test_json_is_ascii_and_gives_every_name_back(real: Report, made: str) -> None:
    report = real if made == "real" else hostile()
    text = render(report, "json", made=MADE, folder="")

    assert text.isascii()
    assert printed(text) == []
    assert read_report(text, name="x") == report


def test_properties_go_through_xml(real: Report, image: BinaryFacts) -> None:
    pairs = [finding_property(reported.finding) for reported in (*real.findings, *hostile().findings)]
    pairs.append(image_property(Subject(name=ATTACKS[0], facts=image), None))
    for name, value in pairs:
        element = ET.fromstring(ET.tostring(ET.Element("property", name=name, value=value)))  # noqa: S314 - made here
        assert json.loads(element.attrib["value"]) == json.loads(value)


def test_every_format_takes_all_of_it(real: Report) -> None:
    for kind in FORMATS:
        for report in (real, hostile()):
            assert render(report, kind, made=MADE, folder="::x\n").endswith("\n")
    assert json.loads(codequality_report(hostile()))
