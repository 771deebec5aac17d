"""The names of a policy's items in JUnit's XML."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import lief
import pytest

if TYPE_CHECKING:
    from pytest_golink import GoSample

POLICY = '[[binary]]\nname = "app"\npath = "dist/app"\nrules = { static = true, pie = true }\n'
OTHER_WRITER = """
def pytest_addoption(parser):
    parser.addoption("--junitxml", dest="xmlpath")
"""


@pytest.fixture(autouse=True)
def _policy(pytester: pytest.Pytester, go_sample: GoSample) -> None:
    image = go_sample("static", target="linux/amd64", cgo=False).path
    shutil.copy(image, pytester.mkdir("dist") / "app")
    (pytester.path / "golink.toml").write_text(POLICY)


def test_an_item_is_a_case_of_its_image_with_the_rule_s_name(pytester: pytest.Pytester) -> None:
    pytester.runpytest("--junitxml=out.xml", "-o", "junit_suite_name=all").assert_outcomes(passed=1, failed=1)

    cases = ET.parse(pytester.path / "out.xml").iter("testcase")  # noqa: S314 - written by pytest
    assert [(case.attrib["classname"], case.attrib["name"], len(case.findall("failure"))) for case in cases] == [
        ("golink.toml.app[dist/app]", "static", 0),
        ("golink.toml.app[dist/app]", "pie", 1),
    ]


def test_another_plugin_s_writer_gets_its_names_itself(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(OTHER_WRITER)

    result = pytester.runpytest("-p", "no:junitxml", "--junitxml=out.xml")

    result.assert_outcomes(passed=1, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_the_facts_of_an_image_stand_there_once(pytester: pytest.Pytester, go_sample: GoSample) -> None:
    pytester.path.joinpath("app").write_bytes(go_sample("static", cgo=False).path.read_bytes())
    pytester.path.joinpath("golink.toml").write_text(
        '[[binary]]\npath = "app"\nrules = { static = true, no-cgo = true, nx = true }\n'
    )

    result = pytester.runpytest_inprocess("--junitxml=out.xml", "--golink-report-file=report.json")

    result.assert_outcomes(passed=3)
    text = pytester.path.joinpath("out.xml").read_text()
    assert text.count('name="golink.image"') == 1
    assert text.count('name="golink.image-of" value="golink.toml::app::static"') == 2
    [image] = json.loads(pytester.path.joinpath("report.json").read_text())["images"]
    assert len(image["tests"]) == 3


def test_many_rules_on_large_images_stay_far_below_what_gitlab_takes(pytester: pytest.Pytester) -> None:
    # A library with thousands of symbols.
    [library], images = Path(lief.__file__).parent.glob("_lief*.so"), 3
    rules = ("static", "dynamic", "stripped", "no-cgo", "no-rpath", "no-libc", "pie", "nx", "intact")
    for number in range(images):
        shutil.copy(library, pytester.path / "dist" / f"lib{number}.so")
    pytester.path.joinpath("golink.toml").write_text(
        f'[[binary]]\npath = "dist/lib*"\nrules = {{ {", ".join(f"{rule} = true" for rule in rules)} }}\n'
    )

    pytester.runpytest_inprocess("--junitxml=out.xml", "--golink-report-file=out.json")

    root = ET.parse(pytester.path / "out.xml").getroot()  # noqa: S314 - written by pytest
    properties = [(one.get("name"), str(one.get("value"))) for one in root.iter("property")]
    facts = [json.loads(value) for name, value in properties if name == "golink.image"]
    assert len(facts) == images
    whole = json.loads((pytester.path / "out.json").read_text())["images"][0]["facts"]
    assert facts[0]["cut"]
    for name, left in facts[0]["cut"].items():
        assert len(facts[0]["facts"][name]) + left == len(whole[name])
    # 10 MB for 118 images with 17 rules each.
    assert (pytester.path / "out.xml").stat().st_size < 10_000_000 / (118 * 17) * images * len(rules)
