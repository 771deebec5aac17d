"""The images of a policy's binaries: found once, made once, and told of once."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.archives.test_goreleaser import binary

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample

# As plugins that run a failed test again do.
TWICE = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    for _ in range(2):
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


@pytest.fixture
def dist(pytester: pytest.Pytester, go_sample: GoSample) -> Path:
    """What goreleaser leaves of one program, beside a file of another."""
    folder = pytester.mkdir("dist")
    image = go_sample("static", target="linux/amd64", cgo=False).path
    for name in ("agent_linux_amd64_v1/agent", "cli"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(image, folder / name)
    artifacts = [binary("dist/agent_linux_amd64_v1/agent", "linux", "amd64", goamd64="v1")]
    (folder / "artifacts.json").write_text(json.dumps(artifacts))
    return folder


def results(pytester: pytest.Pytester, policy: str) -> list[tuple[str, str]]:
    pytester.path.joinpath("golink.toml").write_text(policy)
    run = pytester.inline_run("-p", "no:cacheprovider")
    return [
        (one.nodeid, one.outcome)
        for one in run.getreports("pytest_runtest_logreport")
        if one.when == "call" or one.failed
    ]


@pytest.mark.usefixtures("dist")
def test_a_goreleaser_folder_and_globs_give_each_image_once(pytester: pytest.Pytester) -> None:
    static = "rules = { static = true }\n"

    assert results(pytester, f'[[binary]]\ngoreleaser = "dist"\n{static}') == [
        ("golink.toml::dist/agent_linux_amd64_v1/agent::static", "passed")
    ]
    assert results(pytester, f'[[binary]]\npath = ["dist/c*", "dist/cl?", "dist/**/agent"]\n{static}') == [
        ("golink.toml::dist/cli::static", "passed"),
        ("golink.toml::dist/agent_linux_amd64_v1/agent::static", "passed"),
    ]


def test_an_item_that_runs_again_shows_its_error_again(pytester: pytest.Pytester, module: Path) -> None:
    pytester.makeconftest(TWICE)
    (module / "golink.toml").write_text(
        '[[binary]]\npackage = "./broken"\ncgo = false\nrules = { static = true, stripped = true }\n'
    )

    result = pytester.runpytest_inprocess("-rN")

    result.assert_outcomes(errors=4)
    shown = result.stdout.str()
    assert shown.count("undefined: undefined") == 2
    assert shown.count("broken could not be built; golink.toml::broken::static shows the error") == 2


def test_of_several_images_the_error_is_that_of_the_one_that_does_not_build(
    pytester: pytest.Pytester, module: Path
) -> None:
    (module / "plain/is_arm64.go").write_text("package main\n\nvar _ = undefined\n")
    (module / "golink.toml").write_text(
        '[[binary]]\npackage = "./plain"\ncgo = false\ntargets = ["linux/amd64", "linux/arm64"]\n'
        "rules = { same-linkage = true }\n"
    )

    pytester.runpytest_inprocess("--golink-report-file=out.json").assert_outcomes(errors=1)

    report = json.loads((module / "out.json").read_text(encoding="utf-8"))
    assert [(one["kind"], one["image"], one["target"]) for one in report["errors"]] == [
        ("BuildError", "plain", "linux/arm64")
    ]
