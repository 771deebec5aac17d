"""--golink-lock, golink_lock and --golink-update-lock: images are held to golink.lock, which a run writes."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_golink import read_binary
from pytest_golink.lock import lock_entry, lock_text
from pytest_golink.report.facts_json import facts_json

if TYPE_CHECKING:
    from pytest_golink import GoSample

POLICY = """
[policy.all]
intact = true

[[binary]]
name = "app"
path = "dist/app"
policy = "all"

[[binary]]
name = "tool"
path = "dist/tool"
policy = "all"
"""
RED = """\
golink: app[[]dist/app[]] is not what golink.lock:5 says
- linkage = "static"
+ linkage = "dynamic" * # not static any more
+ needed."libc.so.6" = "DT_NEEDED" * # needs one more library
- libc = "none"
+ libc = "glibc" * # a libc came in
- libc-presence = "none"
+ libc-presence = "dynamic" * # loads a libc
+ import."getaddrinfo" = "libc.so.6" * # asks libc for names or libraries
- cgo = false
+ cgo = true * # cgo came in
+ cgo-package."net" = true * # one more package with cgo
+ cgo-package."runtime/cgo" = true * # one more package with cgo
- resolver = "none"
+ resolver = "cgo, go" * # looks host names up now
accept it: pytest --golink-update-lock 'golink.toml::app[[]dist/app[]]::lock'
   or all: pytest --golink-update-lock"""


class Project:
    """A folder with a policy, and images that are there already."""

    def __init__(self, pytester: pytest.Pytester, go_sample: GoSample) -> None:
        self.run = pytester.runpytest
        self.run_apart = pytester.runpytest_subprocess
        self.folder = pytester.path
        self.lock = pytester.path / "golink.lock"
        self._images = {"static": go_sample("static", cgo=False).path, "net": go_sample("lookup", cgo=True).path}
        (self.folder / "dist").mkdir()
        (self.folder / "golink.toml").write_text(POLICY)
        self.put("app", "static")
        self.put("tool", "static")

    def put(self, name: str, sample: str) -> None:
        """Put an image there."""
        shutil.copy(self._images[sample], self.folder / "dist" / name)

    def agree(self, **images: str) -> None:
        """Lock these images as what a sample is."""
        self.lock.write_text(
            lock_text(
                lock_entry(f"{image}[dist/{image}]", facts_json(read_binary(self._images[sample])))
                for image, sample in images.items()
            )
        )

    def entry(self, image: str) -> str:
        """The lines of an image's entry."""
        return next(part for part in self.lock.read_text().split("\n\n") if part.startswith(f'[image."{image}'))


@pytest.fixture
def project(pytester: pytest.Pytester, go_sample: GoSample) -> Project:
    return Project(pytester, go_sample)


def test_an_import_of_net_is_red_with_the_diff_until_it_is_agreed_to(project: Project) -> None:
    first = project.run_apart("--golink-update-lock", "-n2")
    first.assert_outcomes(passed=4)
    first.stdout.fnmatch_lines(
        ["*= golink.lock =*", "golink.lock is written: 2 added", "  added  app[[]dist/app[]]", "  added  tool*"]
    )
    before = project.entry("tool")
    project.put("app", "net")
    project.put("tool", "net")

    red = project.run("--golink-lock", "--junitxml=out.xml", "-ojunit_family=xunit1", "--golink-report-file=out.json")

    red.assert_outcomes(passed=2, failed=2)
    red.stdout.fnmatch_lines(RED.splitlines())
    red.stdout.fnmatch_lines(["FAILED golink.toml::app[[]dist/app[]]::lock - not static any more*"])
    # The place is the entry's line, counted from 0 there.
    assert 'file="golink.lock" line="4"' in (project.folder / "out.xml").read_text()
    findings = json.loads((project.folder / "out.json").read_text())["findings"]
    drift = next(each for each in findings if each["rule"] == "lock")
    assert (drift["outcome"], drift["place"]) == ("violated", "golink.lock:5")
    assert '+ needed."libc.so.6" = "DT_NEEDED"   # needs one more library' in drift["evidence"]

    agreed = project.run("--golink-update-lock", "golink.toml::app[dist/app]::lock")

    agreed.assert_outcomes(passed=1)
    agreed.stdout.fnmatch_lines(
        ["golink.lock is written: 1 changed", "  changed  app[[]dist/app[]]", "+ cgo = true * # cgo came in"]
    )
    assert 'linkage = "dynamic"' in project.entry("app")
    assert project.entry("tool") == before


def test_images_that_one_side_alone_has_fail_and_what_only_got_better_is_told(project: Project) -> None:
    project.agree(app="net", old="static")
    # Another sample is another program.
    project.lock.write_text(project.lock.read_text().replace("/lookup", "/static"))

    result = project.run("--golink-lock", "--golink-report")

    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(
        [
            "golink: tool[[]dist/tool[]] is not in golink.lock: its linkage has not been*",
            "golink: old[[]dist/old[]] is in golink.lock:*, but golink.toml has no such image:*",
        ]
    )
    result.stdout.fnmatch_lines(
        [
            "*= golink.lock =*",
            "app[[]dist/app[]] is better than golink.lock says:",
            '- needed."libc.so.6" = "DT_NEEDED" * # needs it no more',
            "That is no failure; pytest --golink-update-lock updates the entries.",
        ]
    )
    result.stdout.fnmatch_lines(["violated *lock*"])


