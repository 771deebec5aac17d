"""What a rule is about, as far as causes and changes of a build depend on it: each rule declares its concerns."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Concern(Enum):
    """One subject of a rule, for which diagnosis/ and source/ know where to look."""

    CGO_LINKED = auto()
    """C that is linked in may break the rule."""
    CGO_MISSING = auto()
    """The rule may be broken because no C is linked in."""
    LINKAGE = auto()
    """The rule is about static or dynamic linkage, which on some platforms is no choice."""
    IMPORTERS = auto()
    """Packages that call shared libraries without cgo may break the rule, where a program can do without these."""
    IMPORTERS_ANYWHERE = auto()
    """The same on platforms where every program calls a shared library."""
    DYNAMIC_IMPORTS = auto()
    """Only packages with a `//go:cgo_import_dynamic` directive break the rule."""
    GLIBC_FLOOR = auto()
    """The rule compares the version of glibc that the image needs."""
    IMPORTED_SYMBOLS = auto()
    """The rule is about the imported symbols that its parameter `symbols` names."""
    CGO_PACKAGES = auto()
    """The rule allows cgo in the packages that its parameter `packages` names."""
    RESOLVER = auto()
    """The rule is about the way that host names are looked up."""
    USER_LOOKUP = auto()
    """The rule is about the way that users and groups are looked up."""
    LIBRARIES = auto()
    """The rule is about the libraries that the image needs."""
    MODULES = auto()
    """The rule is about the modules that its parameter `modules` names."""
    INSTRUMENTATION = auto()
    """The rule is about -race, -msan, -asan and -cover."""
    BUILD_PATHS = auto()
    """The rule is about folders of the build machine."""
    PLATFORMS = auto()
    """The rule is about the platforms that its parameter `platforms` names; a policy may describe some itself."""
    START = auto()
    """The rule starts the program."""


def lookup_packages(concerns: Collection[Concern]) -> tuple[str, ...]:
    """Return the packages of the standard library that a rule about lookups is about; () for any other rule."""
    packages = ((Concern.RESOLVER, "net"), (Concern.USER_LOOKUP, "os/user"))
    return tuple(package for concern, package in packages if concern in concerns)
