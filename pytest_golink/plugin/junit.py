"""The names of a policy's items in JUnit's XML: pytest splits a node id at its first bracket, which is not the last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.junitxml import LogXML

_AFTER_BRACKET = "]::"
# As report/properties.py has it: importing that takes what an idle run does not need.
IMAGE = "golink.image"
# The test whose case has the facts of this test's image.
IMAGE_OF = "golink.image-of"
# GitLab takes 30 MB: the symbols of large programs are in the JSON report.
_MOST_ENTRIES = 50


class JUnitNames:
    """
    Names the items of a policy, on the process that reports: class "golink.toml.app[linux/amd64]", name "static".

    Args:
        config: The run's, of which pytest's junitxml keeps its writer.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

        # The facts that a case before has, by their text: the id of its test.
        self._facts: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name the item of a report before pytest does: what a test sets itself, pytest keeps."""
        if report.when == "teardown":
            self._write_facts_once(report)
        # The reports of which junitxml makes a test case.
        if _AFTER_BRACKET not in report.nodeid or (report.when != "call" and report.passed):
            return
        xml = self._writer()
        if xml is None:
            return
        path, _, inside = report.nodeid.partition("::")
        image, _, rule = inside.rpartition("::")
        case = xml.node_reporter(report)
        case.add_attribute("classname", ".".join(filter(None, (xml.prefix, path.replace("/", "."), image))))
        case.add_attribute("name", rule)

    def _write_facts_once(self, report: pytest.TestReport) -> None:
        """Write the facts of an image in the case of its first test; the others name that test."""
        images = [text for name, text in report.user_properties if name == IMAGE]
        xml = self._writer() if images else None
        if xml is None:
            return
        for text in images:
            self._facts.setdefault(str(text), report.nodeid)
        case = xml.node_reporter(report)
        add = case.add_property

        def add_once(name: str, value: object) -> None:
            first = self._facts.get(str(value), report.nodeid) if name == IMAGE else report.nodeid
            if first == report.nodeid:
                add(name, _in_short(str(value)) if name == IMAGE else value)
            else:
                add(IMAGE_OF, first)

        case.add_property = add_once  # type: ignore[method-assign]

    def _writer(self) -> LogXML | None:
        try:
            from _pytest.junitxml import xml_key
        except ImportError:  # pragma: no cover - a pytest to come, whose names are its own
            return None
        return self._config.stash.get(xml_key, None)


def _in_short(text: str) -> str:
    """Return an image's JSON with its long lists cut, and how much of each is left out as "cut"."""
    entry = json.loads(text)
    facts: dict[str, object] = entry["facts"]
    cut: dict[str, int] = {}
    for name, value in facts.items():
        if isinstance(value, list) and len(value) > _MOST_ENTRIES:
            cut[name] = len(value) - _MOST_ENTRIES
            facts[name] = value[:_MOST_ENTRIES]
    return json.dumps({**entry, "cut": cut}) if cut else text
