"""Why an image is as large as it is: its code by module and by package, and what stripping would take off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.errors import GolinkError
from pytest_golink.golang.paths import is_standard
from pytest_golink.text.sizes import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_golink.facts import BinaryFacts

_SHOWN = 5
_STANDARD = "the standard library"
# Of a build of files, outside of a module, or without build info.
_NONE = "no known module"


def why_large(facts: BinaryFacts) -> list[str]:
    """Return what the code of an image is of, read from its file, and what stripping would take off."""
    # The reader is slow to import, and a run in which every image is small enough need not.
    from pytest_golink.reader import read_package_sizes

    try:
        sizes = tuple(read_package_sizes(facts.path))
    except GolinkError:
        sizes = ()
    return size_lines(facts, sizes)


def size_lines(facts: BinaryFacts, sizes: Sequence[tuple[str, int]]) -> list[str]:
    """
    Return which modules and packages the code of an image is of, the largest first.

    Args:
        facts: The image; its build info says which modules there are.
        sizes: Its packages with the bytes of their code.
    """
    lines = []
    if sizes:
        modules: dict[str, int] = {}
        for package, count in sizes:
            name = module_of(facts, package) or (_STANDARD if is_standard(package) else _NONE)
            modules[name] = modules.get(name, 0) + count
        lines.append(f"code by module: {_listed(sorted(modules.items(), key=lambda item: -item[1]))}")
        lines.append(f"largest packages: {_listed(sizes)}")
    kept = [
        f"{name} of {size(count)}"
        for name, there, count in (
            ("a symbol table", facts.symtab, facts.symtab_size),
            ("DWARF", facts.dwarf, facts.dwarf_size),
        )
        if there and count
    ]
    if kept:
        lines.append(f"it has {' and '.join(kept)}, which -s -w leaves out")
    return lines


def _listed(entries: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {size(count)}" for name, count in list(entries)[:_SHOWN])


def module_of(facts: BinaryFacts, package: str) -> str | None:
    """
    Return the module of a package as "path version", None for the standard library, and where the build info has none.

    The build info lists the modules; a package is of the one whose path is the longest beginning of the package's path.
    """
    if facts.go is None:
        return None
    main = facts.go.module
    if package == "main" and main is not None:
        return f"{main.path} (main module)"
    known = [(module.path, f"{module.path} {module.version}") for module in facts.go.modules]
    if main is not None:
        known.append((main.path, f"{main.path} (main module)"))
    found = [(path, label) for path, label in known if package == path or package.startswith(f"{path}/")]
    return max(found)[1] if found else None
