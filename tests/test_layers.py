"""The package's imports point one way: a module knows only those that the design lists before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pytest_golink

# docs/architecture.md shows the same rooms to people, in the same order; a test of that page holds it.
ORDER = (
    "text",
    "location",
    "findings",
    "errors",
    "facts",
    "session",
    "home",
    "files",
    "forms",
    "traits",
    "golang",
    "reader",
    "archives",
    "sandbox",
    "platforms",
    "toolchain",
    "builder",
    "case",
    "diagnosis",
    "remedies",
    "loader",
    "rules",
    "recording",
    "policy",
    "report",
    "source",
    "gobinary",
    "lock",
    "checking",
    "assertions",
    "warnings",
    "_deprecated",
    "settings",
    "fixtures",
    "collect",
    "plugin",
    "commands",
    "__main__",
)
KNOW_PYTEST = {"warnings", "_deprecated", "settings", "fixtures", "collect", "plugin"}

PACKAGE = Path(pytest_golink.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE) + [
    path.name for path in sorted(PACKAGE.glob("*.py")) if path.name != "__init__.py"
]


def layer(module: str) -> str:
    return module.removesuffix(".py").split("/")[0]


def imports(path: Path, *, type_only: bool = True) -> set[str]:
    """Names of the modules that a module imports anywhere; without `type_only` not those under `if TYPE_CHECKING`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not type_only:
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


def name_of(module: str) -> str:
    return f"pytest_golink.{module.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}"


def imported_modules(module: str) -> set[str]:
    """Modules of the package that a module names; a package counts where its own names are taken."""
    found = {name for name in imports(PACKAGE / module) if name in NAMES}
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        # `from package import module` takes nothing of the package itself.
        if isinstance(node, ast.ImportFrom) and all(f"{node.module}.{alias.name}" in NAMES for alias in node.names):
            found.discard(str(node.module))
    return found - {name_of(module)}


NAMES = {name_of(module) for module in MODULES}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or through others."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = graph.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        reached[start] = seen
    groups = {tuple(sorted(other for other in reached[name] if name in reached[other])) for name in graph}
    return [list(group) for group in sorted(groups) if group]


def test_every_module_of_the_package_has_its_place_in_the_order() -> None:
    assert MODULES
    assert {layer(module) for module in MODULES} <= set(ORDER)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_layers_before_its_own_also_for_types(module: str) -> None:
    own = ORDER.index(layer(module))
    ours = {name.split(".")[1] for name in imported_modules(module)}

    assert {name for name in ours if ORDER.index(name) > own} == set()


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_no_module_imports_itself_through_others_also_for_types() -> None:
    assert circles({name_of(module): imported_modules(module) for module in MODULES}) == []


@pytest.mark.parametrize("module", MODULES)
def test_only_the_plugin_s_own_modules_know_pytest_and_only_the_readers_know_lief(module: str) -> None:
    roots = {name.split(".")[0] for name in imports(PACKAGE / module, type_only=False)}

    if layer(module) not in KNOW_PYTEST:
        assert not roots & {"pytest", "_pytest"}
    if layer(module) != "reader":
        assert not roots & {"lief", "elftools", "macholib"}
