"""Which packages call which functions of C, as far as the image shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.diagnosis.concerns import Concern, lookup_packages
from pytest_golink.text.versions import numbers
from pytest_golink.text.words import listed
from pytest_golink.traits import RUNTIME_CGO, matching, own_cgo_packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_golink.facts import BinaryFacts, ImportedSymbol
    from pytest_golink.findings import Finding

# What the C of runtime/cgo imports on Linux; `setuid` and its family are the system calls of package syscall that must
# reach all threads. Source: Go 1.27's src/runtime/cgo/*.c.
_RUNTIME_CGO_IMPORTS = frozenset(
    """
    __errno_location abort clearenv fprintf fputc free fwrite malloc mmap munmap nanosleep pthread_attr_destroy
    pthread_attr_getstack pthread_attr_getstacksize pthread_attr_init pthread_attr_setdetachstate
    pthread_attr_setstacksize pthread_cond_broadcast pthread_cond_wait pthread_create pthread_detach
    pthread_getattr_np pthread_key_create pthread_mutex_lock pthread_mutex_unlock pthread_self
    pthread_setspecific pthread_sigmask setegid setenv seteuid setgid setgroups setregid setresgid setresuid
    setreuid setuid sigaction sigaddset sigemptyset sigfillset sigismember stderr strerror unsetenv vfprintf
    """.split()  # noqa: SIM905 - names read better without quotes
)
# The C start-up code that an external link puts before Go's.
_START_CODE = frozenset({"__libc_start_main", "__gmon_start__", "__cxa_finalize"})
_GLIBC = "GLIBC_"
_PACKAGES = 4


def call_lines(finding: Finding, facts: BinaryFacts, concerns: frozenset[Concern]) -> list[str]:
    """Return which packages call which C functions, and which import the symbols that a finding is about."""
    if Concern.GLIBC_FLOOR in concerns:
        return _floor_lines(finding, facts)
    if Concern.IMPORTED_SYMBOLS in concerns:
        names = matching(facts, [symbol.name for symbol in facts.imports], finding.names("symbols"))
        return [
            f"{listed(imported, most=2)} {'is' if len(imported) == 1 else 'are'} imported by {importer}"
            for importer, imported in _by_importer(facts, names).items()
        ][:_PACKAGES]
    lookups = lookup_packages(concerns)
    calls = [(package, functions) for package, functions in facts.cgo.calls if not lookups or package in lookups]
    return [
        f"{package} calls {listed(functions, most=3)}"
        for package, functions in calls[:_PACKAGES]
        if package != RUNTIME_CGO
    ]


def _floor_lines(finding: Finding, facts: BinaryFacts) -> list[str]:
    # A symbol's version is the glibc release that brought it, or its present form.
    limit = finding.text("version") or finding.text("at-most")
    by_version: dict[str, list[str]] = {}
    for symbol, version in _versioned(facts):
        if (limit and numbers(version) > numbers(limit)) or (not limit and version == facts.libc.floor):
            by_version.setdefault(version, []).append(symbol.name)
    lines = []
    for version in sorted(by_version, key=numbers, reverse=True)[:_PACKAGES]:
        importers = _by_importer(facts, by_version[version])
        who = "; ".join(f"{listed(names, most=3)} by {importer}" for importer, names in importers.items())
        lines.append(f"new in glibc {version}: {who}")
    return lines


def _by_importer(facts: BinaryFacts, names: Iterable[str]) -> dict[str, list[str]]:
    importers: dict[str, list[str]] = {}
    for name in names:
        importers.setdefault(_importer(facts, name), []).append(name)
    return importers


def _versioned(facts: BinaryFacts) -> Iterator[tuple[ImportedSymbol, str]]:
    for symbol in facts.imports:
        version = (symbol.version or "").removeprefix(_GLIBC)
        # GLIBC_PRIVATE and GLIBC_ABI_… are no releases.
        if version != symbol.version and version.replace(".", "").isdigit():
            yield symbol, version


def _importer(facts: BinaryFacts, name: str) -> str:
    callers = [package for package, functions in facts.cgo.calls if name in functions]
    if callers:
        return listed(callers)
    if name in _START_CODE:
        return "the C start-up code of an external link"
    if name in _RUNTIME_CGO_IMPORTS:
        return RUNTIME_CGO
    own = own_cgo_packages(facts)
    return f"C code that {listed(own, most=1)} links in" if own else "C code that is linked in"
