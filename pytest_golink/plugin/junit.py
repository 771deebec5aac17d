"""The names of a policy's items in JUnit's XML: pytest splits a node id at its first bracket, which is not the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.junitxml import LogXML

_AFTER_BRACKET = "]::"


class JUnitNames:
    """
    Names the items of a policy, on the process that reports: class "golink.toml.app[linux/amd64]", name "static".

    Args:
        config: The run's, of which pytest's junitxml keeps its writer.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name the item of a report before pytest does: what a test sets itself, pytest keeps."""
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

    def _writer(self) -> LogXML | None:
        try:
            from _pytest.junitxml import xml_key
        except ImportError:  # pragma: no cover - a pytest to come, whose names are its own
            return None
        return self._config.stash.get(xml_key, None)
