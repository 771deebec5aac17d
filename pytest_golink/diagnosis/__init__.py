"""What the image itself shows of the cause of a violation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.diagnosis.calls import call_lines
from pytest_golink.diagnosis.concerns import Concern, lookup_packages
from pytest_golink.diagnosis.imported import importer_lines
from pytest_golink.diagnosis.sizes import module_of
from pytest_golink.text.words import listed
from pytest_golink.traits import own_cgo_packages

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
    modules = {package: module_of(facts, package) for package in own_cgo_packages(facts) if package != "main"}
    by_module: dict[str, list[str]] = {}
    for package, module in modules.items():
        if module:
            by_module.setdefault(module, []).append(package)
    lines = [
        f"{listed(packages)} {'is' if len(packages) == 1 else 'are'} of module {module}"
        for module, packages in by_module.items()
    ]
    return [*lines[:_MODULES], *call_lines(finding, facts, concerns)]
