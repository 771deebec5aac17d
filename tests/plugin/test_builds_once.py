"""A build happens once for one key: on whichever worker needs it first, and not again in the next session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("app")

TESTS = """
import json, os, pathlib, pytest

@pytest.mark.parametrize("n", range(8))
def test_many(n, go_build):
    built = go_build(cgo=False)
    status = built.path.stat()
    told = [built.linked, os.environ.get("PYTEST_XDIST_WORKER"), status.st_ino, status.st_mtime_ns]
    pathlib.Path(f"told-{n}").write_text(json.dumps(told))

@pytest.mark.golink(cgo=False)
def test_marked(go_binary):
    assert go_binary.path.is_file()

@pytest.mark.parametrize("n", range(3))
def test_broken(n, go_build):
    go_build("broken")
"""


def builds(go: Path) -> int:
    return len((go.parent / "builds").read_text().splitlines())


def told(app: Path) -> list[tuple[bool, str, int, int]]:
    return [tuple(json.loads((app / f"told-{n}").read_text())) for n in range(8)]


@pytest.mark.parametrize("cache", ["pytest's", "none"])
def test_workers_share_their_builds_and_a_failed_one_fails_each_test(
    pytester: pytest.Pytester, app: Path, counting_go: Path, cache: str
) -> None:
    pytester.mkdir("broken").joinpath("main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    pytester.makepyfile(test_it=TESTS)
    options = ["-n2", f"--golink-go={counting_go}", *(["-p", "no:cacheprovider"] if cache == "none" else [])]

    first = pytester.runpytest_subprocess(*options)

    first.assert_outcomes(passed=9, failed=3)
    assert builds(counting_go) == 2
    told_first = told(app)
    assert len({worker for _, worker, _, _ in told_first}) > 1
    assert {linked for linked, _, _, _ in told_first} == {True}

    second = pytester.runpytest_subprocess(*options)

    second.assert_outcomes(passed=9, failed=3)
    assert builds(counting_go) == 4
    assert {linked for linked, _, _, _ in told(app)} == {cache == "none"}
    if cache == "pytest's":
        # Not linked again: the very file.
        assert {one[2:] for one in told(app)} == {one[2:] for one in told_first}


def test_a_session_of_its_own_is_one_even_with_the_test_run_id_of_another(
    pytester: pytest.Pytester, app: Path, counting_go: Path
) -> None:
    pytester.makepyfile(test_it="def test_it(go_build): go_build(cgo=False)")
    for _ in range(2):
        pytester.runpytest_subprocess("-n1", "--testrunuid=same", f"--golink-go={counting_go}").assert_outcomes(
            passed=1
        )
        app.joinpath("main.go").write_text("package main\n\nfunc main() { }\n")

    assert builds(counting_go) == 2


def test_collecting_builds_nothing(pytester: pytest.Pytester, counting_go: Path) -> None:
    pytester.makepyfile(test_it=TESTS)

    pytester.runpytest_subprocess("--collect-only", f"--golink-go={counting_go}")

    assert not (counting_go.parent / "builds").exists()
