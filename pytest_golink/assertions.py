"""
One typed helper a rule: `assert_` and the rule's name with underscores.

A helper takes a `GoBinary`, `BinaryFacts` or a path, returns None, and raises `PolicyViolation` where the rule is
violated or the image does not say. A file that cannot be read is an error of its own, never a violation.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from pytest_golink.errors import ParameterError, PolicyViolation
from pytest_golink.facts import BinaryFacts, Subject
from pytest_golink.report.finding_text import finding_text
from pytest_golink.rules import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pytest_golink.build import GoBinary
    from pytest_golink.facts import LinkMode, Resolver
    from pytest_golink.findings import Finding
    from pytest_golink.rules.libc import LoadedLibc

    Binary = GoBinary | BinaryFacts | str | os.PathLike[str]
    Names = str | Iterable[str]
    Sink = Callable[[Subject, Finding], None]

_sink: ContextVar[Sink | None] = ContextVar("golink_sink", default=None)


@contextmanager
def recording(sink: Sink) -> Iterator[None]:
    """Give every finding of the helpers called inside to `sink`, those that passed too."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


def subject_of(binary: Binary) -> Subject:
    """
    Give what a rule looks at: the image, the name that reports call it by, and its linker's warnings if it was built.

    Raises:
        UnreadableBinaryError: The file cannot be read.
        ParameterError: This is no binary, or a fat Mach-O of several slices.
    """
    if isinstance(binary, BinaryFacts):
        return Subject(name=_name(binary.path), facts=binary)
    if isinstance(binary, (str, os.PathLike)):
        from pytest_golink.reader import read_binary  # imports lief when it must, and no sooner

        return Subject(name=_name(os.fspath(binary)), facts=read_binary(binary))
    # A GoBinary, told by its form: build.py need not be imported by a run that builds nothing.
    name, facts, warnings = (getattr(binary, field, None) for field in ("name", "facts", "warnings"))
    if isinstance(name, str) and isinstance(facts, BinaryFacts) and isinstance(warnings, tuple):
        return Subject(name=name, facts=facts, link_warnings=warnings)
    raise ParameterError(f"a GoBinary, BinaryFacts or a path is asked for, not {type(binary).__name__}: {binary!r}")


def _name(path: str) -> str:
    # As the caller wrote it; an absolute path under the working directory is shorter without it.
    relative = os.path.relpath(path) if os.path.isabs(path) else path  # noqa: PTH117 - a str is all that is needed
    return path if relative.startswith("..") else relative


def _hold(binary: Binary, rule: str, parameters: Mapping[str, object] | None = None) -> None:
    __tracebackhide__ = True
    subject = subject_of(binary)
    asked = {name: value for name, value in (parameters or {}).items() if value is not None}
    finding = evaluate(rule, subject, asked)
    sink = _sink.get()
    if sink is not None:
        sink(subject, finding)
    if finding.fails:
        raise PolicyViolation(finding_text(finding), finding)


def assert_static(binary: Binary) -> None:
    """Linkage is static or static-pie."""
    __tracebackhide__ = True
    _hold(binary, "static")


def assert_dynamic(binary: Binary) -> None:
    """Linkage is dynamic."""
    __tracebackhide__ = True
    _hold(binary, "dynamic")


def assert_self_contained(binary: Binary) -> None:
    """Nothing is needed beyond what every installation of its operating system has."""
    __tracebackhide__ = True
    _hold(binary, "self-contained")


def assert_needs_libc(binary: Binary, *, kind: LoadedLibc | None = None, at_most: str | None = None) -> None:
    """At run time a libc is loaded, of that `kind`, with a glibc floor at or under `at_most`."""
    __tracebackhide__ = True
    _hold(binary, "needs-libc", {"kind": kind, "at-most": at_most})


def assert_no_libc(binary: Binary) -> None:
    """No libc is loaded at run time; one may be embedded."""
    __tracebackhide__ = True
    _hold(binary, "no-libc")


