"""Who asks for which function of C."""

from __future__ import annotations

from dataclasses import replace

from pytest_golink.facts import Cgo, Libc
from pytest_golink.rules import evaluate
from pytest_golink.source import explain
from tests.rules.facts_factory import OWN_C, subject, symbols

GLIBC_2_36 = Libc(kind="glibc", presence="dynamic", floor="2.36", floor_symbols=("arc4random",))
ALONE = replace(OWN_C, cgo=Cgo(enabled=True, used=True, packages=("runtime/cgo",)))


def test_what_no_wrapper_calls_is_asked_for_by_the_c_that_a_package_links_in() -> None:
    new = symbols("arc4random", "__libc_start_main", version="GLIBC_2.36")
    image = replace(OWN_C, imports=(*new, *symbols("abort", version="GLIBC_2.2.5")), libc=GLIBC_2_36)

    finding = explain(evaluate("glibc-at-most", subject(image), {"version": "2.34"}), image)

    assert (
        "new in glibc 2.36: arc4random by C code that main links in; __libc_start_main by the C start-up code of an "
        "external link"
    ) in finding.cause


def test_a_library_beside_go_s_own_c_has_no_package_to_name() -> None:
    image = replace(ALONE, imports=symbols("dlopen", "pthread_create"))

    cause = explain(evaluate("no-imports", subject(image), {"symbols": ["dlopen", "pthread_create"]}), image).cause

    assert cause[-2:] == (
        "dlopen is imported by C code that is linked in",
        "pthread_create is imported by runtime/cgo",
    )
