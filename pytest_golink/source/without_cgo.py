"""What `CGO_ENABLED=0` leaves of a program: which files of its packages, and whether these compile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.builder.listing import error_with, listing
from pytest_golink.errors import BuildError
from pytest_golink.source.go_files import read_go_file
from pytest_golink.text.words import listed
from pytest_golink.toolchain.packages import words_of
from pytest_golink.traits import setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_golink.builder.binary import Origin
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.toolchain.packages import Package

_WITHOUT_CGO = (("CGO_ENABLED", "0"),)
# More names than these say the same thing again.
_FILES = 4
_NEEDS_CGO = ("-race", "-msan", "-asan")


def without_cgo_lines(packages: Iterable[Package], facts: BinaryFacts, origin: Origin) -> list[str]:
    """Return what `CGO_ENABLED=0` leaves of these packages, and of the program."""
    packages = [package for package in packages if package.uses_cgo and not package.standard]
    if not packages or any(setting(facts, flag) == "true" for flag in _NEEDS_CGO):
        return []
    left = listing(origin.job, origin.builder.toolchain, _WITHOUT_CGO)
    if left.unknown or not left.packages:
        # An error is no answer: what the list has not is not known to be away.
        return [f"what CGO_ENABLED=0 leaves of the program is not known: go list answers: {left.unknown or 'nothing'}"]
    by_name = {package.name: package for package in left.packages}
    lines = [line for package in packages for line in _left_of(package, by_name.get(package.name))]
    return [*lines, *_compiles(origin)]


def _left_of(package: Package, left: Package | None) -> Iterator[str]:
    if left is None:
        yield f"with CGO_ENABLED=0 nothing imports {package.name}"
        return
    whole = len(package.go_files) + len(package.cgo_files)
    files = left.go_files
    if not files:
        need = "its only Go file needs" if whole == 1 else f"all of its {whole} Go files need"
        yield f"with CGO_ENABLED=0 nothing is left of {package.name}: {need} cgo"
        return
    if new := [name for name in files if name not in package.go_files]:
        yield f"with CGO_ENABLED=0 {package.name} is {listed(files, most=_FILES)}: {listed(new)} in place of the C"
        excuses = [(name, read_go_file(left.folder / name).excuse) for name in new]
        yield from [f'{package.name}/{name} is a stub: "{excuse}"' for name, excuse in excuses if excuse][:1]
        return
    yield f"with CGO_ENABLED=0 {package.name} loses {listed(package.cgo_files, most=_FILES)} of its {whole} Go files"


def _compiles(origin: Origin) -> Iterator[str]:
    try:
        error = error_with(origin.job, origin.builder.toolchain, _WITHOUT_CGO)
    except BuildError as failure:
        yield f"whether the rest of the program compiles with CGO_ENABLED=0 is not known: {words_of(failure)}"
        return
    if error is None:
        yield "with CGO_ENABLED=0 the rest of the program compiles"
    else:
        yield f"with CGO_ENABLED=0 the program does not compile: {error}"
