"""
Which C library an image uses, and which of glibc's name-service functions a static one carries.

Every format's reader calls this with the values of its headers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_golink.facts import Libc
from pytest_golink.text.versions import comparable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pytest_golink.facts import ImportedSymbol, LibcKind, VersionNeed

# The platform's own libc, for platforms with only one. illumos and Solaris share theirs.
_PLATFORM: dict[str, LibcKind] = {
    "aix": "aix",
    "android": "bionic",
    "darwin": "libSystem",
    "dragonfly": "bsd",
    "freebsd": "bsd",
    "illumos": "solaris",
    "ios": "libSystem",
    "netbsd": "bsd",
    "openbsd": "bsd",
    "solaris": "solaris",
}
# The C library under the name that the platform's programs need it by ("libc.so.7", "libc.so", "libc.a").
_PLATFORM_LIBRARY = re.compile(r"^(libc\.so(\.[0-9.]+)?|libc\.a(\(.*\))?|libSystem(\.B)?\.dylib|libc\.dylib)$")
# glibc's own sonames (Linux, the Hurd); the companions need libc.so.6 themselves.
_GLIBC_LIBRARY = re.compile(
    r"^(libc\.so\.6(\.1)?|libc\.so\.0\.3|lib(m|mvec|pthread|dl|rt|util|resolv|anl|nsl|crypt|BrokenLocale)\.so\.[0-9.]+"
    r"|ld-linux[^/]*\.so\.[0-9]+|ld64\.so\.[12])$"
)
_MUSL_LIBRARY = re.compile(r"^(libc\.musl-[^/]*\.so\.1|ld-musl-[^/]*\.so\.1)$")
_GLIBC_LOADER = re.compile(r"(^|/)(ld-linux[^/]*\.so\.[0-9]+|ld64\.so\.[12]|ld\.so\.1)$")
_MUSL_LOADER = re.compile(r"(^|/)ld-musl-[^/]*\.so\.1$")
_UCRT_LIBRARY = re.compile(r"^(ucrtbased?|api-ms-win-crt-[a-z0-9-]*)\.dll$")
_MSVCRT_LIBRARY = re.compile(r"^(msvcrtd?|msvcr[0-9]+d?)\.dll$")

_GLIBC_VERSION = re.compile(r"^GLIBC_([0-9]+(?:\.[0-9]+)*)$")
# Markers that newer link editors need beside the symbol versions: an older loader refuses the image for them just as
# it does for a missing GLIBC_x.y. GLIBC_ABI_DT_RELR: glibc 2.36 (its NEWS). GLIBC_PRIVATE is no x.y and says nothing.
ABI_VERSIONS = {"GLIBC_ABI_DT_RELR": "2.36"}

# The library's own texts, between NULs: a Go string literal with the same words has no NULs around it.
_EMBEDDED_GLIBC = (b"\0GLIBC_TUNABLES\0", b"\0glibc.malloc.check\0", b"\0glibc.rtld.optional_static_tls\0")
# strerror(0), which runtime/cgo links in; printf's exponent signs; the locale path's variable.
_EMBEDDED_MUSL = (b"\0No error information\0", b"-0X+0X 0X-0x+0x 0x\0", b"\0MUSL_LOCPATH\0")
_MUSL_STARTUP = "__init_libc"
_EMBEDDED_NSS = b"libnss_"

# Every function that glibc's static library warns of with "Using '…' in statically linked applications requires at
# runtime the shared libraries from the glibc version used for linking" (.gnu.warning.* of glibc 2.36's libc.a).
_DATABASES = ("alias", "gr", "host", "net", "proto", "pw", "rpc", "serv", "sg", "sp")
_LOOKUPS = (
    "aliasbyname",
    "grgid",
    "grnam",
    "hostbyaddr",
    "hostbyname",
    "hostbyname2",
    "netbyaddr",
    "netbyname",
    "protobyname",
    "protobynumber",
    "pwnam",
    "pwuid",
    "rpcbyname",
    "rpcbynumber",
    "servbyname",
    "servbyport",
    "sgnam",
    "spnam",
)
NAME_SERVICE: frozenset[str] = frozenset(
    ["getaddrinfo", "getgrouplist", "initgroups", "dlopen", "dlmopen"]
    + [f"get{lookup}{suffix}" for lookup in _LOOKUPS for suffix in ("", "_r")]
    + [f"get{database}ent{suffix}" for database in _DATABASES for suffix in ("", "_r")]
    + [f"{verb}{database}ent" for database in _DATABASES for verb in ("set", "end")]
)
# Weak aliases that stand in every static image of glibc 2.34 and newer, called or not: its own loader is in libc.
_ALWAYS_THERE = frozenset({"dlopen", "dlmopen"})
# Functions linked in with another one, which calls them or shares their object file: the linker warns only of that one.
_COMES_WITH = {
    "getaddrinfo": frozenset(
        {
            "gethostbyaddr_r",
            "gethostbyname_r",
            "gethostbyname2_r",
            "getservbyname_r",
            "getservbyport_r",
            "getnetbyname_r",
            "getprotobyname_r",
        }
    ),
    "getgrouplist": frozenset({"initgroups"}),
}
# A function looks its own name up in its service (nss/getXXbyYY_r.c), getgrouplist the name initgroups_dyn, and
# getaddrinfo has its own configuration file.
_TEXTS = {
    "getaddrinfo": "/etc/gai.conf",
    "getgrouplist": "initgroups_dyn",
    **{name: name for name in (f"get{lookup}_r" for lookup in _LOOKUPS)},
}
# Since glibc 2.34 "files" is built in, and its table of all names stands beside the functions' own; this one has no
# function of its own in any program seen.
_TEXT_OF_THE_TABLE = "setaliasent"
# Go's cgo wrappers: net._C2func_getaddrinfo, os/user._Cfunc_mygetpwnam_r (C of os/user's own that calls it).
_WRAPPER = rb"\._C2?func_(?:my)?(?:%s)$" % b"|".join(sorted(name.encode() for name in NAME_SERVICE))
_WRAPPED = re.compile(r"\._C2?func_(?:my)?(\w+)$")
# plugin's C calls dlopen.
_PLUGIN_OPEN = rb"^plugin\._Cfunc_pluginOpen$"
# os/user's C is one object file: where one of its functions is linked in, so are all.
_USERS = frozenset({"getgrgid_r", "getgrnam_r", "getgrouplist", "getpwnam_r", "getpwuid_r"})
# The name for the name-service code itself, if it is linked in but no text shows which function needs it.
UNNAMED_NAME_SERVICE = "libnss_*"


def classify_libc(
    *,
    goos: str | None,
    needed: Sequence[str],
    interpreter: str | None = None,
    version_needs: Sequence[VersionNeed] = (),
    imports: Sequence[ImportedSymbol] = (),
    embedded: LibcKind | None = None,
) -> Libc:
    """
    Return which C library an image loads, or has inside.

    Args:
        goos: The platform, None where the image does not tell.
        needed: The needed libraries as the image spells them: sonames, install names, DLL names.
        interpreter: PT_INTERP; the musl loader is the C library itself.
        version_needs: ELF version needs, for glibc's floor.
        imports: The imported symbols, for the names that cause the floor.
        embedded: What `find_embedded_libc` found in a static image; None where no C is linked in.
    """
    names = [name.rpartition("/")[2] for name in needed]
    if goos == "windows":
        kind = _windows_libc(names)
    elif goos in _PLATFORM:
        kind = _PLATFORM[goos] if any(map(_PLATFORM_LIBRARY.match, names)) else None
    else:
        kind = _linux_libc(names, interpreter, version_needs)
    if kind is None:
        if embedded is None:
            return Libc(kind="none", presence="none")
        return Libc(kind=embedded, presence="embedded")
    if kind != "glibc":
        return Libc(kind=kind, presence="dynamic")
    floor, symbols = _glibc_floor(version_needs, imports)
    return Libc(kind="glibc", presence="dynamic", floor=floor, floor_symbols=symbols)


def _windows_libc(names: Iterable[str]) -> LibcKind | None:
    lower = [name.lower() for name in names]
    if any(map(_UCRT_LIBRARY.match, lower)):
        return "ucrt"
    if any(map(_MSVCRT_LIBRARY.match, lower)):
        return "msvcrt"
    return None


def _linux_libc(names: Sequence[str], interpreter: str | None, version_needs: Sequence[VersionNeed]) -> LibcKind | None:
    # The loader decides: musl's is the C library, and takes every "libc.so…" a program needs for itself
    # (ldso/dynlink.c, load_library).
    if interpreter is not None and _MUSL_LOADER.search(interpreter):
        return "musl"
    if any(_GLIBC_LIBRARY.match(name) for name in names) or any(
        need.version.startswith("GLIBC_") for need in version_needs
    ):
        return "glibc"
    if any(_MUSL_LIBRARY.match(name) for name in names):
        return "musl"
    if not names:
        return None
    if interpreter is not None and _GLIBC_LOADER.search(interpreter):
        # Some library is loaded, and glibc's loader loads none without its libc.
        return "glibc"
    # A bare "libc.so" is what zig's and musl-gcc's link against musl write.
    return "musl" if "libc.so" in names else "unknown"


def _glibc_floor(
    version_needs: Sequence[VersionNeed], imports: Sequence[ImportedSymbol]
) -> tuple[str | None, tuple[str, ...]]:
    """
    Find the highest GLIBC_x.y and the imported symbols of that version.

    A weak version need does not count: the loader starts the image without it.
    """
    found: dict[tuple[int, ...], str] = {}
    for need in version_needs:
        match = _GLIBC_VERSION.match(need.version)
        text = match[1] if match else ABI_VERSIONS.get(need.version)
        if text is not None and not need.weak:
            found[comparable(text)] = text
    if not found:
        return None, ()
    floor = found[max(found)]
    symbols = dict.fromkeys(symbol.name for symbol in imports if symbol.version == f"GLIBC_{floor}")
    return floor, tuple(symbols)


def find_embedded_libc(regions: Iterable[memoryview], symbols: Callable[[], Collection[str]]) -> LibcKind:
    """
    Return the C library inside a static image with C code, by the library's own texts; "unknown" if none is found.

    To be asked only of an image with C start-up code or cgo: a Go program without is free to hold these texts as
    string literals.

    Args:
        regions: The image's bytes.
        symbols: Returns the names of the symbol table; called only if no text identifies the library.
    """
    for region in regions:
        raw = bytes(region)
        if any(text in raw for text in _EMBEDDED_GLIBC):
            return "glibc"
        if any(text in raw for text in _EMBEDDED_MUSL):
            return "musl"
    return "musl" if _MUSL_STARTUP in symbols() else "unknown"


def find_static_name_service(
    *,
    symbols: Collection[str],
    wrappers: Callable[[bytes], Iterable[str]],
    regions: Iterable[memoryview],
) -> tuple[str, ...]:
    """
    Name glibc's name-service functions inside a static image with glibc embedded, as the linker's warning names them.

    The symbol table tells of all but dlopen, which stands in every such image. Without it, the texts that the
    functions use tell of them (of getpwnam as the getpwnam_r that it calls), and Go's cgo wrappers of the calls that
    Go makes. C that calls dlopen cannot be told from C that does not: the linker's warning, when the image is built,
    is the only witness. Name-service code that none of these explains is given as "libnss_*", the shared libraries
    that it loads.

    Args:
        symbols: The names of the symbol table, empty for a stripped image.
        wrappers: Finds the Go functions whose names match a regular expression.
        regions: The image's bytes.
    """
    called = {match[1] for name in wrappers(_WRAPPER) if (match := _WRAPPED.search(name))}
    if called & _USERS:
        called |= _USERS
    found = {name for name in NAME_SERVICE - _ALWAYS_THERE if name in symbols}
    if not symbols:
        found |= called
        # The segment with the code's texts; an image without them has no such code.
        texts = next((raw for raw in map(bytes, regions) if _EMBEDDED_NSS in raw), b"")
        found |= _functions_by_text(texts)
        if texts and not found:
            found.add(UNNAMED_NAME_SERVICE)
    found |= called & _ALWAYS_THERE
    if any(True for _ in wrappers(_PLUGIN_OPEN)):
        found.add("dlopen")
    implied: set[str] = {f"{name}_r" for name in found}
    for name in found & _COMES_WITH.keys():
        implied |= _COMES_WITH[name]
    return tuple(sorted(found - implied))


def _functions_by_text(texts: bytes) -> set[str]:
    if not texts:
        return set()
    # Each name stands once in the table of the built-in service, and once more beside the function that uses it.
    in_table = 1 if _whole(_TEXT_OF_THE_TABLE) in texts else 0
    return {
        name for name, text in _TEXTS.items() if texts.count(_whole(text)) > (0 if text.startswith("/") else in_table)
    }


def _whole(text: str) -> bytes:
    return b"\0" + text.encode() + b"\0"
