"""golink with other plugins switched off, and switched off itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

TEST = """
from pytest_golink import assert_static

def test_static(go_build):
    built = go_build(cgo=False)
    assert_static(built)
    print("image:", built.path)
"""


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("plugin", ["xdist", "junitxml", "terminal", "cacheprovider"])
def test_it_works_without(pytester: pytest.Pytester, plugin: str) -> None:
    pytester.makepyfile(test_it=TEST)

    result = pytester.runpytest_subprocess("-p", f"no:{plugin}", "--golink-report")

    assert result.ret == 0


@pytest.mark.usefixtures("app")
def test_without_a_cache_images_go_with_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TEST)

    result = pytester.runpytest_subprocess("-rP", "-p", "no:cacheprovider")

    [line] = [line for line in result.outlines if line.startswith("image: ")]
    assert "golink-" in line
    assert ".pytest_cache" not in line
    assert not pytester.path.joinpath(line.removeprefix("image: ")).exists()
    assert not pytester.path.joinpath(".pytest_cache").exists()


@pytest.mark.usefixtures("app")
def test_a_cache_that_cannot_be_made_is_no_reason_not_to_build(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TEST)
    pytester.path.joinpath("file").touch()

    result = pytester.runpytest_subprocess("-rP", "-o", "cache_dir=file", "-p", "no:stepwise", "-W", "ignore")

    result.assert_outcomes(passed=1)
    [line] = [line for line in result.outlines if line.startswith("image: ")]
    assert "golink-" in line


@pytest.mark.usefixtures("app")
def test_a_cache_that_golink_cannot_write_to_is_no_reason_not_to_build(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TEST)
    kept = pytester.mkdir(".pytest_cache").joinpath("d")
    kept.mkdir()
    # Such as an earlier run left, and another user owns. Root cannot write here either.
    kept.joinpath("golink").symlink_to("/proc")

    result = pytester.runpytest_subprocess("-rP")

    result.assert_outcomes(passed=1)
    [line] = [line for line in result.outlines if line.startswith("image: ")]
    assert "golink-" in line


def test_switched_off_it_leaves_no_trace(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_it(go_build): ...")

    result = pytester.runpytest_subprocess("-p", "no:golink")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'go_build' not found"])
    helped = pytester.runpytest_subprocess("-p", "no:golink", "--help", "--markers")
    assert "golink" not in helped.stdout.str()


def test_a_run_that_uses_nothing_of_it_shows_and_loads_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_nothing(): ...")
    # What the plugin loads as late as at the end of a test or of the run counts too.
    pytester.makeconftest(
        """
        import sys

        import pytest

        @pytest.hookimpl(trylast=True)
        def pytest_unconfigure(config):
            loaded = {name for name in sys.modules if name.partition(".")[0] == "pytest_golink"}
            assert loaded == {
                "pytest_golink",
                "pytest_golink.errors",
                "pytest_golink.fixtures",
                "pytest_golink.location",
                "pytest_golink.plugin",
                "pytest_golink.plugin.markers",
                "pytest_golink.plugin.recorder",
                "pytest_golink.plugin.reminders",
                "pytest_golink.plugin.summary",
                "pytest_golink.plugin.unneeded_waivers",
                "pytest_golink.plugin.unreached",
                "pytest_golink.plugin.width",
                "pytest_golink.recording",
                "pytest_golink.session",
                "pytest_golink.settings",
                "pytest_golink.text",
                "pytest_golink.text.escape",
            }
            assert not {"lief", "elftools", "macholib"} & sys.modules.keys()
        """
    )

    result = pytester.runpytest_subprocess()

    assert result.ret == 0, result.stderr.str()
    result.assert_outcomes(passed=1)
    assert not [line for line in result.outlines if line.startswith("golink") or "= golink" in line]
    assert not pytester.path.joinpath(".pytest_cache", "d").exists()


def test_a_report_with_nothing_in_it_is_not_shown(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="def test_nothing(): ...")

    result = pytester.runpytest_subprocess("--golink-report")

    result.assert_outcomes(passed=1)
    assert not [line for line in result.outlines if "= golink" in line]


def test_importing_the_package_loads_nothing() -> None:
    script = "import sys, pytest_golink; print([name for name in sys.modules if 'golink.' in name or name == 'pytest'])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    import pytest_golink

    assert set(pytest_golink.__all__) <= set(dir(pytest_golink))
    for name in pytest_golink.__all__:
        assert getattr(pytest_golink, name).__name__ == name
    for name in ("assert_statik", "RULES"):
        with pytest.raises(AttributeError, match=f"module 'pytest_golink' has no attribute '{name}'"):
            getattr(pytest_golink, name)
