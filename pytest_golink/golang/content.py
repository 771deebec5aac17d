"""
What an image's function names show of its content: user lookup, instrumentation, cryptography, importing packages.

As in cgo.py, golink uses only names that the compiler cannot inline: assembler functions, cgo's wrappers, large ones.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_golink.facts import CryptoModule
from pytest_golink.golang.cgo import package_of, unescape
from pytest_golink.golang.paths import is_standard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import Format, Instrumentation, UserLookup
    from pytest_golink.golang.functions import Functions

# Source: Go's src/os/user/cgo_lookup_cgo.go, and internal/syscall/unix/user_darwin.go (assembler, since Go 1.20).
_LIBC_USERS = (
    rb"^os/user\._C2?func_\w*get(?:pw|gr)",
    rb"^internal/syscall/unix\.libc_get(?:pw|gr)\w+_trampoline$",
)
# Go's own lookup: lookup_unix.go reads /etc/passwd and /etc/group, lookup_plan9.go /dev/user; Android has no such file.
_OWN_USERS = rb"^os/user\.(?:readColonFile|listGroupsFromReader|current)$"
# lookup_windows.go asks the system for accounts and their groups.
_WINDOWS_USERS = rb"^os/user\.(?:current|newUserFromSid|lookupUsernameAndDomain|lookupUserPrimaryGroup|lookupFullName)$"

# The runtime's assembler (race_*.s, msan_*.s, asan_*.s) is built only with that flag; -cover makes main call a hook.
# Source: also cmd/compile/internal/coverage/cover.go; internal/coverage/cfile since Go 1.23.
_INSTRUMENTATIONS: tuple[tuple[Instrumentation, bytes], ...] = (
    ("race", rb"^(?:runtime\.)?racecall(?:atomic|backthunk)?$"),
    ("msan", rb"^(?:runtime\.)?msancall$"),
    ("asan", rb"^(?:runtime\.)?asancall$"),
    ("cover", rb"^(?:runtime/coverage\.initHook|internal/coverage/cfile\.InitHook)$"),
)

_BORING = rb"^crypto/internal/boring\._C2?func__goboringcrypto_"
# The Go Cryptographic Module, and since GOFIPS140=v1.0.0 a frozen copy of it under its version.
_FIPS140 = rb"^crypto/internal/fips140/"
_FROZEN = re.compile(r"^crypto/internal/fips140/(v[0-9][^/]*)/")
# Packages that the toolchains of Red Hat and Microsoft add to the standard library; only the toolchain has vendor/.
# Source: github.com/golang-fips/go, github.com/microsoft/go.
_OPENSSL = rb"^vendor/github\.com/(?:golang-fips/openssl|microsoft/go-crypto-openssl)"
_PLAIN = rb"^crypto/(?:aes|sha256|sha512|rsa|ecdsa|internal/nistec)\."

# A package calls its imported functions through an assembler function; these names are those of the standard library,
# golang.org/x/sys and purego, whose own runtime/cgo is called fakecgo.
_TRAMPOLINES = (rb"_trampoline$", rb"/internal/fakecgo\.")
_MOST_PACKAGES = 64

# "_rt0_amd64_linux"; in a library "_rt0_amd64_linux_lib", beside "_rt0_amd64_lib" that all systems share. On arm
# "_rt0_arm_linux1" does the rest of the work (runtime/rt0_linux_arm.s).
_STARTUP = rb"^_rt0_[a-z0-9]+_(?!lib$|linux1$)[a-z0-9]+(?:_lib)?$"


def user_lookup(functions: Functions, image_format: Format) -> tuple[UserLookup, ...]:
    """Return where os/user looks users up, sorted; ("none",) where no lookup code is linked in."""
    found: list[UserLookup] = []
    system = any(_any(functions, regex) for regex in _LIBC_USERS)
    if image_format == "pe":
        system = system or _any(functions, _WINDOWS_USERS)
    elif _any(functions, _OWN_USERS) and not system:
        found.append("files")
    if system:
        found.append("system")
    return tuple(found) or ("none",)


def instrumentation(functions: Functions) -> tuple[Instrumentation, ...]:
    """Return the instrumentations whose run-time support is linked in."""
    return tuple(kind for kind, regex in _INSTRUMENTATIONS if _any(functions, regex))


def crypto(functions: Functions) -> tuple[CryptoModule, ...]:
    """Return the cryptographic modules that are linked in; ("plain" is Go's cryptography outside a module)."""
    found = []
    if _any(functions, _BORING):
        found.append(CryptoModule(kind="boringcrypto"))
    frozen = {
        match[1] for name in functions.matching(rb"^crypto/internal/fips140/v[0-9]") if (match := _FROZEN.match(name))
    }
    if frozen:
        found.extend(CryptoModule(kind="go", version=version) for version in sorted(frozen))
    elif _any(functions, _FIPS140):
        found.append(CryptoModule(kind="go"))
    elif _any(functions, _PLAIN):
        found.append(CryptoModule(kind="plain"))
    if _any(functions, _OPENSSL):
        found.append(CryptoModule(kind="openssl"))
    return tuple(found)


def importers(functions: Functions) -> tuple[str, ...]:
    """Return the packages outside the standard library that call shared libraries without cgo, sorted."""
    found: set[str] = set()
    for regex in _TRAMPOLINES:
        for name in functions.matching(regex):
            package = package_of(name)
            path = unescape(package) if package else None
            if path and not is_standard(path):
                found.add(path)
    return tuple(sorted(found)[:_MOST_PACKAGES])


def startup(functions: Functions) -> str | None:
    """Return the GOOS in the name of Go's entry point, None where there is none or more than one."""
    systems = {name.split("_")[3] for name in functions.matching(_STARTUP)}
    return systems.pop() if len(systems) == 1 else None


def _any(functions: Functions, regex: bytes) -> bool:
    found: Iterator[str] = functions.matching(regex)
    return next(found, None) is not None
