"""Rules about the C library."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from typing import Literal

from pytest_golink.diagnosis.evidence import libc_line, linkage_lines, needed_lines
from pytest_golink.diagnosis.origin import always_dynamic, cgo_causes, dynamic_causes, dynamic_import_causes
from pytest_golink.diagnosis.remedies import make_static, older_glibc, without_cgo
from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts
from pytest_golink.reader.libc import ABI_VERSIONS
from pytest_golink.rules.parameters import Version
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, not_linked
from pytest_golink.text.versions import numbers
from pytest_golink.text.words import listed

LoadedLibc = Literal["glibc", "musl", "bionic", "libSystem", "bsd", "solaris", "aix", "ucrt", "msvcrt"]


def needs_libc(subject: Subject, *, kind: LoadedLibc | None = None, at_most: Version | None = None) -> Verdict:
    """
    At run time a libc is loaded, of that kind, with a floor at or under that version.

    A floor is glibc's: `at-most` alone asks for glibc.
    """
    if at_most is not None:
        if kind not in (None, "glibc"):
            raise ParameterError(f"needs-libc: at-most is a version of glibc; {kind} has no floor")
        kind = "glibc"
    facts = subject.facts
    expected = f"loads {kind or 'a libc'}{f' {at_most} or older' if at_most else ''}"
    unanswered = not_linked(facts, expected)
    if unanswered:
        return unanswered
    libc = facts.libc
    if libc.presence != "dynamic":
        enabled = facts.cgo.used is False and not always_dynamic(facts)
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=libc_line(facts),
            evidence=linkage_lines(facts),
            cause=("runtime/cgo is not linked in",) if enabled else (),
            remedy=("CGO_ENABLED=1 with a C compiler: without one Go turns cgo off silently",) if enabled else (),
        )
    evidence = needed_lines(facts, facts.needed) or linkage_lines(facts)
    if kind is not None and libc.kind == "unknown":
        return Verdict(outcome="undecidable", expected=expected, observed="a libc that is not known", evidence=evidence)
    if kind is not None and libc.kind != kind:
        return Verdict(outcome="violated", expected=expected, observed=libc_line(facts), evidence=evidence)
    if at_most is not None:
        return _floor(facts, at_most, expected)
    return Verdict(outcome="passed", expected=expected, observed=libc_line(facts), evidence=evidence)


def no_libc(subject: Subject) -> Verdict:
    """No libc is loaded at run time; one may be embedded."""
    facts = subject.facts
    expected = "no libc is loaded"
    unanswered = not_linked(facts, expected)
    if unanswered:
        return unanswered
    if facts.libc.presence == "dynamic":
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=libc_line(facts),
            evidence=needed_lines(facts, facts.needed) or linkage_lines(facts),
            cause=tuple(cgo_causes(facts)) if facts.format == "pe" else dynamic_causes(facts),
            remedy=_do_without(facts),
        )
    if facts.libc.kind == "unknown" and facts.libc.presence == "none":
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="the image does not say whether a libc is among what it needs",
            evidence=linkage_lines(facts),
        )
    return Verdict(outcome="passed", expected=expected, observed=libc_line(facts), evidence=linkage_lines(facts))


def _do_without(facts: BinaryFacts) -> tuple[str, ...]:
    if facts.format == "pe":
        # On Windows the system is not its libc: a program without cgo loads none.
        return without_cgo(facts) if facts.cgo.used else ()
    if always_dynamic(facts):
        return ("none: no program does without it there; ask self-contained of this target instead",)
    return make_static(facts)


# What glibc's own libraries share among each other.
_PRIVATE = "GLIBC_PRIVATE"


def glibc_at_most(subject: Subject, *, version: Version) -> Verdict:
    """Glibc's floor is at or under this version; an image that loads no glibc passes."""
    facts = subject.facts
    expected = f"glibc {version} or older, or none"
    unanswered = not_linked(facts, expected)
    if unanswered:
        return unanswered
    libc = facts.libc
    if libc.kind == "unknown" and libc.presence != "embedded":
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="the image does not say which libc it loads",
            evidence=linkage_lines(facts),
        )
    if libc.presence == "dynamic" and libc.kind == "glibc":
        return _floor(facts, version, expected)
    return Verdict(outcome="passed", expected=expected, observed=libc_line(facts), evidence=linkage_lines(facts))


def _floor(facts: BinaryFacts, version: str, expected: str) -> Verdict:
    # The one comparison of a glibc floor: numbers, not text, for "2.9" is older than "2.17".
    evidence = needed_lines(facts, facts.needed)
    floor = facts.libc.floor
    special = sorted({need.version for need in facts.version_needs if need.version.startswith("GLIBC_ABI_")})
    asked = [ABI_VERSIONS[name] for name in special if name in ABI_VERSIONS] + ([floor] if floor else [])
    highest = max(asked, key=numbers, default=None)
    evidence += tuple(f"version need {name}" for name in special)
    private = [need.library for need in facts.version_needs if need.version == _PRIVATE]
    if private:
        # No version of glibc is enough: it changes with every build of it.
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=f"needs {_PRIVATE} of {listed(private)}, which only the very same glibc has",
            evidence=(*evidence, f"version need {_PRIVATE} in {facts.path}"),
            remedy=("link against public symbols only, and put no part of another glibc beside it",),
        )
    if highest is not None and numbers(highest) > numbers(version):
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=f"needs glibc {highest}",
            evidence=evidence,
            cause=tuple(cgo_causes(facts) + dynamic_import_causes(facts)),
            remedy=older_glibc(facts, version),
        )
    unknown = [name for name in special if name not in ABI_VERSIONS]
    if unknown:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed=f"asks for {listed(unknown)}, and which glibc has that is not known here",
            evidence=evidence,
        )
    # Symbols without a version bind to whatever the library on the machine has.
    observed = f"needs glibc {highest}" if highest else "glibc, with no GLIBC_x.y version need"
    return Verdict(outcome="passed", expected=expected, observed=observed, evidence=evidence)
