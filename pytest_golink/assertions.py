"""
One typed helper a rule: `assert_` and the rule's name with underscores.

A helper takes a `GoBinary`, `BinaryFacts` or a path, returns None, and raises `PolicyViolation` where the rule is
violated or the image does not say. A file that cannot be read is an error of its own, never a violation.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_golink.errors import ParameterError, PolicyViolation
from pytest_golink.facts import BinaryFacts
from pytest_golink.recording import record
from pytest_golink.report.finding_text import finding_text
from pytest_golink.rules import evaluate, evaluate_together
from pytest_golink.rules.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_golink.builder import GoBinary
    from pytest_golink.facts import Instrumentation, LinkMode, Relro, Resolver, UserLookup
    from pytest_golink.rules.fips import FipsKind, FipsMode
    from pytest_golink.rules.libc import LoadedLibc

    Binary = GoBinary | BinaryFacts | str | os.PathLike[str]
    Names = str | Iterable[str]


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
        # The linker of a prebuilt image said something, but nobody knows what; and nobody said that it may run.
        built = bool(getattr(binary, "command", ()))
        return Subject(
            name=name,
            facts=facts,
            link_warnings=warnings if built else None,
            may_run=built,
            rebuild=binary.rebuild if getattr(binary, "origin", None) else None,
        )
    raise ParameterError(f"a GoBinary, BinaryFacts or a path is asked for, not {type(binary).__name__}: {binary!r}")


def _built(binary: Binary) -> GoBinary | None:
    return None if isinstance(binary, (str, os.PathLike, BinaryFacts)) else binary


def _name(path: str) -> str:
    # As the caller wrote it; an absolute path under the working directory is shorter without it.
    relative = os.path.relpath(path) if os.path.isabs(path) else path  # noqa: PTH117 - a str is all that is needed
    return path if relative.startswith("..") else relative


def _hold(binary: Binary, rule: str, parameters: Mapping[str, object] | None = None) -> None:
    __tracebackhide__ = True
    subject = subject_of(binary)
    asked = {name: value for name, value in (parameters or {}).items() if value is not None}
    finding = evaluate(rule, subject, asked)
    if finding.fails:
        from pytest_golink.source import explained

        finding = explained(finding, subject.facts, _built(binary), [(rule, asked)])
    record(finding, subject)
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


def assert_no_dynamic_imports(binary: Binary, *, allow: Names = ()) -> None:
    """Nothing outside the standard library imports symbols without cgo, but `allow`: globs of packages or symbols."""
    __tracebackhide__ = True
    _hold(binary, "no-dynamic-imports", {"allow": allow})


def assert_linkmode(binary: Binary, mode: LinkMode) -> None:
    """Link mode, as done, is internal or external, whatever was asked for."""
    __tracebackhide__ = True
    _hold(binary, "linkmode", {"mode": mode})


def assert_resolver(binary: Binary, kind: Resolver | Iterable[Resolver] | str) -> None:
    """DNS paths that the program can take are exactly `kind`; several may be written "cgo,go"."""
    __tracebackhide__ = True
    _hold(binary, "resolver", {"kind": kind})


def assert_user_lookup(binary: Binary, kind: UserLookup) -> None:
    """os/user reads `files` only, goes through the `system`, or is not linked in (`none`)."""
    __tracebackhide__ = True
    _hold(binary, "user-lookup", {"kind": kind})


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


def assert_no_build_paths(binary: Binary) -> None:
    """There is no absolute path of the build machine in pclntab, DWARF or build info."""
    __tracebackhide__ = True
    _hold(binary, "no-build-paths")


def assert_no_instrumentation(binary: Binary, *, allow: Instrumentation | Iterable[Instrumentation] | str = ()) -> None:
    """Not built with -race, -msan, -asan or -cover, but for those in `allow`."""
    __tracebackhide__ = True
    _hold(binary, "no-instrumentation", {"allow": allow})


def assert_intact(binary: Binary) -> None:
    """Pclntab and build info are there and parse: nothing packed, stripped away or broke them afterwards."""
    __tracebackhide__ = True
    _hold(binary, "intact")


def assert_claims_hold(binary: Binary) -> None:
    """Nothing that the image shows contradicts what its build info claims."""
    __tracebackhide__ = True
    _hold(binary, "claims-hold")


def assert_fips(binary: Binary, kind: FipsKind, *, module: str | None = None, mode: FipsMode | None = None) -> None:
    """FIPS 140 cryptography of that `kind` is linked in; for "go" its `module` ("v1.0.0") and `mode` (on, only)."""
    __tracebackhide__ = True
    _hold(binary, "fips", {"kind": kind, "module": module, "mode": mode})


def assert_go_version(binary: Binary, *, at_least: str | None = None, at_most: str | None = None) -> None:
    """Go version is between these, in Go's own order: 1.22rc1, 1.22.0, 1.22.1."""
    __tracebackhide__ = True
    _hold(binary, "go-version", {"at-least": at_least, "at-most": at_most})


