"""`golink check`: the rules of golink.toml on files that are there."""

from __future__ import annotations

import json
import re
import tarfile
from typing import TYPE_CHECKING

import pytest

from pytest_golink.__main__ import main
from pytest_golink.commands import status
from pytest_golink.commands.rule_words import rule_of_words
from pytest_golink.errors import ParameterError
from pytest_golink.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_golink import GoSample

    Check = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the command, and return its status, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        found = main(["check", *words])
        out = capsys.readouterr()
        return found, out.out, out.err

    return run


@pytest.fixture
def dist(tmp_path: Path, go_sample: GoSample, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make dist/app (static), dist/dynamic and dist/app.tar.gz with the first in it; the working folder is above."""
    folder = tmp_path / "dist"
    folder.mkdir()
    static, dynamic = go_sample("net", cgo=False), go_sample("net", cgo=True)
    (folder / "app").write_bytes(static.path.read_bytes())
    (folder / "dynamic").write_bytes(dynamic.path.read_bytes())
    with tarfile.open(folder / "app.tar.gz", "w:gz") as archive:
        archive.add(folder / "app", "release/app")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return folder


def test_every_rule_holds(dist: Path, check: Check) -> None:
    assert dist.is_dir()
    found, out, err = check("dist/app", "--rule", "static", "--rule", "no-cgo", "--runs-on", "alpine,scratch")

    assert (found, err) == (0, "")
    assert "passed  static, no-cgo, runs-on" in out
    assert out.endswith("1 image, 3 findings: 3 passed\n")


def test_a_violation_has_the_text_that_pytest_shows(
    dist: Path, check: Check, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pytester has a folder of its own.
    monkeypatch.chdir(dist.parent)
    found, out, _ = check("dist/app", "dist/dynamic", "--rule", "static")
    (dist.parent / "golink.toml").write_text('[[binary]]\npath = "dist/dynamic"\nrules = { static = true }\n')
    shown = pytester.runpytest_subprocess("--rootdir", dist.parent, dist.parent / "golink.toml").stdout.str()

    text = out.split("\n\n")[0]
    assert found == status.VIOLATED
    assert text.startswith(
        "golink: dist/dynamic (linux/amd64) violates static\n  expected  no PT_INTERP, no DT_NEEDED\n"
    )
    # pytest's lines are longer.
    assert re.sub(r"\s+", " ", text) in re.sub(r"\s+", " ", shown)
    assert out.endswith("2 images, 2 findings: 1 violated, 1 passed\n")


@pytest.mark.parametrize("form", ["dist/*.tar.gz!**/app", "{}/app.tar.gz!release/*"])
def test_members_of_archives_have_their_name_in_there(dist: Path, check: Check, form: str) -> None:
    name = form.format(dist)
    found, out, _ = check(name, "--rule", "static", "--json")
    report = json.loads(out)

    assert found == 0
    assert report["images"][0]["name"].endswith("dist/app.tar.gz!release/app")
    assert report["images"][0]["facts"]["path"] == report["images"][0]["name"]
    assert report["findings"][0]["path"] == report["images"][0]["name"]


def test_a_file_is_that_file_whatever_its_name_means_as_a_glob(dist: Path, check: Check) -> None:
    odd = dist / "a[b]!c"
    odd.write_bytes((dist / "app").read_bytes())

    assert check("dist/a[b]!c", "--rule", "static")[0] == 0


def test_what_cannot_be_read_does_not_keep_the_others_from_an_answer(dist: Path, check: Check) -> None:
    (dist / "README").write_text("read me")
    found, out, err = check("dist/README", "dist/gone", "dist", "dist/dynamic", "--rule", "static")

    assert found == status.UNREADABLE
    assert "violates static" in out
    assert out.endswith("3 images could not be found, built or read\n1 image, 1 finding: 1 violated\n")
    lines = err.splitlines()
    assert lines[0].startswith("golink: dist/README: not an executable")
    assert lines[1].startswith("golink: dist/gone: no file matches")
    assert lines[2].startswith("golink: dist: a folder: name its files, `dist/*`")


def test_what_golink_cannot_tell_is_no_pass(dist: Path, check: Check) -> None:
    assert dist.is_dir()
    found, out, _ = check("dist/app", "--rule", "no-getaddrinfo-warning", "--rule", "starts-alone")

    assert found == status.VIOLATED
    assert "does not say whether starts-alone holds" in out


def test_rules_over_several_images_see_them_together(dist: Path, check: Check) -> None:
    assert dist.is_dir()
    assert check("dist/app", "dist/dynamic", "--rule", "same-linkage")[0] == status.VIOLATED
    assert check("dist/app", "dist/app.tar.gz!release/app", "--rule", "same-linkage")[0] == 0


class TestPolicy:
    POLICY = """
[policy.release]
static = true

[policy.loose]
nx = true

[[waive]]
binary = "{binary}"
rule = "static"
reason = "the old build"
until = {until}
"""

    def write(self, folder: Path, *, binary: str = "dist/dynamic", until: str = "2090-01-01", more: str = "") -> None:
        text = self.POLICY.format(binary=binary, until=until)
        (folder / "golink.toml").write_text(text + more)

    def test_its_rules_and_waivers_apply(self, dist: Path, check: Check) -> None:
        self.write(dist.parent)
        found, out, _ = check("dist/app", "dist/dynamic", "--policy", "golink.toml#release")

        assert found == 0
        assert "the old build (until 2090-01-01)" in out
        assert out.endswith("2 images, 2 findings: 1 waived, 1 passed\n")

    @pytest.mark.parametrize("changed", [{"until": "2020-01-01"}, {"binary": "dist/other"}])
    def test_a_waiver_of_another_day_or_file_does_not(self, dist: Path, check: Check, changed: dict[str, str]) -> None:
        self.write(dist.parent, **changed)
        assert check("dist/dynamic", "--policy", "golink.toml#release")[0] == status.VIOLATED

    def test_a_waiver_of_the_binary_that_finds_the_file_does(self, dist: Path, check: Check) -> None:
        more = '[[binary]]\nname = "legacy"\npath = "dist/dyn*"\npolicy = "release"\n'
        self.write(dist.parent, binary="legacy", more=more)

        assert check("dist/dynamic", "--policy", "golink.toml#release")[0] == 0

    def test_a_rule_of_the_command_line_is_asked_besides(self, dist: Path, check: Check) -> None:
        self.write(dist.parent)
        found, out, _ = check("dist/app", "--policy", "golink.toml#loose", "--rule", "static=true", "-q")

        assert (found, out) == (0, "1 image, 2 findings: 2 passed\n")

    @pytest.mark.parametrize(
        ("word", "text"),
        [
            ("golink.toml#releas", 'there is no policy "releas"; there are release, loose'),
            ("golink.toml", "write golink.toml#NAME; there are release, loose"),
            ("other.toml", "there is no file other.toml"),
        ],
    )
    def test_a_policy_that_is_not_there_is_a_wrong_command_line(
        self, dist: Path, check: Check, word: str, text: str
    ) -> None:
        self.write(dist.parent)
        found, out, err = check("dist/app", "--policy", word)

        assert (found, out) == (status.USAGE, "")
        assert text in err

    def test_a_wrong_policy_is_an_error(self, dist: Path, check: Check) -> None:
        (dist.parent / "golink.toml").write_text("[policy.a]\nstatik = true\n")
        found, _, err = check("dist/app", "--policy", "golink.toml#a")

        assert found == status.UNREADABLE
        assert 'golink.toml:2: unknown rule "statik"; did you mean "static"?' in err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--rule", "statik"], 'unknown rule "statik"; did you mean "static"?'),
        (["--rule", "static=false"], "static: false asks nothing"),
        (["--rule", "static=1"], "static: '1' is not true or false"),
        (["--rule", "glibc-at-most"], "glibc-at-most: version is missing"),
        (["--rule", "glibc-at-most=old"], "glibc-at-most: version: 'old' is not a version"),
        (["--rule", "needs-libc=glibc,2.17"], "'glibc,2.17' has no name: write kind=…, at-most=…"),
        (["--rule", "needs-libc=kind=glibc,at-mots=2.17"], 'unknown parameter "at-mots"; did you mean "at-most"?'),
        (["--rule", 'needs={"a"'], "is not a value as TOML writes it"),
        (["--runs-on", "alpin"], 'did you mean "alpine"?'),
        (["--rule", "static", "--rule", "static"], "static: asked twice"),
        ([], "nothing is asked: add --rule, --runs-on or --policy"),
    ],
)
def test_a_wrong_question_is_a_wrong_command_line(dist: Path, check: Check, words: list[str], text: str) -> None:
    found, out, err = check(str(dist / "app"), *words)

    assert (found, out) == (status.USAGE, "")
    assert text in err


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("static", {}),
        ("only-needs=libc.so.6, libm.so.6", {"libraries": ("libc.so.6", "libm.so.6")}),
        ("glibc-at-most=2.17", {"version": "2.17"}),
        ("glibc-at-most=version=2.17", {"version": "2.17"}),
        ("needs-libc=kind=glibc,at-most=2.17", {"kind": "glibc", "at-most": "2.17"}),
        ('needs-libc={ kind = "glibc" }', {"kind": "glibc"}),
        ("page-alignment=16384", {"bytes": 16384}),
        ("max-size=20 MB", {"size": "20 MB"}),
        ("build-setting=CGO_ENABLED=0,GOAMD64=v1", {"settings": ("CGO_ENABLED=0", "GOAMD64=v1")}),
        ("no-link-warnings=a{1,2}", {"allow": ("a{1,2}",)}),
        ('no-link-warnings=["a,b", "c"]', {"allow": ("a,b", "c")}),
        ("no-instrumentation=race,cover", {"allow": ("race", "cover")}),
        ("signed=by=ad-hoc", {"by": "ad-hoc"}),
        ("runs-on=alpine,rhel8", {"platforms": ("alpine", "rhel8")}),
    ],
)
def test_values_are_written_as_a_shell_likes_them(text: str, parameters: dict[str, object]) -> None:
    assert rule_of_words(text, {}) == (text.partition("=")[0], parameters)


def test_every_rule_can_be_asked_from_a_shell() -> None:
    for rule in RULES.values():
        values = {parameter.name: parameter for parameter in rule.parameters}
        if not any(parameter.required for parameter in values.values()):
            assert rule_of_words(rule.name, {})[0] == rule.name
        else:
            with pytest.raises(ParameterError, match=r"is missing|is not"):
                rule_of_words(rule.name, {})


def test_reports_are_written_in_their_formats(dist: Path, check: Check) -> None:
    files = ["out.json", "out.sarif", "out.md", "out.html", "codequality:gl.json"]
    words = [word for file in files for word in ("--report-file", file)]
    found, _, _ = check("dist/dynamic", "--rule", "static", *words)

    assert found == status.VIOLATED
    assert json.loads((dist.parent / "out.json").read_text())["totals"]["outcomes"] == {"violated": 1}
    assert json.loads((dist.parent / "out.sarif").read_text())["runs"][0]["results"]
    assert "violates" in (dist.parent / "out.md").read_text() or "violated" in (dist.parent / "out.md").read_text()
    assert check("dist/app", "--rule", "static", "--report-file", "gone/out.json")[0] == status.USAGE


def test_an_archive_without_members_named_says_so(dist: Path, check: Check) -> None:
    assert dist.is_dir()
    found, _, err = check("dist/app.tar.gz", "--rule", "static")

    assert found == status.UNREADABLE
    assert "an archive: name its members" in err
    assert err.count("\n") == 1