def test_a_lock_of_an_older_version_is_compared_in_what_it_has(project: Project) -> None:
    project.agree(app="static", tool="static")
    new = dict.fromkeys(["main-", "godebug.", "kernel-", "load-", "tls-", "lock = 2"])
    lines = [line for line in project.lock.read_text().splitlines() if not line.startswith(tuple(new))]
    project.lock.write_text("\n".join(["lock = 1", *lines]))

    result = project.run("--golink-lock")

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["golink.lock is of an older version, which has fewer facts: *"])


def test_an_image_that_cannot_be_read_keeps_its_entry_and_the_others_are_written(project: Project) -> None:
    project.agree(app="static", tool="net")
    before = project.entry("app")
    (project.folder / "dist" / "app").write_bytes(b"no image")

    result = project.run("--golink-update-lock", "-k", "lock")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "golink.lock is written: 1 changed",
            "  changed  tool[[]dist/tool[]]",
            "  not written, since golink could not build or read it  app[[]dist/app[]]",
        ]
    )
    assert project.entry("app") == before
    assert 'linkage = "static"' in project.entry("tool")


def test_a_run_that_is_interrupted_writes_nothing(project: Project) -> None:
    (project.folder / "test_last.py").write_text("import pytest\n\ndef test_it():\n    pytest.exit('enough')\n")

    result = project.run("--golink-update-lock", "golink.toml", "test_last.py")

    result.stdout.fnmatch_lines(["golink: no lock was written: the run ended early"])
    assert not project.lock.exists()


def test_collecting_only_writes_nothing(project: Project) -> None:
    project.run("--golink-update-lock", "--collect-only").stdout.fnmatch_lines(["*GolinkLock lock*"])

    assert not project.lock.exists()


def test_each_policy_has_a_lock_and_the_option_that_writes_it_wins_over_the_ini_key(project: Project) -> None:
    other = project.folder / "other"
    shutil.copytree(project.folder / "dist", other / "dist")
    (other / "golink.toml").write_text(POLICY)

    result = project.run("-o", "golink_lock=true", "--golink-update-lock")

    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(["golink.lock is written: 2 added", "other/golink.lock is written: 2 added"])
    assert (other / "golink.lock").read_text() == project.lock.read_text()


def test_a_lock_with_conflict_markers_is_a_usage_error_with_its_line(project: Project) -> None:
    project.lock.write_text("lock = 1\n\n<<<<<<< HEAD\n")

    result = project.run("-o", "golink_lock=true")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(['ERROR: golink.lock:3: a merge left its conflict marker "<<<<<<<" here; *'])


def test_a_lock_that_cannot_be_written_fails_the_run_and_is_told_without_a_terminal_too(project: Project) -> None:
    project.lock.mkdir()

    result = project.run_apart("--golink-update-lock", "-p", "no:terminal")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stderr.fnmatch_lines(["golink: not written: golink.lock: cannot be written: Is a directory"])


def test_both_options_at_once_are_a_usage_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--golink-lock", "--golink-update-lock")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --golink-lock holds images to golink.lock, --golink-update-lock writes it: *"])


def test_a_run_without_a_policy_has_nothing_to_lock(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): ...")

    result = pytester.runpytest("--golink-lock")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --golink-lock: this run has no golink.toml, and so no image to lock"])


@pytest.mark.usefixtures("app")
def test_an_image_that_is_built_is_locked_as_well_and_one_that_does_not_build_is_not(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("golink.toml").write_text(
        '[[binary]]\nname = "good"\npackage = "."\ncgo = false\nrules = { intact = true }\n'
        '[[binary]]\nname = "bad"\npackage = "./none"\nrules = { intact = true }\n'
    )

    written = pytester.runpytest("--golink-update-lock", "-k", "lock")

    written.assert_outcomes(passed=1, errors=1, deselected=2)
    written.stdout.fnmatch_lines(
        ["golink.lock is written: 1 added", "  added  good", "  not written, since golink could not build*  bad"]
    )
    pytester.runpytest("--golink-lock", "-k", "good").assert_outcomes(passed=2, deselected=2)


@pytest.mark.parametrize("option", ["--golink-lock", "--golink-update-lock"])
def test_policies_that_would_share_a_lock_or_be_one_are_mistakes(pytester: pytest.Pytester, option: str) -> None:
    for name in ("ci.toml", "ci.conf", "strict.lock"):
        pytester.path.joinpath(name).write_text('[[binary]]\npath = "app"\nrules = { static = true }\n')
    pytester.path.joinpath("ci.lock").write_text("lock = 1\n")
    before = pytester.path.joinpath("strict.lock").read_text()

    result = pytester.runpytest(option, *(f"--golink-policy={name}" for name in ("ci.toml", "ci.conf", "strict.lock")))

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: *ci.toml: its lock, ci.lock, is that of ci.conf as well: rename one of the two policies",
            "*strict.lock: a policy cannot be called .lock: its lock would replace it",
        ]
    )
    assert pytester.path.joinpath("strict.lock").read_text() == before
