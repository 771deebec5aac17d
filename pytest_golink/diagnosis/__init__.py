"""What the image itself shows of the cause of a violation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.diagnosis.calls import call_lines
from pytest_golink.diagnosis.concerns import Concern, lookup_packages
from pytest_golink.diagnosis.imported import importer_lines
from pytest_golink.diagnosis.sizes import module_of
from pytest_golink.text.words import listed
from pytest_golink.traits import main_module, own_cgo_packages

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding

__all__ = ["Concern", "image_causes"]

# More modules than this say the same thing again.
_MODULES = 4


def image_causes(finding: Finding, facts: BinaryFacts, concerns: frozenset[Concern]) -> list[str]:
    """Return what the image shows, a line each: which packages link C in, call it, or call shared libraries without."""
    if Concern.CGO_LINKED not in concerns or not facts.cgo.used:
        return importer_lines(finding, facts, concerns)
    if lookup_packages(concerns):
        # No other package has to do with it.
        return call_lines(finding, facts, concerns)
    return [*_module_lines(facts), *call_lines(finding, facts, concerns)]


def _module_lines(facts: BinaryFacts) -> list[str]:
    """Return which version of which module has the packages that link C in; those of the main module need no line."""
    main = main_module(facts)
    by_module: dict[str, list[str]] = {}
    for package in own_cgo_packages(facts):
        module = module_of(facts, package)
        if module and package != "main" and not (main and package.startswith((f"{main}/", main))):
            by_module.setdefault(module, []).append(package)
    lines = []
    for module, packages in by_module.items():
        path, _, version = module.partition(" ")
        alone = packages == [path]
        lines.append(f"{path} is at {version}" if alone else f"{listed(packages)}: module {module}")
    return lines[:_MODULES]
