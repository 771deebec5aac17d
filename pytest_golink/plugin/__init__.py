"""The pytest plugin: hooks of a few lines that delegate."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.fixtures import RUN, Run, _golink_build, go_binary, go_build, go_sample, go_toolchain
from pytest_golink.plugin.recording import Recorder, without_traceback
from pytest_golink.settings import MARKER, add_options, check_markers, read_settings

if TYPE_CHECKING:
    from collections.abc import Generator

# pytest finds fixtures as the plugin's attributes.
__all__ = ["_golink_build", "go_binary", "go_build", "go_sample", "go_toolchain"]

# The helpers show the values of the assertions inside them only if pytest rewrites them.
pytest.register_assert_rewrite("pytest_golink.assertions")

_RECORDER: pytest.StashKey[Recorder] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and ini keys."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings; on the process that reports, get ready to."""
    config.addinivalue_line("markers", MARKER)
    run = config.stash[RUN] = Run(config, read_settings(config))
    if run.settings.crosscheck:
        from pytest_golink.reader.crosscheck import crosschecking

        checking = ExitStack()
        checking.enter_context(crosschecking())
        config.add_cleanup(checking.close)
    if run.settings.report and not hasattr(config, "workerinput"):
        from pytest_golink.plugin.summary import Summary

        config.pluginmanager.register(Summary(), "golink-summary")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what goes with this run."""
    if (run := config.stash.get(RUN, None)) is not None:
        run.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker what all workers of this run share, and follow their builds if there is a terminal."""
    from pytest_golink.plugin.progress import follow_builds

    run = node.config.stash[RUN]
    node.workerinput.update({**run.for_workers(), **follow_builds(node.config)})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Check the markers before any test runs."""
    try:
        check_markers(items)
    except pytest.UsageError as error:
        if not hasattr(session.config, "workerinput"):
            raise
        # xdist's controller hears of a worker's usage error only that it is gone; this it shows.
        session.shouldfail = str(error)
        raise session.Failed(session.shouldfail) from None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Show the builds to come, if there is a terminal to show them on."""
    if any(_builds(item) for item in session.items):
        from pytest_golink.plugin.progress import show_builds

        show_builds(session, session.config.stash[RUN])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Listen to what a test builds and asserts."""
    recorder = item.stash[_RECORDER] = Recorder(item)
    item.config.stash[RUN].on_image = recorder.image
    with recorder.listening():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Record the test's images, so that the report on its teardown has them."""
    try:
        return (yield)
    finally:
        if (recorder := item.stash.get(_RECORDER, None)) is not None:
            recorder.finish()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show an error of a toolchain or a build by its text alone, where no line of the user led to it."""
    report = yield
    if call.excinfo is not None and call.when == "setup":
        report.longrepr = without_traceback(call.excinfo) or report.longrepr
    return report


def _builds(item: pytest.Item) -> bool:
    # All of the plugin's fixtures ask for this one.
    return "go_toolchain" in getattr(item, "fixturenames", ())
