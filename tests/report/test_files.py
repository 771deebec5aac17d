"""Formats by name and suffix, and files that are written whole or not at all."""

from __future__ import annotations

import json
import os
import resource
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import ReportError
from pytest_golink.report.files import (
    FORMATS,
    ReportFile,
    folder_in_repository,
    has_format,
    made_now,
    parse_report_files,
    render,
    write,
)
from tests.report.report_factory import MADE, RELEASE

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("out.json", "json", "out.json"),
        ("out.html", "html", "out.html"),
        ("out.htm", "html", "out.htm"),
        ("OUT.MD", "md", "OUT.MD"),
        ("out.markdown", "md", "out.markdown"),
        ("out.sarif", "sarif", "out.sarif"),
        ("out.sarif.json", "sarif", "out.sarif.json"),
        ("gl-code-quality-report.json", "codequality", "gl-code-quality-report.json"),
        ("codequality:out.json", "codequality", "out.json"),
        ("json:out", "json", "out"),
        ("SARIF:out.json", "sarif", "out.json"),
        ("md:a:b", "md", "a:b"),
        ("./json:x.md", "md", "json:x.md"),
        ("md:$NAME.txt", "md", "named.txt"),
        ("md:${NAME}", "md", "named"),
    ],
)
def test_a_format_is_named_or_the_suffix_s(tmp_path: Path, text: str, kind: str, name: str) -> None:
    assert parse_report_files([text], tmp_path, {"NAME": "named"}) == (ReportFile(format=kind, path=tmp_path / name),)
    assert has_format(text, [kind])
    assert not has_format(text, {*FORMATS} - {kind})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "out.xml",
            "out.xml: its suffix names no format; expected one of .sarif.json, .sarif, .json, .html, .htm, .md, ",
        ),
        ("xml:out.md", 'xml:out.md: there is no format "xml", but there are json, html, md, sarif, codequality'),
        ("json:", "json:: expected FORMAT:PATH, and there is no path"),
        ("md:$UNSET", "md:$UNSET: the environment has no UNSET"),
        ("missing/out.json", "missing/out.json: there is no folder "),
        ("folder.md", "folder.md is a folder"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_built(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "folder.md").mkdir()

    with pytest.raises(ReportError) as caught:
        parse_report_files([text], tmp_path, {})
    assert said in str(caught.value)


def test_one_file_cannot_be_two_reports(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"out\.json is named twice"):
        parse_report_files(["out.json", "sarif:./out.json"], tmp_path, {})


def test_a_folder_that_takes_no_files_is_found_before_the_run() -> None:
    # Of all folders, root too can make no file there.
    with pytest.raises(ReportError, match=r"no file can be made in /proc: "):
        parse_report_files(["out.json"], Path("/proc"), {})


def test_markdown_for_a_job_s_summary_is_appended_other_files_are_replaced(tmp_path: Path) -> None:
    summary, other = tmp_path / "summary", tmp_path / "other.md"
    environment = {"GITHUB_STEP_SUMMARY": str(summary)}
    files = parse_report_files([f"md:{summary}", str(other)], tmp_path, environment)

    assert [file.append for file in files] == [True, False]
    for file in files:
        file.path.write_text("before\n")
        write(file, "after\n")
    assert summary.read_text() == "before\nafter\n"
    assert other.read_text() == "after\n"


def test_a_file_gets_the_usual_mode_and_keeps_one_that_it_has(tmp_path: Path) -> None:
    new, old = tmp_path / "new.json", tmp_path / "old.json"
    old.write_text("old")
    old.chmod(0o604)
    mask = os.umask(0o027)
    try:
        write(ReportFile(format="json", path=new), "new")
        write(ReportFile(format="json", path=old), "new")
    finally:
        os.umask(mask)

    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    assert stat.S_IMODE(old.stat().st_mode) == 0o604
    assert old.read_text() == "new"


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "real" / "out.json")
    write(ReportFile(format="json", path=link), "text")

    assert link.is_symlink()
    assert (tmp_path / "real" / "out.json").read_text() == "text"


@pytest.fixture
def small_files() -> Iterator[None]:
    """A disk that is full after 100 bytes, as far as this process can tell."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_report_that_does_not_fit_leaves_the_old_one_whole_and_nothing_beside_it(tmp_path: Path) -> None:
    old = tmp_path / "out.json"
    old.write_text("old")

    with pytest.raises(OSError, match="File too large"):
        write(ReportFile(format="json", path=old), "x" * 1000)
    assert old.read_text() == "old"
    assert [*tmp_path.iterdir()] == [old]


def test_a_device_is_written_to_and_not_replaced() -> None:
    full = Path("/dev/full")

    with pytest.raises(OSError, match="No space left on device"):
        write(ReportFile(format="json", path=full), "x")
    assert full.is_char_device()


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_is_rendered(kind: str) -> None:
    text = render(RELEASE, kind, made=MADE, folder="go")

    assert text.endswith("\n")
    assert text == render(RELEASE, kind, made=MADE, folder="go")
    assert kind not in ("json", "sarif", "codequality") or json.loads(text)


def test_the_time_is_that_of_source_date_epoch_where_it_is_set() -> None:
    assert made_now({"SOURCE_DATE_EPOCH": "1763900000"}) == "2025-11-23T12:13:20Z"
    assert made_now({"SOURCE_DATE_EPOCH": "tomorrow"}) > "2026"
    assert made_now({}) > "2026"


def test_a_folder_is_named_from_the_root_of_its_repository(tmp_path: Path) -> None:
    (tmp_path / "repo" / "go" / "app").mkdir(parents=True)
    (tmp_path / "repo" / ".git").write_text("gitdir: elsewhere\n")

    assert folder_in_repository(tmp_path / "repo" / "go" / "app") == "go/app"
    assert folder_in_repository(tmp_path / "repo") == ""
