"""
What an image's function names show of cgo and of name resolution.

golink uses only names of functions that the compiler cannot inline, so that a name means linked code: the pclntab also
lists inlined functions whose code turned out to be dead.

Source: Go's src/cmd/cgo/out.go (the generated names), src/runtime/cgo/callbacks.go, src/net/lookup_*.go and cgo_*.go.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pytest_golink.facts import Format, Resolver
    from pytest_golink.golang.functions import Functions

# runtime/cgo exports this function of the runtime to C (callbacks.go); no other code reaches it.
_CGO_MARK = "_cgo_topofstack"
_RUNTIME_CGO = "runtime/cgo"
# The libc functions that runtime/cgo's C calls to start a thread (gcc_libinit.c, gcc_linux.c), and that C's own names.
_IMPORTS = frozenset({"pthread_attr_getstacksize", "pthread_create", "pthread_sigmask"})
_C_SIDE = "x_cgo_"
_FAKE_CGO = rb"/internal/fakecgo\."

# cmd/cgo makes <package>._Cfunc_name of a call, and _C2func_ of a call that returns errno. _Cmacro_ is an expression.
_WRAPPER = rb"\._C(?:func|2func|macro)_"
# cmd/cgo's own helpers for C.CString and the like (builtinDefs in out.go), which are not C functions.
_BUILT_IN = frozenset({"CBytes", "CString", "GoBytes", "GoString", "GoStringN", "_CMalloc"})
_CALLED = re.compile(r"\._C2?func_(\w+)$")
# The Go side of an exported function; its name does not show its package.
_EXPORT = re.compile(r"_cgoexp_[0-9a-f]+_(\w+)$")
_EXPORTS = rb"^_cgoexp_"
# A package path in a symbol name: dots of its last element are escaped, so that the first dot after it ends it.
_PACKAGE = re.compile(r"((?:[^/()\[\]{}:]+/)*[^/.()\[\]{}:]+)\.")
_ESCAPE = re.compile(r"%([0-9a-f]{2})")

# Go's own DNS client, and its reader of /etc/hosts and the like. The methods are too large to be inlined.
_GO_RESOLVER = rb"^net\.\(\*Resolver\)\.(?:exchange|tryOneName|goLookup\w+)$"
_CGO_RESOLVER = rb"^net\._C2?func_(?:getaddrinfo|getnameinfo|res_n?search)$"
# Assembler functions, without cgo, since Go 1.20.
_SYSTEM_RESOLVER = rb"^internal/syscall/unix\.lib(?:c|resolv)_(?:getaddrinfo|getnameinfo|res_\w*n?search)_trampoline$"
# Plan 9 asks its connection and DNS servers, /net/cs and /net/dns (net/lookup_plan9.go).
_PLAN9_RESOLVER = rb"^net\.query(?:CS|DNS)$"
_WINDOWS_RESOLVER = rb"^syscall\.(?:GetAddrInfoW|_DnsQuery)$"


def cgo_used(functions: Functions) -> bool:
    """Whether runtime/cgo is linked in."""
    return _CGO_MARK in functions


def cgo_witnesses(
    functions: Functions, imports: Collection[str], symbols: Callable[[], Collection[str]]
) -> tuple[str, ...]:
    """
    Return the reasons, beside the names in the pclntab, to conclude that runtime/cgo is linked in.

    purego's copy of it, fakecgo, leaves the same traces, but is Go: an image with it has no witness.

    Args:
        functions: The names of the image's functions.
        imports: The names that it imports.
        symbols: Returns the names of the symbol table; it is slow.
    """
    if any(functions.matching(_FAKE_CGO)):
        return ()
    found = []
    if set(imports) >= _IMPORTS:
        found.append(f"imports {', '.join(sorted(_IMPORTS))}, as runtime/cgo does")
    mark = next((name for name in symbols() if name.startswith(_C_SIDE)), None)
    if mark is not None:
        found.append(f"the symbol table has {mark}, which is C of runtime/cgo")
    return tuple(found)


def cgo_packages(functions: Functions, in_order: Callable[[], Sequence[str]]) -> tuple[str, ...]:
    """
    Return the import paths of the packages with cgo wrappers, and runtime/cgo where linked in, sorted.

    A package that uses only C types or variables has no wrappers, and is not in the list.

    Args:
        functions: The names of the image's functions.
        in_order: Returns the functions of the function table in its order, without inlined ones; it is slow.
    """
    packages = {package for name in functions.matching(_WRAPPER) if (package := _wrapping(name))}
    if any(functions.matching(_EXPORTS)):
        packages |= _exporting(list(functions), in_order)
    if cgo_used(functions):
        packages.add(_RUNTIME_CGO)
    return tuple(sorted(unescape(package) for package in packages))


def cgo_calls(functions: Functions) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the C functions that each package calls through its cgo wrappers, both sorted."""
    calls: dict[str, set[str]] = {}
    for name in functions.matching(_WRAPPER):
        called = _CALLED.search(name)
        if called and called[1] not in _BUILT_IN and (package := _wrapping(name)):
            calls.setdefault(unescape(package), set()).add(called[1])
    return tuple((package, tuple(sorted(names))) for package, names in sorted(calls.items()))


