"""
The libraries that every installation of an operating system has, and that a self-contained image may need there.

An operating system that is not listed has no such promise: Linux distributions agree only on the kernel's system
calls, so that a self-contained Linux image is a static one.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import BinaryFacts, NeededLibrary, Target

# The DLLs that a vanilla System32 and SysWOW64 hold on Windows 10 and 11, on x86-64 and arm64 alike, and that programs
# import. Left out though they are there: what Server and the N editions lack (wlanapi, the Media Foundation's mf*).
# Never part of it: a compiler's own runtime (vcruntime140, msvcp140, libgcc_s_*, libstdc++-6, libwinpthread-1).
# ucrtbase is the Universal CRT: a part of Windows since 10, and Go needs Windows 10 since 1.21.
# opengl32 and glu32 are on arm64 since Windows 11.
# Source: the file lists of vanilla installations in delvewheel's repository (dll_lists/10, 11, 10-arm64, 11-arm64);
# the registry's KnownDLLs; learn.microsoft.com, "Universal CRT deployment" and "Windows API sets"; Go 1.21's release
# notes.
_WINDOWS = frozenset(
    """
    advapi32 avrt bcrypt bcryptprimitives cfgmgr32 clbcatq combase comctl32 comdlg32 coml2 credui crypt32 cryptbase
    cryptui d2d1 d3d10 d3d10_1 d3d11 d3d12 d3d9 d3dcompiler_47 dbgcore dbghelp ddraw dhcpcsvc dinput8 dnsapi dsound
    dwmapi dwrite dxgi dxva2 esent fwpuclnt gdi32 gdi32full gdiplus glu32 hid hlink httpapi imagehlp imm32 iphlpapi
    kernel32 kernelbase ktmw32 mpr msacm32 msctf msi msimg32 mstask mswsock msvcp_win msvcrt ncrypt netapi32 netutils
    newdev normaliz nsi ntdll ntdsapi ntmarta odbc32 odbccp32 ole32 oleacc oleaut32 oledlg opengl32 pdh powrprof
    profapi propsys psapi rasapi32 rpcrt4 rstrtmgr rtutils samcli samlib sas schannel sechost secur32 sensapi setupapi
    sfc shcore shell32 shlwapi slc snmpapi srvcli sspicli tapi32 tdh traffic ucrtbase urlmon user32 userenv usp10
    uxtheme version virtdisk wevtapi win32u windowscodecs winhttp wininet winmm winscard winsta wintrust winusb wkscli
    wldap32 wmi ws2_32 wsock32 wtsapi32 xinput1_4 xmllite
    """.split()  # noqa: SIM905 - a list of that length is a page of quotes
)
# API sets are names that the loader maps to a system DLL.
_WINDOWS_API_SET = re.compile(r"(api|ext)-ms-[a-z0-9-]+")

# An unversioned soname ("libc.so") is what Go's own linker writes on OpenBSD, Solaris and illumos.
_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        # LC_LOAD_DYLIB names are paths; @rpath, @loader_path and /opt are not the system's.
        # Source: dyld(1); Apple, "Binary compatibility is at the level of system frameworks and libSystem" (QA1118).
        "darwin": r"/usr/lib/[^/]+\.dylib|/usr/lib/(system|swift)/[^/]+\.dylib|/System/Library/Frameworks/.+",
        # bionic's libc, libm, libdl, and liblog that runtime/cgo links (-llog).
        # Source: Android NDK "Native APIs"; Go's runtime/cgo/cgo.go.
        "android": r"lib(c|m|dl|log)\.so",
        # Source: Go's runtime/sys_openbsd.go, runtime/cgo/cgo.go; OpenBSD's base set.
        "openbsd": r"lib(c|pthread|m)\.so(\.[0-9]+)*",
        # libthr is FreeBSD's pthread. Source: FreeBSD's base system, /lib.
        "freebsd": r"lib(c|thr|m)\.so(\.[0-9]+)*",
        "netbsd": r"lib(c|pthread|m)\.so(\.[0-9]+)*",
        "dragonfly": r"lib(c|pthread|thread_xu|m)\.so(\.[0-9]+)*",
        # Source: Go's internal/poll/sendfile_solaris.go, syscall/syscall_solaris.go, net/cgo_solaris.go; Intro(3).
        "solaris": r"lib(c|m|socket|nsl|sendfile|pthread|resolv|dl|rt)\.so(\.[0-9]+)?",
        # Members of the system's archives. Source: Go's syscall/syscall_aix.go, runtime/os2_aix.go.
        "aix": r"lib(c|pthread|pthreads)\.a(/[^/]+\.o)?",
        # The host modules of Go's ports. Source: cmd/link/internal/wasm/asm.go ("go" before 1.21, then "gojs").
        "js": r"go(js)?",
        "wasip1": r"wasi_snapshot_preview1",
    }
)
_SAME_AS: Mapping[str, str] = MappingProxyType({"ios": "darwin", "illumos": "solaris"})

# The loaders of those systems. Source: Go's cmd/link/internal/*/obj.go (…dynld), each system's elf(5) or ld.so(1).
_INTERPRETERS: Mapping[str, str] = MappingProxyType(
    {
        "darwin": r"/usr/lib/dyld",
        "android": r"/system/bin/linker(64)?",
        "openbsd": r"/usr/libexec/ld\.so",
        "freebsd": r"(/usr)?/libexec/ld-elf\.so\.1",
        "netbsd": r"(/usr)?/libexec/ld\.elf_so",
        "dragonfly": r"(/usr)?/libexec/ld-elf\.so\.2",
        "solaris": r"(/usr)?/lib/((amd64|64|sparcv9)/)?ld\.so\.1",
    }
)

# The rule's expectation for each system.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "windows": "system DLLs of Windows 10 and later",
        "darwin": "/usr/lib/*.dylib and /System/Library/Frameworks/*",
        "android": "bionic: libc, libm, libdl, liblog",
        "openbsd": "libc, libpthread, libm of the base system",
        "freebsd": "libc, libthr, libm of the base system",
        "netbsd": "libc, libpthread, libm of the base system",
        "dragonfly": "libc, libpthread, libm of the base system",
        "solaris": "libc and the system's libraries beside it (libsocket, libnsl, libsendfile, …)",
        "aix": "libc.a and libpthread.a of the system",
        "js": "the host module gojs, which Go's wasm_exec.js provides",
        "wasip1": "the host module wasi_snapshot_preview1, which a WASI host provides",
    }
)


def system_words(target: Target) -> str | None:
    """Return in words what a self-contained image may need on a system, None where it may need nothing."""
    return _WORDS.get(_SAME_AS.get(target.goos, target.goos))


def outside_system(target: Target, needed: tuple[NeededLibrary, ...]) -> tuple[NeededLibrary, ...]:
    """Return the needed libraries that an installation of the target's system need not have, in the image's order."""
    return tuple(library for library in needed if not _is_system(target.goos, library.name))


def is_system_interpreter(target: Target, interpreter: str | None) -> bool:
    """Whether the system has this loader; without one (a library, a static image) the image names none."""
    goos = _SAME_AS.get(target.goos, target.goos)
    return interpreter is None or re.fullmatch(_INTERPRETERS.get(goos, r"(?!)"), interpreter) is not None


def _is_system(goos: str, name: str) -> bool:
    if goos == "windows":
        stem = re.sub(r"\.(dll|drv)$", "", name.lower())
        # The printer spooler's library is the one that is called .drv.
        return stem in _WINDOWS or name.lower() == "winspool.drv" or _WINDOWS_API_SET.fullmatch(stem) is not None
    pattern = _PATTERNS.get(_SAME_AS.get(goos, goos), r"(?!)")
    # "/usr/lib/../local/x" matches no pattern's meaning.
    return "/../" not in name and re.fullmatch(pattern, name) is not None


def names_outside_system(facts: BinaryFacts) -> list[str]:
    """Return the libraries, and the interpreter, that an image needs and its system does not always have."""
    if facts.target is None:
        return []
    names = [library.name for library in outside_system(facts.target, facts.needed)]
    if facts.interpreter is not None and not is_system_interpreter(facts.target, facts.interpreter):
        names.append(facts.interpreter)
    return names
