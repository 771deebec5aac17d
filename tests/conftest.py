"""Every test has the same surroundings on every machine, and the installed plugin only once."""

from __future__ import annotations

import os
import pkgutil
import re
import signal
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

# A run of pytester inside this process forgets the modules that it imported, and LIEF cannot be loaded twice.
import lief  # noqa: F401
import pytest
from hypothesis import settings

import pytest_golink

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parent.parent

# Hypothesis tries the same examples in each run: a change is judged by itself, not by what chance finds on that day.
# `make fuzz` passes --hypothesis-profile=random, and looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("random", derandomize=False, print_blob=True)
settings.load_profile("same")

# What a user's environment may hold and no test may see: settings of C compilers, linkers and loaders, of terminals and
# locales, of CI services; and, by how their names begin, of cgo, git, Python and pytest.
_HIDDEN = {
    *("CC", "CXX", "CFLAGS", "CPPFLAGS", "CXXFLAGS", "LDFLAGS", "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_BIND_NOW", "MACOSX_DEPLOYMENT_TARGET"),
    *("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "LANG", "LANGUAGE", "CI", "BUILD_NUMBER"),
    *("SOURCE_DATE_EPOCH", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"),
}
_HIDDEN_BEGINNINGS = ("CGO_", "GIT_", "GITHUB_", "GITLAB_", "LC_", "PYTHON")
# Of Go's own settings only these may be seen: where its caches and temporary files are, and where modules come from.
_GO_KEPT = {"GOCACHE", "GOMODCACHE", "GOPATH", "GOTMPDIR", "GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE"}
# Plugins that are installed for tests/plugin/test_verdicts.py: in other runs of pytest they would shuffle tests, and
# add lines to what it prints.
NEIGHBOURS = ("randomly", "rerunfailures", "pytest-shard", "pytest-split")
_WITHOUT_NEIGHBOURS = " ".join(f"-p no:{name}" for name in NEIGHBOURS)
_SET = {
    "PYTEST_ADDOPTS": _WITHOUT_NEIGHBOURS,
    # Neither Go nor git reads the user's own settings. Git trusts a checkout that another user owns, as in a container.
    "GOENV": "off",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "LC_ALL": "C.UTF-8",
    "TERM": "xterm",
}


def _pin_surroundings() -> None:
    for name in [*os.environ]:
        is_setting_of_go = re.fullmatch(r"GO[A-Z0-9]+", name) is not None and name not in _GO_KEPT
        if name in _HIDDEN or name.startswith(_HIDDEN_BEGINNINGS) or is_setting_of_go:
            del os.environ[name]
    os.environ.update(_SET)
    os.umask(0o022)


# At once, and not in a fixture: modules of tests ask the machine's tools while they are collected.
_pin_surroundings()


@pytest.fixture(autouse=True)
def _only_the_installed_plugin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    # An editable install leaves metadata beside our conftest.py, whose folder pytest puts on the path: a run inside
    # this process would take it for a second install, and warn that the package was imported before its rewriting.
    if "pytester" in request.fixturenames:
        _import_all_modules()
        monkeypatch.setattr(sys, "path", [path for path in sys.path if not path or Path(path) != _ROOT])


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs of pytest without the neighbours: pytest's own fixture forgets PYTEST_ADDOPTS."""
    monkeypatch.setenv("PYTEST_ADDOPTS", _WITHOUT_NEIGHBOURS)
    return pytester


@cache
def _import_all_modules() -> None:
    # Such a run forgets those of golink's modules that it is the first to import. A later test would import them
    # again, and the classes of the second module are not those that its neighbours know.
    for module in pkgutil.walk_packages(pytest_golink.__path__, f"{pytest_golink.__name__}."):
        import_module(module.name)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as a terminal has it: a shell's background job, and all that it starts, would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
