"""--golink-crosscheck and golink_crosscheck: every image is read by a second reader too."""

from __future__ import annotations

import pytest

TEST = """
import pytest
from pytest_golink import ReaderDisagreement, assert_static, read_binary
from pytest_golink.reader.witnesses import pyelftools as second_elf

@pytest.fixture(autouse=True)
def other_answer(monkeypatch):
    monkeypatch.setattr(second_elf, "theirs", lambda data: {"PT_INTERP": "/lib/ld.so"})

@pytest.mark.golink(target="linux/amd64", cgo=False)
def test_fixture(go_binary):
    go_binary.facts

@pytest.mark.golink(target="linux/amd64", cgo=False)
def test_assertion(go_binary):
    assert_static(str(go_binary.path))

@pytest.mark.golink(target="linux/amd64", cgo=False)
def test_reading(go_binary):
    read_binary(go_binary.path)
"""


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("arguments", [["--golink-crosscheck"], ["-o", "golink_crosscheck=true"]])
def test_a_disagreement_is_an_error_wherever_an_image_is_read(pytester: pytest.Pytester, arguments: list[str]) -> None:
    pytester.makepyfile(TEST)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*ReaderDisagreement: *two readers disagree", "*golink *None", "*pyelftools *ld.so'"])


@pytest.mark.usefixtures("app")
def test_an_image_is_read_once_without_the_option_and_after_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)

    pytester.runpytest_inprocess("--golink-crosscheck", "--collect-only").assert_outcomes()
    result = pytester.runpytest_inprocess()

    result.assert_outcomes(passed=3)
