"""What a build with cgo off would be: what is left of its packages, what stands in place of their C, if it compiles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.builder.listing import error_with, listing
from pytest_golink.errors import BuildError
from pytest_golink.remedies.tags import TAGS
from pytest_golink.text.words import listed
from pytest_golink.toolchain.packages import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pytest_golink.builder.binary import Origin
    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.toolchain.packages import Package

_OFF = (("CGO_ENABLED", "0"),)
# More names than these say the same thing again.
_FILES = 3
_LONGEST_FILE = 1_000_000
_CALL = re.compile(
    r"""(?P<call>panic|errors\.New|fmt\.Errorf|log\.(?:Fatal|Panic)\w*|Fprint\w*)\(.*?(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`\n]*`)"""
)
_TEXT = re.compile(r""""(?:[^"\\\n]|\\.)*"|`[^`\n]*`""")
_CGO = re.compile(r"\bcgo\b|CGO_ENABLED", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class WithoutCgo:
    """
    What a build with cgo off would be.

    Attributes:
        error: Why there is none; "" where nothing shows that.
        lines: What is left of each package outside the standard library that has C, a sentence each.
    """

    error: str = ""
    lines: tuple[str, ...] = ()


def cgo_packages(origin: Origin) -> tuple[str, ...]:
    """
    Return every package with `import "C"` that a build compiles, as an image names them.

    Of the standard library only net and os/user are among them: the others have C for a flag of the build.
    """
    found = [package for package in listing(origin.job, origin.builder.toolchain).packages if package.uses_cgo]
    return tuple(
        "main" if package.main else package.name for package in found if not package.standard or package.name in TAGS
    )


def without_cgo(origin: Origin, options: BuildOptions) -> WithoutCgo:
    """
    Return what `go list` shows of a build with other options, which turn cgo off: so it needs no build.

    Raises:
        GolinkError: There is no such build.
    """
    before = listing(origin.job, origin.builder.toolchain).packages
    after = {each.name: each for each in listing(origin.builder.resolve(options), origin.builder.toolchain).packages}
    if not after:
        # The build itself will show why.
        return WithoutCgo()
    for package in before:
        left = after.get(package.name)
        if left is not None and left.empty and not package.empty:
            return WithoutCgo(error=f"package {left.name}: build constraints exclude all Go files in {left.folder}")
    known = {package.name for package in before if package.error}
    failed = next((each for each in after.values() if each.error and each.name not in known), None)
    if failed is not None:
        return WithoutCgo(error=f"package {failed.name}: {failed.error}")
    return WithoutCgo(lines=tuple(_left(_foreign(before), after)))


def as_it_compiles(packages: Iterable[Package], origin: Origin) -> WithoutCgo:
    """Return what `CGO_ENABLED=0` leaves of these packages, and whether the program compiles then."""
    packages = _foreign(packages)
    if not packages:
        return WithoutCgo()
    left = listing(origin.job, origin.builder.toolchain, _OFF)
    if left.unknown or not left.packages:
        # An error is no answer: what the list has not is not known to be away.
        unknown = f"what is left of the program without cgo is not known: go list answers: {left.unknown or 'nothing'}"
        return WithoutCgo(lines=(unknown,))
    lines = [*_left(packages, {package.name: package for package in left.packages})]
    try:
        error = error_with(origin.job, origin.builder.toolchain, _OFF)
    except BuildError as failure:
        return WithoutCgo(lines=(*lines, f"whether the program compiles without cgo is not known: {words_of(failure)}"))
    if error is not None:
        # Then nothing depends on what its packages have in place of their C.
        return WithoutCgo(error=error, lines=(f"without cgo the program does not compile: {error}",))
    return WithoutCgo(lines=(*lines, "without cgo the rest of the program compiles"))


def _foreign(packages: Iterable[Package]) -> list[Package]:
    return [package for package in packages if package.uses_cgo and not package.standard]


def _left(packages: Iterable[Package], after: dict[str, Package]) -> Iterator[str]:
    """Yield what is left of each package, a sentence each."""
    gone = [package.name for package in packages if package.name not in after]
    if gone:
        yield f"without cgo nothing imports {listed(gone)}"
    for package in packages:
        if (left := after.get(package.name)) is not None:
            yield f"without cgo {_left_of(package, left)}"


def _left_of(package: Package, left: Package) -> str:
    new = [name for name in left.go_files if name not in package.go_files]
    if not new:
        return f"{package.name} goes without {listed(package.cgo_files, most=_FILES)}"
    stubs = [stub for name in new if (stub := _stub(left.folder / name))]
    shown = f" ({'; '.join(stubs[:_FILES])})" if stubs else ""
    return f"{package.name} has {listed(new, most=_FILES)} in place of its C{shown}"


def _stub(file: Path) -> str:
    """Return what a file that replaces C does in place of it: what it says about cgo, else its first panic."""
    try:
        text = file.read_bytes()[:_LONGEST_FILE].decode(errors="replace")
    except OSError:
        return ""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    for line in lines:
        for literal in _TEXT.findall(line):
            if _CGO.search(literal):
                return f"{file.name}: {literal}"
    for line in lines:
        if call := _CALL.search(line):
            return f"{file.name}: {call['call']}({call['text']})"
    return next((f"{file.name}: panic" for line in lines if re.search(r"\bpanic\(", line)), "")
