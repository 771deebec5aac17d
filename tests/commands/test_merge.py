"""`python -m pytest_golink merge`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.__main__ import main
from pytest_golink.report.json_report import json_report
from tests.report.attacks import hostile
from tests.report.report_factory import MADE, RELEASE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1763900000")
    parts = {
        "a.json": replace(RELEASE, images=RELEASE.images[:2], findings=RELEASE.findings[:2]),
        "b.json": replace(RELEASE, images=RELEASE.images[1:], findings=RELEASE.findings[1:]),
    }
    for name, part in parts.items():
        (tmp_path / name).write_text(json_report(part, made=MADE))
    return [*parts]


def test_without_an_output_the_joined_report_goes_to_stdout(
    shards: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["merge", *shards]) == 0

    assert capsys.readouterr().out == json_report(RELEASE, made="2025-11-23T12:13:20Z")


def test_outputs_are_named_as_those_of_a_run(
    shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["merge", *shards, "-o", "all.json", "-o", "sarif:all", "--output=all.md"]) == 0

    assert capsys.readouterr().out == ""
    assert (tmp_path / "all.json").read_text() == json_report(RELEASE, made="2025-11-23T12:13:20Z")
    assert json.loads((tmp_path / "all").read_text())["version"] == "2.1.0"
    assert (tmp_path / "all.md").read_text(encoding="utf-8").startswith("## golink: ❌ 3 images fail")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.json", "missing.json"], "golink: missing.json: No such file or directory\n"),
        (["a.json", "other.json"], "golink: image agent (linux/amd64): two reports say different things of it\n"),
        (["a.json", "-o", "all.xml"], "golink: all.xml: its suffix names no format; "),
        (["a.json", "-o", "json:/dev/full"], "golink: /dev/full is not written: No space left on device\n"),
    ],
)
def test_what_cannot_be_joined_or_written_is_an_error(
    shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (tmp_path / "other.json").write_text((tmp_path / shards[0]).read_text().replace('"static"', '"static-pie"'))

    assert main(["merge", *arguments]) == 2

    assert capsys.readouterr().err.startswith(said)


def test_a_message_about_a_hostile_report_prints_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    report = hostile()
    other = replace(report, images=tuple(replace(one, build=None) for one in report.images))
    (tmp_path / "a.json").write_text(json_report(report, made=MADE))
    (tmp_path / "b.json").write_text(json_report(other, made=MADE))

    assert main(["merge", "a.json", "b.json"]) == 2
    assert not set(capsys.readouterr().err) & {"\x1b", "\x07", "\x9b", "\u202e"}


def test_shards_of_one_run_that_left_tests_to_each_other_are_the_whole(
    shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.json").write_text(json_report(replace(RELEASE, selected=True), made=MADE))

    main(["merge", *shards])
    assert json.loads(capsys.readouterr().out)["selected"] is True
    main(["merge", *shards, "--whole"])
    assert json.loads(capsys.readouterr().out)["selected"] is False
