"""The pytest plugin: hooks of a few lines that delegate."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.errors import GolinkError, PolicyViolation
from pytest_golink.fixtures import RUN, Run, go_binary, go_build, go_sample, go_toolchain
from pytest_golink.location import placed
from pytest_golink.plugin.markers import check_use
from pytest_golink.plugin.recorder import Recorder
from pytest_golink.plugin.reminders import Reminders
from pytest_golink.plugin.summary import WorkerReporter, summarize
from pytest_golink.plugin.unneeded_waivers import Waivers
from pytest_golink.plugin.unreached import unreached_policies
from pytest_golink.plugin.width import columns, for_worker
from pytest_golink.settings import (
    MARKER,
    POLICY_FILE,
    add_options,
    check_lock,
    check_markers,
    is_marked,
    known_policies,
    named_policies,
    policy_header,
    read_settings,
)
from pytest_golink.text.escape import escape_message

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pytest_golink.plugin.causes import Causes

# pytest finds fixtures as the plugin's attributes.
__all__ = ["go_binary", "go_build", "go_sample", "go_toolchain"]

# The helpers show the values of the assertions inside them only if pytest rewrites them.
pytest.register_assert_rewrite("pytest_golink.assertions")

_RECORDER: pytest.StashKey[Recorder] = pytest.StashKey()
_CAUSES: pytest.StashKey[Causes] = pytest.StashKey()
_WIDTH: pytest.StashKey[int] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and ini keys."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str], parser: pytest.Parser) -> None:
    """Leave pytest's paths to pytest, and keep the root folder where an option has its value behind a space."""
    if "--golink-try-remedies" in args:
        from pytest_golink.plugin.trying import leave_paths_to_pytest

        leave_paths_to_pytest(early_config, parser, args)
    if any(argument.startswith("--golink-") and "=" not in argument for argument in args):
        from pytest_golink.plugin.rootdir import keep_root

        keep_root(early_config, args, parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings; on the process that reports, get ready to."""
    config.addinivalue_line("markers", MARKER)
    run = config.stash[RUN] = Run(config, read_settings(config))
    config.stash[_WIDTH] = columns(config)
    if run.settings.try_remedies:
        from pytest_golink.plugin.trying import trying

        stack = ExitStack()
        stack.enter_context(trying(config))
        config.add_cleanup(stack.close)
    if run.settings.crosscheck:
        from pytest_golink.reader.crosscheck import crosschecking

        checking = ExitStack()
        checking.enter_context(crosschecking())
        config.add_cleanup(checking.close)
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(WorkerReporter(config), "golink-worker")
    else:
        summarize(config, run.settings)
        if run.settings.lock or run.settings.update_lock:
            from pytest_golink.plugin.lock_writer import LockWriter

            config.pluginmanager.register(LockWriter(update=run.settings.update_lock), "golink-lock")
        config.pluginmanager.register(Waivers(), "golink-waivers")
        config.pluginmanager.register(Reminders(), "golink-reminders")
        if getattr(config.option, "xmlpath", None):
            from pytest_golink.plugin.junit import JUnitNames

            config.pluginmanager.register(JUnitNames(config), "golink-junit")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what goes with this run."""
    if (run := config.stash.get(RUN, None)) is not None:
        run.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send an xdist worker what all workers of this run share; where there is a terminal, follow their builds."""
    from pytest_golink.plugin.progress import follow_builds

    run = node.config.stash[RUN]
    node.workerinput.update(
        {**run.for_workers(), **follow_builds(node.config), **for_worker(node.config.stash[_WIDTH])}
    )


def pytest_report_header(config: pytest.Config) -> str | None:
    """Name the policy, where there is one."""
    return policy_header(config, config.stash[RUN].settings)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Read the policies that are known by now: xdist's controller collects nothing, and learns of mistakes here."""
    if paths := known_policies(session.config, session.config.stash[RUN].settings):
        from pytest_golink.collect import check_policies

        check_policies(session.config, paths)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a policy."""
    run = parent.config.stash[RUN]
    if file_path.name != POLICY_FILE and file_path not in run.settings.policies:
        return None
    from pytest_golink.collect import collect_file

    run.collected.add(file_path)
    return collect_file(file_path, parent)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of go_binary once for each image of --golink-binary, unless a marker says what to build."""
    run = metafunc.config.stash[RUN]
    if run.settings.binaries and "go_binary" in metafunc.fixturenames and not is_marked(metafunc.definition):
        try:
            images = run.prebuilt()
        except GolinkError as error:
            # An error here would be one of the test's module; after the collection it ends the run.
            run.not_found = f"{run.settings.binaries_named_by}: {error}"
            images = ()
        ids = [escape_message(image.label) for image in images]
        metafunc.parametrize("go_binary", images, ids=ids, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Collect what is named, and check policies and markers before any test runs."""
    run = session.config.stash[RUN]
    try:
        named = named_policies(session.config, run.settings)
        hidden: list[Path] = []
        if not run.settings.policies:
            hidden, run.passed_over = unreached_policies(session.config, {*run.collected, *named})
        if run.collected or run.settings.policies or named or hidden:
            from pytest_golink.collect import add_named_policies

            add_named_policies(session, items, hidden)
        if run.not_found:
            raise pytest.UsageError(run.not_found)
        check_lock(session.config, has_policy=bool(run.collected or run.settings.policies or named or hidden))
        check_markers(items)
        check_use(items)
    except pytest.UsageError as error:
        if not hasattr(session.config, "workerinput"):
            raise
        # Of a worker's usage error xdist's controller shows only that the worker is gone; it shows this.
        session.shouldfail = "\n".join(map(str, error.args))
        session.config.workeroutput["golink_mistakes"] = [placed(mistake) for mistake in error.args]  # type: ignore[attr-defined]
        raise session.Failed(session.shouldfail) from None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start to show builds, if there is a terminal to show them on."""
    if any(_builds(item) for item in session.items):
        from pytest_golink.plugin.progress import show_builds

        show_builds(session, session.config.stash[RUN])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Record what a test builds and asserts."""
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
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """
    Print each cause of an image once, and of a toolchain's or a build's error only the text.

    Where a line of the user led to the error, the report has that line too; --full-trace shows golink's lines.
    """
    if call.excinfo is None:
        return (yield)
    from pytest_golink.plugin.tracebacks import only_users_lines, without_traceback

    violation = call.excinfo.value
    causes = None
    if isinstance(violation, PolicyViolation):
        from pytest_golink.plugin.causes import Causes

        causes = item.config.stash.setdefault(_CAUSES, Causes(item.config.stash[_WIDTH]))
        causes.shorten(violation, item)
    all_lines = call.when == "setup" or item.config.getoption("fulltrace", default=False)
    with nullcontext() if all_lines else only_users_lines(call.excinfo):
        report = yield
    if isinstance(violation, PolicyViolation) and causes is not None and report.failed:
        causes.remember(violation, item)
    if call.when == "setup":
        # An item of a policy shows its errors itself.
        own = item.repr_failure if hasattr(item, "golink_builds") else without_traceback
        report.longrepr = own(call.excinfo) or report.longrepr
    recorder = item.stash.get(_RECORDER, None)
    if report.failed and recorder is not None:
        found = recorder.failed(item, call.excinfo.value)
        if call.when == "teardown":
            # This report, the last, was made before.
            report.user_properties.extend(found)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> Generator[None, Any, Any]:
    """Keep the node id of a policy's item on its way from an xdist worker."""
    report = yield
    if "]::" in str(data.get("nodeid")) and isinstance(report, pytest.TestReport) and hasattr(report, "_id"):
        from pytest_golink.collect.node_ids import mend

        mend(report)
    return report


def _builds(item: pytest.Item) -> bool:
    # All of the plugin's fixtures use one of these; an item of a policy has none.
    fixtures = getattr(item, "fixturenames", ())
    return "go_toolchain" in fixtures or "go_binary" in fixtures or hasattr(item, "golink_builds")