def _wrapping(name: str) -> str | None:
    """Return the package of a wrapper by its name, None for another function, such as a method with such a name."""
    package = _PACKAGE.match(name)
    return package[1] if package and name.startswith("_C", package.end()) else None


def _exporting(names: Sequence[str], in_order: Callable[[], Sequence[str]]) -> set[str]:
    """
    Return the packages of exported functions.

    _cgoexp_<hash>_<name> calls <package>.<name>, or a method of that name, which stands near it. Where the compiler
    removed that function, its neighbours show the package if they agree: a package's functions stand together.
    """
    exports = {name: match[1] for name in names if (match := _EXPORT.match(name))}
    wanted = set(exports.values())
    homes: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        own = name.rpartition(".")[2]
        if own in wanted and _PACKAGE.match(name):
            homes.setdefault(own, []).append(at)
    packages = set()
    for at, name in enumerate(names):
        if name in exports and (near := homes.get(exports[name])):
            right = bisect_left(near, at)
            packages.add(package_of(names[min(near[max(right - 1, 0) : right + 1], key=lambda home: abs(home - at))]))
    if wanted - homes.keys():
        before: str | None = None
        alone = False
        for name in (*in_order(), ""):
            if name in exports:
                alone = alone or exports[name] not in homes
                continue
            after = package_of(name)
            if alone and len(neighbours := {before, after} - {None}) == 1:
                packages |= neighbours
            before, alone = after, False
    return {package for package in packages if package}


def package_of(name: str) -> str | None:
    """Return the package with which a function's name begins, as symbol names write it; None if it has none."""
    match = _PACKAGE.match(name)
    return match[1] if match else None


def resolvers(functions: Functions, image_format: Format, imports: Collection[str]) -> tuple[Resolver, ...]:
    """
    Return the DNS paths that a program can take, sorted; ("none",) where no resolver code is linked in.

    Args:
        functions: The names of its functions.
        image_format: Its format: only on Mach-O does Go call the system's getaddrinfo without cgo.
        imports: The names that it imports from shared libraries.
    """
    found: list[Resolver] = []
    if any(functions.matching(_CGO_RESOLVER)):
        found.append("cgo")
    if any(functions.matching(_GO_RESOLVER)):
        found.append("go")
    if (
        any(functions.matching(_SYSTEM_RESOLVER))
        or (image_format == "plan9" and any(functions.matching(_PLAN9_RESOLVER)))
        or (image_format == "macho" and "getaddrinfo" in imports and not cgo_used(functions))
    ):
        found.append("system")
    if any(functions.matching(_WINDOWS_RESOLVER)):
        found.append("windows")
    return tuple(found) or ("none",)


def unescape(package: str) -> str:
    """Return an import path as source code writes it, from its form in symbol names."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), package)
