"""
What a Go 1.27 program of each port must show with CGO_ENABLED=0: from Go's source, not from our reader.

Paths are under Go's src/.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """
    One GOOS. The samples `static` and `net` have no resolver, `lookup` has this one.

    `go_reads` is whether Go's own `go version -m` can read its images, None if it is chance.
    """

    format: str = "elf"
    linkage: str = "static"
    interpreter: str = "-"
    needed: str = "-"
    libc: str = "none"
    resolver: str = "go"
    stripped: str = "no"
    nx: bool | None = True
    pie: bool | None = False
    go_reads: bool | None = True
    source: str


_OWN_RESOLVER = "net/cgo_stub.go: unix without cgo"
_LIBC_OF_SOLARIS = "libc.so libsendfile.so libsocket.so"

SYSTEMS = {
    "linux": System(source=f"no dynamic import in runtime or net; {_OWN_RESOLVER}; PT_GNU_STACK: cmd/link ld/elf.go"),
    "freebsd": System(source=f"as linux; {_OWN_RESOLVER}"),
    "netbsd": System(source=f"as linux, without PT_GNU_STACK, which NetBSD does not read; {_OWN_RESOLVER}"),
    "dragonfly": System(
        nx=False,
        source=f"as linux, without PT_GNU_STACK: its kern_exec.c maps the stack VM_PROT_ALL; {_OWN_RESOLVER}",
    ),
    "openbsd": System(
        linkage="dynamic",
        interpreter="/usr/libexec/ld.so",
        needed="libc.so libpthread.so",
        libc="bsd",
        source="runtime/sys_openbsd*.go: cgo_import_dynamic; cmd/link */obj.go: Openbsddynld",
    ),
    "solaris": System(
        linkage="dynamic",
        interpreter="/lib/amd64/ld.so.1",
        needed=_LIBC_OF_SOLARIS,
        libc="solaris",
        source="runtime/os3_solaris.go, syscall, internal/poll/sendfile_solaris.go: cgo_import_dynamic; amd64/obj.go",
    ),
    "illumos": System(
        linkage="dynamic",
        interpreter="/lib/amd64/ld.so.1",
        needed=_LIBC_OF_SOLARIS,
        libc="solaris",
        source="as solaris, which is a build tag of it",
    ),
    "android": System(
        linkage="dynamic",
        interpreter="/system/bin/linker64",
        pie=True,
        source="cmd/link arm64/obj.go: Androiddynld; internal/platform: DefaultPIE; no dynamic import without cgo",
    ),
    "darwin": System(
        format="macho",
        linkage="dynamic",
        interpreter="/usr/lib/dyld",
        needed="/usr/lib/libSystem.B.dylib /usr/lib/libresolv.9.dylib",
        libc="libSystem",
        resolver="go+system",
        pie=True,
        source="runtime/sys_darwin.go, internal/syscall/unix/net_darwin.go: cgo_import_dynamic; net/cgo_unix.go",
    ),
    "windows": System(
        format="pe",
        linkage="dynamic",
        needed="kernel32.dll",
        resolver="go+windows",
        pie=True,
        source="runtime/os_windows.go: cgo_import_dynamic kernel32; LoadLibraryEx for others; net/lookup_windows.go",
    ),
    "aix": System(
        format="xcoff",
        linkage="dynamic",
        needed="libc.a libpthread.a",
        libc="aix",
        nx=None,
        pie=None,
        source="runtime/os2_aix.go, syscall: cgo_import_dynamic libc.a/shr_64.o, libpthread.a/shr_xpg5_64.o",
    ),
    "plan9": System(
        format="plan9",
        resolver="system",
        nx=None,
        # debug/buildinfo looks for a blob aligned to 16 in the data segment, which begins at any multiple of 4.
        go_reads=None,
        source="a.out(6) knows no libraries; net/lookup_plan9.go asks /net/cs",
    ),
    "js": System(
        format="wasm",
        linkage="dynamic",
        needed="gojs",
        nx=None,
        pie=None,
        go_reads=False,
        source="runtime/lock_js.go: go:wasmimport gojs; net/lookup_unix.go: unix || js || wasip1",
    ),
    "wasip1": System(
        format="wasm",
        linkage="dynamic",
        needed="wasi_snapshot_preview1",
        nx=None,
        pie=None,
        go_reads=False,
        source="runtime/os_wasip1.go: go:wasmimport wasi_snapshot_preview1; net/lookup_unix.go",
    ),
}

# internal/platform/supported.go, MustLinkExternal: these cannot be linked without a C toolchain of their system's.
NEEDS_C = {
    "android/386": "the Android NDK",
    "android/amd64": "the Android NDK",
    "android/arm": "the Android NDK",
    "ios/amd64": "Xcode",
    "ios/arm64": "Xcode",
}

# `go tool dist list`.
PORTS_OF_GO_1_27 = 47
