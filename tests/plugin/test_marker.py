"""The golink marker: what go_binary builds, and what is wrong with one before any test runs."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("app")


def test_go_binary_builds_the_root_package_without_a_marker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import subprocess
        from pytest_golink import assert_static

        def test_app(go_binary):
            assert subprocess.run([go_binary.path], capture_output=True).stderr == b"hello\\n"
            assert_static(go_binary)
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_nearest_marker_wins_option_by_option(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ngolink_trimpath = true\ngolink_tags = osusergo")
    pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.golink(target="linux/arm64", cgo=False, ldflags="-s")

        @pytest.mark.golink(tags=["netgo"], ldflags="-w")
        class TestClass:
            @pytest.mark.golink(".", ldflags="-s -w")
            def test_function(self, go_binary):
                asked = go_binary.options
                assert (asked.package, asked.target, asked.cgo) == (".", "linux/arm64", False)
                assert (asked.tags, asked.ldflags, asked.trimpath) == (("netgo",), "-s -w", True)
                assert go_binary.facts.stripped
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("linkmod='internal'", 'unknown build option "linkmod"; did you mean "linkmode"?'),
        (
            "linkmode='interal'",
            "linkmode: expected one of internal, external, not 'interal'; did you mean \"internal\"?",
        ),
        ("target='linux'", "target: expected GOOS/GOARCH, such as \"linux/arm64\", not 'linux'"),
        ("buildmode='dll'", "buildmode: expected one of default, exe, pie, c-archive, c-shared, plugin, not 'dll'"),
        ("cgo='yes'", "cgo: expected true, false, or nothing for Go's default, not 'yes'"),
        ("'.', 'linux/arm64'", "package is the only positional argument, but there are ('.', 'linux/arm64')"),
        ("'.', package='.'", "package is given twice"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--collect-only"]])
def test_a_wrong_marker_is_a_usage_error_that_names_the_test(
    pytester: pytest.Pytester, marker: str, message: str, more: list[str]
) -> None:
    pytester.makepyfile(test_it=f"import pytest\n@pytest.mark.golink({marker})\ndef test_app(go_binary): ...")

    result = pytester.runpytest_inprocess(*more)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: test_it.py::test_app: golink marker: {message}" in result.stderr.str()


def test_the_workers_of_xdist_say_it_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="import pytest\n@pytest.mark.golink(cgo=1)\ndef test_app(go_binary): ...")

    result = pytester.runpytest_subprocess("-n1")

    assert result.ret != 0
    assert "test_it.py::test_app: golink marker: cgo: expected true" in result.stdout.str() + result.stderr.str()


def test_the_marker_is_registered_with_its_signature(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--markers")

    result.stdout.fnmatch_lines(['@pytest.mark.golink(package=".", [*], target=None, cgo=None, *'])


@pytest.mark.parametrize(
    ("source", "node"),
    [
        ("@pytest.mark.golink('.')\ndef test_it(): ...\n", "test_it.py::test_it"),
        ("@pytest.mark.golink\ndef test_it(go_build): ...\n", "test_it.py::test_it"),
        ("@pytest.mark.golink(cgo=False)\nclass TestIt:\n    def test_it(self): ...\n", "test_it.py::TestIt"),
        ("pytestmark = pytest.mark.golink(cgo=False)\ndef test_it(): ...\n", "test_it.py"),
    ],
)
def test_a_marker_without_go_binary_is_a_usage_error(pytester: pytest.Pytester, source: str, node: str) -> None:
    pytester.makepyfile(test_it=f"import pytest\n{source}")

    result = pytester.runpytest_inprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.lines[0] == (
        f"ERROR: {node}: golink marker: the marker says what the go_binary fixture builds, and no test here takes "
        "go_binary: add it to the test's arguments, or remove the marker"
    )


def test_a_marker_may_be_for_another_test_of_its_module_or_for_a_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest

        pytestmark = pytest.mark.golink(cgo=False)

        @pytest.fixture
        def image(go_binary):
            return go_binary

        def test_plain(): ...

        @pytest.mark.golink(trimpath=True)
        def test_by_a_fixture(image): ...

        @pytest.fixture
        def later(request):
            return request

        @pytest.mark.golink(trimpath=True)
        def test_that_gets_it_later(request): ...

        @pytest.mark.golink(trimpath=True)
        def test_whose_fixture_gets_it_later(later): ...
        """
    )

    assert pytester.runpytest_inprocess("--collect-only", "-q").ret == pytest.ExitCode.OK
    assert pytester.runpytest_inprocess("--collect-only", "-q", "test_it.py::test_plain").ret == pytest.ExitCode.OK
