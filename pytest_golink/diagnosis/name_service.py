"""Glibc's name-service functions and dlopen in a static image: which there are, and which packages call them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_golink.text.words import listed
from pytest_golink.traits import own_cgo_packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_golink.case import Case
    from pytest_golink.facts import BinaryFacts, LinkWarning

# What glibc's static archive warns of (link_warning in its sources): functions that load shared libraries of the very
# same glibc while the program runs.
# Source: glibc's nss/getXXbyYY.c, nss/getXXent.c, nss/getaddrinfo.c, grp/initgroups.c, dlfcn/dlopen.c, iconv.
_FAMILY_TEXT = re.compile(r"in statically linked applications? requires at runtime the shared libraries", re.IGNORECASE)
_FAMILY = re.compile(
    r"getaddrinfo(_a)?|getnameinfo|gethost(by\w+|ent(_r)?)|getnet(by\w+|ent(_r)?|grent\w*)|getserv\w+|getproto\w+"
    r"|getpw\w+|getgr\w+|getgrouplist|getsp\w+|getsg\w+|getalias\w+|getether\w+|getrpc\w+|initgroups|innetgr"
    r"|set(net)?grent|setpwent|sethostent|setservent|ether_\w+|dlopen|dlmopen|dlsym|dladdr|iconv_open"
)
_USERS = re.compile(r"getpw\w+|getgr\w+|initgroups|setgrent|setpwent|getsp\w+|getsg\w+")
_LOADING = re.compile(r"dlopen|dlmopen|dlsym|dladdr")
STANDARD_CALLERS = ("net", "os/user", "plugin")


def is_of_family(warning: LinkWarning) -> bool:
    """Whether a linker's warning is about one of these functions."""
    if _FAMILY_TEXT.search(warning.text):
        return True
    return warning.function is not None and _FAMILY.fullmatch(warning.function) is not None


def family_functions(facts: BinaryFacts, warnings: Iterable[LinkWarning]) -> list[str]:
    """Return the functions of the family that the linker warns of, or that the image shows."""
    warned = {warning.function for warning in warnings if warning.function and is_of_family(warning)}
    return sorted(warned | set(facts.static_name_service))


def look_users_up(functions: Iterable[str]) -> bool:
    """Whether one of the functions looks users or groups up."""
    return any(_USERS.fullmatch(name) for name in functions)


def load_libraries(functions: Iterable[str]) -> bool:
    """Whether one of the functions loads a shared library."""
    return any(_LOADING.fullmatch(name) for name in functions)


def look_names_up(functions: Iterable[str]) -> bool:
    """Whether one of the functions looks up anything else, such as the address of a host."""
    return any(not _USERS.fullmatch(name) and not _LOADING.fullmatch(name) for name in functions)


def why_name_service(case: Case) -> Iterator[str]:
    """Yield which packages call the functions, and what these do in a static image."""
    own = own_cgo_packages(case.facts)
    functions = family_functions(case.facts, case.warnings)
    known = [
        line
        for package, calls, line in (
            ("net", look_names_up, "net uses cgo and calls libc's resolver"),
            ("os/user", look_users_up, "os/user uses cgo and calls libc's user database"),
            ("plugin", load_libraries, "plugin uses cgo and calls dlopen"),
        )
        if package in own and calls(functions)
    ]
    yield from known
    others = [package for package in own if package not in STANDARD_CALLERS]
    if others and not known:
        yield f"C code of {listed(others)}, or what it links to, calls it"
    yield "glibc, though linked in, loads shared libraries of its own version for these"
