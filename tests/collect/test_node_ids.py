"""Node ids with a bracket that is not at their end."""

from __future__ import annotations

import sys

import pytest

from pytest_golink.collect.node_ids import item_id

TEXT = "golink.toml::app[linux/amd64]::static"


def through_a_worker(config: pytest.Config, nodeid: object) -> pytest.TestReport:
    """A report as xdist carries it from a worker to the process that reports."""
    report = pytest.TestReport(
        nodeid,  # type: ignore[arg-type]
        location=("golink.toml", 1, "app[linux/amd64] static"),
        keywords={},
        outcome="passed",
        longrepr=None,
        when="call",
    )
    data = config.hook.pytest_report_to_serializable(config=config, report=report)
    carried: pytest.TestReport = config.hook.pytest_report_from_serializable(config=config, data=data)
    return carried


def test_the_id_of_an_item_arrives_as_it_was_in_the_worker(pytestconfig: pytest.Config) -> None:
    arrived = through_a_worker(pytestconfig, item_id(TEXT))

    assert arrived.nodeid == TEXT
    # pytest 9.2 on shows what stands behind the file, and would close the bracket again.
    if hasattr(arrived, "_id"):
        assert arrived._id == item_id(TEXT)
        assert arrived._id.rest == "app[linux/amd64]::static"


@pytest.mark.parametrize("text", ["test_it.py::test_it[a]", "golink.toml::app::static"])
def test_the_ids_of_others_are_left_alone(pytestconfig: pytest.Config, text: str) -> None:
    assert item_id(text) == text
    assert through_a_worker(pytestconfig, text).nodeid == text


def test_before_pytest_9_2_an_id_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_pytest.nodeid", None)

    assert item_id(TEXT) is TEXT
