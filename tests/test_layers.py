"""The package's imports point one way: a module knows only those that the design lists before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pytest_golink

# design.md's list, with the places that it does not name, and but for three where its own way of the data asks for
# another order: the readers call golang/ (bytes to Go's facts), the rules yield findings, and a policy holds build
# options.
ORDER = (
    "text",
    "location",
    "errors",
    "facts",
    "golang",
    "reader",
    "archives",
    "findings",
    "sandbox",
    "platforms",
    "diagnosis",
    "loader",
    "rules",
    "recording",
    "toolchain",
    "builder",
    "policy",
    "report",
    "source",
    "lock",
    "assertions",
    "settings",
    "fixtures",
    "collect",
    "plugin",
    "commands",
    "__main__",
)
KNOW_PYTEST = {"settings", "fixtures", "collect", "plugin"}

PACKAGE = Path(pytest_golink.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE) + [
    path.name for path in sorted(PACKAGE.glob("*.py")) if path.name != "__init__.py"
]


def layer(module: str) -> str:
    return module.removesuffix(".py").split("/")[0]


def run_time_imports(path: Path) -> set[str]:
    """Names of the modules that a module imports anywhere but under `if TYPE_CHECKING`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            node.body = [ast.Pass()]
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_module_of_the_package_has_its_place_in_the_order() -> None:
    assert MODULES
    assert {layer(module) for module in MODULES} <= set(ORDER)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_layers_before_its_own(module: str) -> None:
    own = ORDER.index(layer(module))
    ours = {name.split(".")[1] for name in run_time_imports(PACKAGE / module) if name.startswith("pytest_golink.")}

    assert {name for name in ours if name in ORDER and ORDER.index(name) > own} == set()


@pytest.mark.parametrize("module", MODULES)
def test_only_the_plugin_s_own_modules_know_pytest_and_only_the_readers_know_lief(module: str) -> None:
    roots = {name.split(".")[0] for name in run_time_imports(PACKAGE / module)}

    if layer(module) not in KNOW_PYTEST:
        assert not roots & {"pytest", "_pytest"}
    if layer(module) != "reader":
        assert not roots & {"lief", "elftools", "macholib"}