def assert_needs(binary: Binary, libraries: Names) -> None:
    """Each of `libraries` is needed: globs over the image's own spelling, without case on Windows."""
    __tracebackhide__ = True
    _hold(binary, "needs", {"libraries": libraries})


def assert_only_needs(binary: Binary, libraries: Names) -> None:
    """Nothing is needed but `libraries`: globs over the image's own spelling, without case on Windows."""
    __tracebackhide__ = True
    _hold(binary, "only-needs", {"libraries": libraries})


def assert_interpreter(binary: Binary, path: str) -> None:
    """PT_INTERP or LC_LOAD_DYLINKER names `path`."""
    __tracebackhide__ = True
    _hold(binary, "interpreter", {"path": path})


def assert_no_interpreter(binary: Binary) -> None:
    """There is no PT_INTERP and no LC_LOAD_DYLINKER."""
    __tracebackhide__ = True
    _hold(binary, "no-interpreter")


def assert_glibc_at_most(binary: Binary, version: str) -> None:
    """Glibc's floor is at or under `version`; an image that loads no glibc passes."""
    __tracebackhide__ = True
    _hold(binary, "glibc-at-most", {"version": version})


def assert_no_rpath(binary: Binary) -> None:
    """There is no DT_RPATH, no DT_RUNPATH and no LC_RPATH."""
    __tracebackhide__ = True
    _hold(binary, "no-rpath")


def assert_imports(binary: Binary, symbols: Names) -> None:
    """Each of `symbols` is imported: globs, Mach-O names without the leading underscore."""
    __tracebackhide__ = True
    _hold(binary, "imports", {"symbols": symbols})


def assert_no_imports(binary: Binary, symbols: Names) -> None:
    """None of `symbols` is imported: globs, Mach-O names without the leading underscore."""
    __tracebackhide__ = True
    _hold(binary, "no-imports", {"symbols": symbols})


def assert_no_getaddrinfo_warning(binary: Binary) -> None:
    """No linker warning of getaddrinfo's family at build time, and no glibc name-service code in a static image."""
    __tracebackhide__ = True
    _hold(binary, "no-getaddrinfo-warning")


def assert_no_link_warnings(binary: Binary, *, allow: Names = ()) -> None:
    """No linker warning, but for lines that match a regular expression of `allow`."""
    __tracebackhide__ = True
    _hold(binary, "no-link-warnings", {"allow": allow})


def assert_no_cgo(binary: Binary) -> None:
    """runtime/cgo is not linked in."""
    __tracebackhide__ = True
    _hold(binary, "no-cgo")


def assert_only_cgo_packages(binary: Binary, packages: Names) -> None:
    """Every package with cgo wrappers is one of `packages` (globs); runtime/cgo comes with any of them."""
    __tracebackhide__ = True
    _hold(binary, "only-cgo-packages", {"packages": packages})


def assert_linkmode(binary: Binary, mode: LinkMode) -> None:
    """Link mode, as done, is internal or external, whatever was asked for."""
    __tracebackhide__ = True
    _hold(binary, "linkmode", {"mode": mode})


def assert_resolver(binary: Binary, kind: Resolver | Iterable[Resolver] | str) -> None:
    """DNS paths that the program can take are exactly `kind`; several may be written "cgo,go"."""
    __tracebackhide__ = True
    _hold(binary, "resolver", {"kind": kind})


def assert_stripped(binary: Binary) -> None:
    """There is no symbol table and no DWARF."""
    __tracebackhide__ = True
    _hold(binary, "stripped")


def assert_not_stripped(binary: Binary) -> None:
    """There are both a symbol table and DWARF."""
    __tracebackhide__ = True
    _hold(binary, "not-stripped")


def assert_no_dwarf(binary: Binary) -> None:
    """There is no DWARF."""
    __tracebackhide__ = True
    _hold(binary, "no-dwarf")


def assert_target(binary: Binary, targets: Names) -> None:
    """GOOS/GOARCH is one of `targets`, such as "linux/amd64"; globs such as "linux/*"."""
    __tracebackhide__ = True
    _hold(binary, "target", {"targets": targets})