def assert_build_setting(binary: Binary, settings: Mapping[str, str]) -> None:
    """Each of `settings` has its value in the build info: {"CGO_ENABLED": "0"}."""
    __tracebackhide__ = True
    _hold(binary, "build-setting", {"settings": settings})


def assert_no_modules(binary: Binary, modules: Names) -> None:
    """None of `modules` is in the build info: globs, "path" or "path@version"."""
    __tracebackhide__ = True
    _hold(binary, "no-modules", {"modules": modules})


def assert_vcs_clean(binary: Binary) -> None:
    """In the build info vcs.modified is false and a revision is recorded."""
    __tracebackhide__ = True
    _hold(binary, "vcs-clean")


def assert_pie(binary: Binary) -> None:
    """Addresses in the image are position independent."""
    __tracebackhide__ = True
    _hold(binary, "pie")


def assert_nx(binary: Binary) -> None:
    """There is no executable stack."""
    __tracebackhide__ = True
    _hold(binary, "nx")


def assert_signed(binary: Binary) -> None:
    """There is a signature (Mach-O, PE); on Mach-O an ad-hoc one counts, as it does for the loader."""
    __tracebackhide__ = True
    _hold(binary, "signed")


def assert_relro(binary: Binary, level: Relro) -> None:
    """RELRO is at least `level`: "none", "partial" or "full"."""
    __tracebackhide__ = True
    _hold(binary, "relro", {"level": level})


def assert_no_writable_code(binary: Binary) -> None:
    """No segment or section is both writable and executable."""
    __tracebackhide__ = True
    _hold(binary, "no-writable-code")


def assert_target(binary: Binary, targets: Names) -> None:
    """GOOS/GOARCH is one of `targets`, such as "linux/amd64"; globs such as "linux/*"."""
    __tracebackhide__ = True
    _hold(binary, "target", {"targets": targets})


def assert_cpu_at_most(binary: Binary, level: Names) -> None:
    """CPU level at or under `level`: "GOAMD64=v2", "v2", or a list with one level an architecture."""
    __tracebackhide__ = True
    _hold(binary, "cpu-at-most", {"level": level})


def assert_os_at_most(binary: Binary, version: Names) -> None:
    """Minimum OS version at or under `version`: "macos 13.0", "windows 7", a list of them, or "13.0"."""
    __tracebackhide__ = True
    _hold(binary, "os-at-most", {"version": version})


def assert_page_alignment(binary: Binary, bytes: int) -> None:  # noqa: A002 - the parameter's permanent name
    """Every PT_LOAD is aligned to `bytes`, a power of two (Android: 16384)."""
    __tracebackhide__ = True
    _hold(binary, "page-alignment", {"bytes": bytes})


def assert_launches_on_macos(binary: Binary, version: str) -> None:
    """All that macOS `version` asks of an image before it starts is there."""
    __tracebackhide__ = True
    _hold(binary, "launches-on-macos", {"version": version})


def assert_max_size(binary: Binary, size: int | str) -> None:
    """Size of the file at most `size`: "20 MB" (10^6), "20 MiB" (2^20) or a number of bytes."""
    __tracebackhide__ = True
    _hold(binary, "max-size", {"size": size})


def assert_runs_on(binary: Binary, platforms: Names) -> None:
    """Image starts on each platform: "debian12", "alpine" for every release of it, or a list of them."""
    __tracebackhide__ = True
    _hold(binary, "runs-on", {"platforms": platforms})


def assert_starts_alone(
    binary: Binary,
    *,
    args: Names = (),
    status: int | None = None,
    output: str | None = None,
    seconds: int | None = None,
    keeps_running: bool | None = None,
) -> None:
    """Program starts in an empty root directory, ends with `status` and prints what `output` matches."""
    __tracebackhide__ = True
    asked = {"args": args, "status": status, "output": output, "seconds": seconds, "keeps-running": keeps_running}
    _hold(binary, "starts-alone", asked)


def assert_ignores_preload(binary: Binary, *, run: bool | None = None) -> None:
    """LD_PRELOAD, DYLD_INSERT_LIBRARIES and the like cannot reach it; `run` also proves that by running it."""
    __tracebackhide__ = True
    _hold(binary, "ignores-preload", {"run": run})


def assert_reproducible(binary: Binary, *, fresh_cache: bool | None = None) -> None:
    """Built twice, from copies in two folders, it is the same, byte for byte."""
    __tracebackhide__ = True
    _hold(binary, "reproducible", {"fresh-cache": fresh_cache})


def assert_same_linkage(binaries: Iterable[Binary]) -> None:
    """Images of one program agree in linkage, libc, cgo and resolver, where their platforms allow it."""
    __tracebackhide__ = True
    subjects = tuple(subject_of(binary) for binary in binaries)
    finding = evaluate_together("same-linkage", subjects, {})
    record(finding, *subjects)
    if finding.fails:
        raise PolicyViolation(finding_text(finding), finding)
