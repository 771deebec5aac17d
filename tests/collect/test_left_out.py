"""`exclude` and `only`: what a policy leaves out, what it never does, and how reports count it."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample


@pytest.fixture
def dist(pytester: pytest.Pytester, go_sample: GoSample) -> Path:
    """A folder with a Go program, a C program, and files that are no programs."""
    folder = pytester.mkdir("dist")
    (folder / "app").write_bytes(go_sample("static", target="linux/amd64", cgo=False).path.read_bytes())
    (folder / "true").write_bytes(c_program())
    (folder / "README.md").write_text("# app\n")
    (folder / "SHA256SUMS").write_text("0 app\n")
    (folder / "install.sh").write_text("#!/bin/sh\n")
    return folder


def c_program() -> bytes:
    with open("/bin/true", "rb") as file:  # noqa: PTH123 - the machine's own
        return file.read()


def run(pytester: pytest.Pytester, policy: str, *arguments: str) -> dict[str, Any]:
    pytester.path.joinpath("golink.toml").write_text(policy)
    result = pytester.runpytest_inprocess(
        "--golink-report-file=report.json", "--golink-report-file=report.md", *arguments
    )
    report: dict[str, Any] = json.loads(pytester.path.joinpath("report.json").read_text())
    report["status"] = result.ret
    report["answers"] = {(finding["image"], finding["rule"]): finding["outcome"] for finding in report["findings"]}
    return report


@pytest.mark.usefixtures("dist")
@pytest.mark.parametrize("arguments", [[], ["-n2"], ["-k", "app"]])
def test_only_executables_leaves_the_other_files_out_and_counts_them(
    pytester: pytest.Pytester, arguments: list[str]
) -> None:
    report = run(
        pytester, '[[binary]]\npath = "dist/**"\nonly = "executables"\nrules = { max-size = "1 GB" }\n', *arguments
    )

    assert report["status"] == pytest.ExitCode.OK
    assert report["left_out"] == 3
    assert ("dist/app", "max-size") in report["answers"]
    assert "3 files left out by exclude and only of the policy." in pytester.path.joinpath("report.md").read_text()


def test_a_new_binary_and_an_archive_do_not_go_unseen(pytester: pytest.Pytester, dist: Path) -> None:
    policy = '[[binary]]\npath = "dist/**"\nonly = "executables"\nexclude = "dist/*.zip"\nrules = { static = true }\n'
    (dist / "new.bin").write_bytes(c_program())
    (dist / "more.tar.gz").write_bytes(b"\x1f\x8b\x08" + bytes(100))
    (dist / "sources.zip").write_bytes(b"PK\x03\x04")

    report = run(pytester, policy)

    assert report["status"] == pytest.ExitCode.TESTS_FAILED
    assert report["answers"]["dist/new.bin", "static"] == "violated"
    [error] = report["errors"]
    assert "an archive: name its members, `dist/more.tar.gz!**`" in error["text"]


@pytest.mark.parametrize("content", [b"", b"\x7fEL"], ids=["empty", "cut"])
def test_what_may_have_been_a_program_is_not_left_out(pytester: pytest.Pytester, dist: Path, content: bytes) -> None:
    (dist / "cut").write_bytes(content)
    (dist / "cut").chmod(0o755)
    (dist / "empty").touch()
    report = run(pytester, '[[binary]]\npath = "dist/**"\nonly = "executables"\nrules = { max-size = "1 GB" }\n')

    assert report["status"] == pytest.ExitCode.TESTS_FAILED
    assert [error["image"] for error in report["errors"]] == ["dist/cut"]
    assert report["left_out"] == 4


def test_a_file_that_is_named_as_it_is_is_not_left_out(pytester: pytest.Pytester, dist: Path) -> None:
    (dist / "app").write_bytes(b"\0\0\0\0" + c_program())
    policy = '[[binary]]\npath = ["dist/app", "dist/t*"]\nonly = "executables"\nrules = { max-size = "1 GB" }\n'
    report = run(pytester, policy)

    assert report["status"] == pytest.ExitCode.TESTS_FAILED
    assert [error["image"] for error in report["errors"]] == ["dist/app"]


def test_members_of_an_archive_are_left_out_too_and_an_excluded_archive_is_not_opened(
    pytester: pytest.Pytester, dist: Path
) -> None:
    with tarfile.open(dist / "image.tar", "w") as archive:
        for name, content in {"bin/true": c_program(), "man/true.1.gz": b"\x1f\x8b\x08", "etc/passwd": b""}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    (dist / "sources.tar").write_bytes(b"not an archive")

    report = run(
        pytester,
        '[[binary]]\npath = "dist/*.tar!**"\nonly = "executables"\nexclude = ["dist/sources.tar"]\n'
        'rules = { max-size = "1 GB" }\n',
    )

    assert report["answers"] == {("dist/image.tar!bin/true", "max-size"): "passed"}
    assert report["left_out"] == 3
    assert report["errors"] == []


@pytest.mark.usefixtures("dist")
@pytest.mark.parametrize(
    "policy",
    [
        '[[binary]]\npath = "dist/**"\nonly = "go"\nrules = { claims-hold = true, static = true }\n',
        '[policy.go]\nonly = "go"\nclaims-hold = true\nstatic = true\n'
        '[[binary]]\npath = ["dist/app", "dist/true"]\npolicy = "go"\n',
        '[[binary]]\npath = ["dist/app", "dist/true"]\n'
        'rules = { claims-hold = { only = "go" }, static = { only = "go" } }\n',
    ],
)
def test_only_go_makes_a_rule_not_applicable_to_other_programs(pytester: pytest.Pytester, policy: str) -> None:
    report = run(pytester, policy)

    assert report["status"] == pytest.ExitCode.OK
    assert report["answers"] == {
        ("dist/app", "static"): "passed",
        ("dist/app", "claims-hold"): "passed",
        ("dist/true", "static"): "not-applicable",
        ("dist/true", "claims-hold"): "not-applicable",
    }


@pytest.mark.usefixtures("dist")
def test_only_of_a_policy_is_about_its_own_rules(pytester: pytest.Pytester) -> None:
    report = run(
        pytester,
        '[policy.base]\nmax-size = "1 GB"\n[policy.go]\nextends = "base"\nonly = "go"\nclaims-hold = true\n'
        '[[binary]]\nname = "all"\npath = ["dist/app", "dist/true"]\npolicy = "go"\n'
        'rules = { same-linkage = { only = "go" } }\n',
    )

    assert report["answers"]["dist/true", "max-size"] == "passed"
    assert report["answers"]["dist/true", "claims-hold"] == "not-applicable"
    # The one Go program agrees with itself.
    assert report["answers"]["all", "same-linkage"] in ("passed", "not-applicable")
    assert report["status"] == pytest.ExitCode.OK


@pytest.mark.usefixtures("dist")
def test_a_rule_over_a_binary_without_a_go_program_is_not_applicable(pytester: pytest.Pytester) -> None:
    report = run(
        pytester, '[[binary]]\npath = "dist/true"\nonly = "go"\nrules = { same-linkage = true, static = true }\n'
    )

    assert set(report["answers"].values()) == {"not-applicable"}


@pytest.mark.usefixtures("dist")
def test_a_binary_of_which_nothing_is_left_is_an_error(pytester: pytest.Pytester) -> None:
    report = run(pytester, '[[binary]]\npath = "dist/*.md"\nonly = "executables"\nrules = { static = true }\n')

    assert report["status"] == pytest.ExitCode.TESTS_FAILED
    [error] = report["errors"]
    assert error["text"] == "golink.toml:1: exclude and only leave every file out (1): nothing is checked"


@pytest.mark.parametrize(
    ("lines", "mistake"),
    [
        (
            'package = "."\nname = "a"\nonly = "go"',
            "only: only for a binary that golink does not build; this binary has a package",
        ),
        ('path = "a"\nonly = "rust"', 'only: expected one of go, executables, not "rust"'),
        (
            'path = "a"\nexclude = "../a"',
            'exclude: "../a" leads out of the folder of the policy; golink reads nothing outside of it',
        ),
        ('path = "a"\nexclude = []', "exclude: expected a path, or a list of at least one, not an empty list"),
    ],
)
def test_what_they_cannot_be(tmp_path: Path, lines: str, mistake: str) -> None:
    from tests.policy.written import mistakes

    [text] = mistakes(tmp_path, f"[[binary]]\n{lines}\nrules = {{ static = true }}\n")

    assert text.partition(": ")[2] == mistake
