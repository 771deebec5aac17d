"""A deprecation reaches the user: with the replacement, at the user's line, and by a name that filters can have."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

import pytest_golink
from pytest_golink._deprecated import Deprecation, warn_deprecated

if TYPE_CHECKING:
    from pathlib import Path

OLD = Deprecation(old="the option --golink-old", new="use --golink-new", removed_in="0.4")
TEXT = "the option --golink-old will be removed in pytest-golink 0.4: use --golink-new"


def test_the_warning_names_the_replacement_and_the_version_at_the_line_that_uses_it() -> None:
    def deprecated() -> None:
        warn_deprecated(OLD, stacklevel=2)

    with pytest.warns(pytest_golink.GolinkDeprecationWarning) as caught:
        deprecated()

    (warning,) = caught
    assert (str(warning.message), warning.filename) == (TEXT, __file__)


def test_a_filter_for_one_of_its_bases_is_one_for_it() -> None:
    for category in (pytest_golink.GolinkWarning, pytest.PytestWarning, DeprecationWarning):
        with warnings.catch_warnings():
            warnings.simplefilter("error", category)
            with pytest.raises(pytest_golink.GolinkDeprecationWarning):
                warn_deprecated(OLD)


CONFTEST = f"""
from pytest_golink._deprecated import Deprecation, warn_deprecated

def pytest_configure(config):
    warn_deprecated(Deprecation(old={OLD.old!r}, new={OLD.new!r}, removed_in={OLD.removed_in!r}), config=config)
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("def test_it(): pass")
    return pytester.path


@pytest.mark.usefixtures("project")
def test_a_deprecated_option_is_in_the_summary_of_warnings(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines([f"*GolinkDeprecationWarning: {TEXT}"])


@pytest.mark.usefixtures("project")
def test_a_filter_of_the_command_line_names_the_warning(pytester: pytest.Pytester) -> None:
    ignored = pytester.runpytest_subprocess("-Wignore::pytest_golink.GolinkWarning")
    raised = pytester.runpytest_subprocess("-Werror::pytest_golink.GolinkDeprecationWarning")

    ignored.assert_outcomes(passed=1)
    assert raised.ret != pytest.ExitCode.OK
    assert TEXT in raised.stderr.str() + raised.stdout.str()
