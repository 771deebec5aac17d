"""Remedies for glibc's name-service functions and dlopen in a static image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.diagnosis.name_service import family_functions, load_libraries, look_names_up, look_users_up
from pytest_golink.findings import Remedy
from pytest_golink.remedies.compilers import zig_cc
from pytest_golink.remedies.linkage import leave_libc, load_again
from pytest_golink.remedies.static import EXTERNAL_STATIC
from pytest_golink.traits import opens_libraries, own_cgo_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case


def leave_name_service(case: Case) -> Iterator[Remedy]:
    """Yield what keeps glibc's name-service functions out of a static image."""
    if not opens_libraries(case.facts) and "dlopen" not in case.functions:
        yield from leave_libc(case)
        return
    yield from load_again(case)


def avoid_name_service(case: Case) -> Iterator[Remedy]:
    """Yield what keeps these functions out of a static image."""
    yield from (Remedy(words=words) for words in _words(case))
    yield from leave_name_service(case)


def _words(case: Case) -> list[str]:
    own = own_cgo_packages(case.facts)
    functions = family_functions(case.facts, case.warnings)
    packages = (("net", "netgo", look_names_up), ("os/user", "osusergo", look_users_up))
    tags = [tag for package, tag, calls in packages if package in own and calls(functions)]
    words = [f"-tags {','.join(tags)}: Go's own code instead of glibc's"] if tags else []
    if load_libraries(functions):
        # musl's own dlopen in a static image always fails: "Dynamic loading not supported" (musl's src/ldso/dlopen.c).
        return [
            *words,
            "build without -static: dlopen needs a loader (static musl links silently, and its dlopen fails)",
        ]
    if zig := zig_cc(case.facts, "musl"):
        either = "or " if words else ""
        words.append(f'{either}link musl in, which loads nothing: CC="{zig}" CGO_ENABLED=1 {EXTERNAL_STATIC}')
    return words or ["link libc dynamically, or leave out the package that calls it"]
