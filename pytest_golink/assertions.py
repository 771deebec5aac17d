"""
One typed helper a rule: `assert_` and the rule's name with underscores. `make api` writes this module.

A helper takes a `GoBinary`, `BinaryFacts` or a path, returns None, and raises `PolicyViolation` where the rule is
violated or the image does not say. A file that cannot be read is another error, never a violation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.checking import check_image, check_images

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Literal

    from pytest_golink.checking import Binary, Names


def assert_static(binary: Binary) -> None:
    """Linkage is static or static-pie."""
    __tracebackhide__ = True
    check_image(binary, "static")


def assert_dynamic(binary: Binary) -> None:
    """Linkage is dynamic."""
    __tracebackhide__ = True
    check_image(binary, "dynamic")


def assert_self_contained(binary: Binary) -> None:
    """Nothing is needed beyond what every installation of its operating system has."""
    __tracebackhide__ = True
    check_image(binary, "self-contained")


def assert_needs_libc(
    binary: Binary,
    *,
    kind: Literal["glibc", "musl", "bionic", "libSystem", "bsd", "solaris", "aix", "ucrt", "msvcrt"] | None = None,
    at_most: str | None = None,
) -> None:
    """
    At run time a libc is loaded, of that kind, with a floor at or under that version.

    A floor is glibc's: `at-most` without `kind` means glibc.

    Args:
        binary: A GoBinary, its facts, or a path.
        kind: One of glibc, musl, bionic, libSystem, bsd, solaris, aix, ucrt, msvcrt.
        at_most: A version such as "2.17".
    """
    __tracebackhide__ = True
    check_image(binary, "needs-libc", {"kind": kind, "at-most": at_most})


def assert_no_libc(binary: Binary) -> None:
    """No libc is loaded at run time; one may be embedded."""
    __tracebackhide__ = True
    check_image(binary, "no-libc")


def assert_glibc_at_most(binary: Binary, version: str) -> None:
    """
    Glibc's floor is at or under this version; an image that loads no glibc passes.

    Args:
        binary: A GoBinary, its facts, or a path.
        version: A version such as "2.17".
    """
    __tracebackhide__ = True
    check_image(binary, "glibc-at-most", {"version": version})


def assert_needs(binary: Binary, libraries: Names) -> None:
    """
    Each named library is needed.

    Args:
        binary: A GoBinary, its facts, or a path.
        libraries: A list of at least one: a name or a glob.
    """
    __tracebackhide__ = True
    check_image(binary, "needs", {"libraries": libraries})


def assert_only_needs(binary: Binary, libraries: Names) -> None:
    """
    Nothing is needed but the named libraries.

    Args:
        binary: A GoBinary, its facts, or a path.
        libraries: A list, each a name or a glob.
    """
    __tracebackhide__ = True
    check_image(binary, "only-needs", {"libraries": libraries})


def assert_interpreter(binary: Binary, path: str) -> None:
    """
    PT_INTERP or LC_LOAD_DYLINKER names this path.

    Args:
        binary: A GoBinary, its facts, or a path.
        path: A path.
    """
    __tracebackhide__ = True
    check_image(binary, "interpreter", {"path": path})


def assert_no_interpreter(binary: Binary) -> None:
    """There is no interpreter."""
    __tracebackhide__ = True
    check_image(binary, "no-interpreter")


def assert_no_rpath(binary: Binary) -> None:
    """There is no DT_RPATH, no DT_RUNPATH and no LC_RPATH."""
    __tracebackhide__ = True
    check_image(binary, "no-rpath")


def assert_imports(binary: Binary, symbols: Names) -> None:
    """
    Each named symbol is imported.

    Args:
        binary: A GoBinary, its facts, or a path.
        symbols: A list of at least one: a name or a glob.
    """
    __tracebackhide__ = True
    check_image(binary, "imports", {"symbols": symbols})


def assert_no_imports(binary: Binary, symbols: Names) -> None:
    """
    None of the named symbols is imported.

    Args:
        binary: A GoBinary, its facts, or a path.
        symbols: A list of at least one: a name or a glob.
    """
    __tracebackhide__ = True
    check_image(binary, "no-imports", {"symbols": symbols})


def assert_exports(binary: Binary, symbols: Names) -> None:
    """
    Each named symbol is exported.

    Args:
        binary: A GoBinary, its facts, or a path.
        symbols: A list of at least one: a name or a glob.
    """
    __tracebackhide__ = True
    check_image(binary, "exports", {"symbols": symbols})


def assert_only_exports(binary: Binary, symbols: Names) -> None:
    """
    Nothing is exported but the named symbols.

    Args:
        binary: A GoBinary, its facts, or a path.
        symbols: A list, each a name or a glob.
    """
    __tracebackhide__ = True
    check_image(binary, "only-exports", {"symbols": symbols})


def assert_no_getaddrinfo_warning(binary: Binary) -> None:
    """No linker warning of that family at build time, and no glibc name-service code in a static image."""
    __tracebackhide__ = True
    check_image(binary, "no-getaddrinfo-warning")


def assert_no_link_warnings(binary: Binary, *, allow: Names = ()) -> None:
    """
    No linker warning, but for lines that match a regular expression of the list.

    Args:
        binary: A GoBinary, its facts, or a path.
        allow: A list, each a regular expression.
    """
    __tracebackhide__ = True
    check_image(binary, "no-link-warnings", {"allow": allow})


def assert_no_cgo(binary: Binary) -> None:
    """runtime/cgo is not linked in."""
    __tracebackhide__ = True
    check_image(binary, "no-cgo")


def assert_only_cgo_packages(binary: Binary, packages: Names) -> None:
    """
    Every package with cgo wrappers is in the list.

    Where golink built the image, so is every other package of the build that has C. runtime/cgo comes with any package
    that uses cgo: naming one package allows it, an empty list does not. The main package may be named by its import
    path or as "main".

    Args:
        binary: A GoBinary, its facts, or a path.
        packages: A list, each a name or a glob.
    """
    __tracebackhide__ = True
    check_image(binary, "only-cgo-packages", {"packages": packages})


def assert_linkmode(binary: Binary, mode: Literal["internal", "external"]) -> None:
    """
    Link mode is internal or external, whatever the flags of the build say.

    Args:
        binary: A GoBinary, its facts, or a path.
        mode: One of internal, external.
    """
    __tracebackhide__ = True
    check_image(binary, "linkmode", {"mode": mode})


def assert_resolver(binary: Binary, kind: Names) -> None:
    """
    DNS paths that the program can take are exactly these.

    Args:
        binary: A GoBinary, its facts, or a path.
        kind: A list of at least one: one of cgo, go, system, windows, none.
    """
    __tracebackhide__ = True
    check_image(binary, "resolver", {"kind": kind})


def assert_user_lookup(binary: Binary, kind: Literal["files", "system", "none"]) -> None:
    """
    os/user reads files only, goes through the system's libc, or is not linked in.

    Args:
        binary: A GoBinary, its facts, or a path.
        kind: One of files, system, none.
    """
    __tracebackhide__ = True
    check_image(binary, "user-lookup", {"kind": kind})


def assert_no_dynamic_imports(binary: Binary, *, allow: Names = ()) -> None:
    """
    Nothing outside the standard library imports shared-library symbols without cgo, but for `allow`.

    An entry of `allow` is a glob for packages ("golang.org/x/sys/unix") or for symbols. On systems whose standard
    library imports by itself (macOS, Windows, OpenBSD, Solaris, AIX) a package that imports what the standard library
    imports too is seen only by its trampolines, which are named as golang.org/x/sys and purego name them.

    Args:
        binary: A GoBinary, its facts, or a path.
        allow: A list, each a name or a glob.
    """
    __tracebackhide__ = True
    check_image(binary, "no-dynamic-imports", {"allow": allow})


def assert_stripped(binary: Binary) -> None:
    """There is no symbol table and no DWARF."""
    __tracebackhide__ = True
    check_image(binary, "stripped")


def assert_not_stripped(binary: Binary) -> None:
    """There are both a symbol table and DWARF."""
    __tracebackhide__ = True
    check_image(binary, "not-stripped")


def assert_no_dwarf(binary: Binary) -> None:
    """There is no DWARF."""
    __tracebackhide__ = True
    check_image(binary, "no-dwarf")


def assert_no_build_paths(binary: Binary) -> None:
    """
    There is no absolute path of the build machine in pclntab, DWARF or build info.

    GOROOT and the module cache count. What is the same on every machine does not: Go's stand-ins "/tmp/go-build" and
    "/_", and the C compiler's own headers under /usr/include and /usr/lib.
    """
    __tracebackhide__ = True
    check_image(binary, "no-build-paths")


def assert_no_instrumentation(binary: Binary, *, allow: Names = ()) -> None:
    """
    Image is not built with -race, -msan, -asan or -cover, but for those in `allow`.

    Args:
        binary: A GoBinary, its facts, or a path.
        allow: A list, each one of race, msan, asan, cover.
    """
    __tracebackhide__ = True
    check_image(binary, "no-instrumentation", {"allow": allow})


def assert_intact(binary: Binary) -> None:
    """
    Pclntab and build info are there and parse: nothing packed, stripped away or broke them afterwards.

    A pclntab that is there and damaged is no violation but an error that names the damage: no rule can check such an
    image.
    """
    __tracebackhide__ = True
    check_image(binary, "intact")


def assert_claims_hold(binary: Binary) -> None:
    """Nothing that the image shows contradicts what its build info claims."""
    __tracebackhide__ = True
    check_image(binary, "claims-hold")


def assert_go_version(binary: Binary, *, at_least: str | None = None, at_most: str | None = None) -> None:
    """
    Go version is between these, in Go's own order: go1.22rc1, go1.22.0, go1.22.1.

    Args:
        binary: A GoBinary, its facts, or a path.
        at_least: A Go version such as "1.22", "1.22.1" or "1.23rc1".
        at_most: A Go version such as "1.22", "1.22.1" or "1.23rc1".
    """
    __tracebackhide__ = True
    check_image(binary, "go-version", {"at-least": at_least, "at-most": at_most})


def assert_build_setting(binary: Binary, settings: Mapping[str, str]) -> None:
    """
    Each of these build settings has the value given for it.

    Args:
        binary: A GoBinary, its facts, or a path.
        settings: A table, each value a string.
    """
    __tracebackhide__ = True
    check_image(binary, "build-setting", {"settings": settings})


def assert_no_modules(binary: Binary, modules: Names) -> None:
    """
    None of these modules (globs, `path@version`) is in the build info.

    A glob without "@" means every version. A module that another one replaces counts by both paths.

    Args:
        binary: A GoBinary, its facts, or a path.
        modules: A list of at least one: a name or a glob.
    """
    __tracebackhide__ = True
    check_image(binary, "no-modules", {"modules": modules})


def assert_vcs_clean(binary: Binary) -> None:
    """In the build info vcs.modified is false and a revision is recorded."""
    __tracebackhide__ = True
    check_image(binary, "vcs-clean")


def assert_fips(
    binary: Binary,
    kind: Literal["boringcrypto", "go", "openssl"],
    *,
    module: str | None = None,
    mode: Literal["on", "only", "off"] | None = None,
) -> None:
    """
    FIPS 140 cryptography named is really linked in: read from the pclntab, so it holds after stripping.

    For kind "go": `module` is a frozen version ("v1.0.0", its hash may be left out) or "latest", `mode` what GODEBUG's
    fips140 is when the program starts; without `mode` it must be on or only.

    Args:
        binary: A GoBinary, its facts, or a path.
        kind: One of boringcrypto, go, openssl.
        module: A string.
        mode: One of on, only, off.
    """
    __tracebackhide__ = True
    check_image(binary, "fips", {"kind": kind, "module": module, "mode": mode})


def assert_hardened_runtime(binary: Binary) -> None:
    """Signature has the hardened runtime."""
    __tracebackhide__ = True
    check_image(binary, "hardened-runtime")


def assert_pie(binary: Binary) -> None:
    """Addresses in the image are position independent."""
    __tracebackhide__ = True
    check_image(binary, "pie")


def assert_nx(binary: Binary) -> None:
    """There is no executable stack."""
    __tracebackhide__ = True
    check_image(binary, "nx")


def assert_relro(binary: Binary, level: Literal["none", "partial", "full"]) -> None:
    """
    RELRO is at least of this level: none, partial, full.

    Args:
        binary: A GoBinary, its facts, or a path.
        level: One of none, partial, full.
    """
    __tracebackhide__ = True
    check_image(binary, "relro", {"level": level})


def assert_no_writable_code(binary: Binary) -> None:
    """No segment or section is both writable and executable."""
    __tracebackhide__ = True
    check_image(binary, "no-writable-code")


def assert_signed(binary: Binary, *, by: Literal["ad-hoc", "developer-id", "authenticode"] | None = None) -> None:
    """
    There is a signature, and the image is still what was signed.

    On Mach-O an ad-hoc signature counts, as it does for the loader.

    Args:
        binary: A GoBinary, its facts, or a path.
        by: One of ad-hoc, developer-id, authenticode.
    """
    __tracebackhide__ = True
    check_image(binary, "signed", {"by": by})


def assert_target(binary: Binary, targets: Names) -> None:
    """
    GOOS/GOARCH is one of these.

    Args:
        binary: A GoBinary, its facts, or a path.
        targets: A list of at least one: GOOS/GOARCH in Go's words, such as "linux/amd64".
    """
    __tracebackhide__ = True
    check_image(binary, "target", {"targets": targets})


def assert_page_alignment(binary: Binary, bytes: int) -> None:  # noqa: A002 - the parameter's permanent name
    """
    Every PT_LOAD is aligned at least so, and shares no page of that size with another or with PT_GNU_RELRO's end.

    Args:
        binary: A GoBinary, its facts, or a path.
        bytes: A power of two, in bytes, such as 16384.
    """
    __tracebackhide__ = True
    check_image(binary, "page-alignment", {"bytes": bytes})


def assert_max_size(binary: Binary, size: int | str) -> None:
    """
    Size of the file at most this.

    Args:
        binary: A GoBinary, its facts, or a path.
        size: A size such as "20 MB" (10^6), "20 MiB" (2^20) or a number of bytes.
    """
    __tracebackhide__ = True
    check_image(binary, "max-size", {"size": size})


def assert_cpu_at_most(binary: Binary, level: Names) -> None:
    """
    CPU level at or under the one named for the image's architecture.

    Args:
        binary: A GoBinary, its facts, or a path.
        level: A list of at least one: a level in Go's words with its setting, such as "GOAMD64=v2" or
            "GOARM64=v8.0,lse"; only the level where one setting has it, such as "v2".
    """
    __tracebackhide__ = True
    check_image(binary, "cpu-at-most", {"level": level})


def assert_os_at_most(binary: Binary, version: Names) -> None:
    """
    Minimum OS version that the image asks for at or under the one named for its system.

    Args:
        binary: A GoBinary, its facts, or a path.
        version: A list of at least one: a system and its version, such as "macos 13.0", "windows 7" or "windows 6.1"; a
            version alone, such as "13.0", for images of one system.
    """
    __tracebackhide__ = True
    check_image(binary, "os-at-most", {"version": version})


def assert_launches_on_macos(binary: Binary, version: str) -> None:
    """
    All that this version of macOS asks of an image before it starts is there.

    Args:
        binary: A GoBinary, its facts, or a path.
        version: A version of macOS, such as "26" or "10.15".
    """
    __tracebackhide__ = True
    check_image(binary, "launches-on-macos", {"version": version})


def assert_kernel_at_most(binary: Binary, version: str) -> None:
    """
    Oldest Linux kernel that the image starts on is at or under this version.

    Args:
        binary: A GoBinary, its facts, or a path.
        version: A version such as "2.17".
    """
    __tracebackhide__ = True
    check_image(binary, "kernel-at-most", {"version": version})


def assert_runs_on(binary: Binary, platforms: Names) -> None:
    """
    Each named platform starts the image: its loader, libraries, versions, CPU and OS minimum are there.

    Args:
        binary: A GoBinary, its facts, or a path.
        platforms: A list of at least one: a platform such as "debian12", "alpine" (every release of it) or "scratch".
    """
    __tracebackhide__ = True
    check_image(binary, "runs-on", {"platforms": platforms})


def assert_same_linkage(binaries: Iterable[Binary]) -> None:
    """All images of one program agree in linkage, libc, cgo and resolver, where their platforms allow it."""
    __tracebackhide__ = True
    check_images(binaries, "same-linkage")


def assert_subsystem(binary: Binary, kind: Literal["console", "gui"]) -> None:
    """
    Windows starts the image in this subsystem: console or gui.

    Args:
        binary: A GoBinary, its facts, or a path.
        kind: One of console, gui.
    """
    __tracebackhide__ = True
    check_image(binary, "subsystem", {"kind": kind})


def assert_starts_alone(
    binary: Binary,
    *,
    args: Names = (),
    status: int | None = None,
    output: str | None = None,
    seconds: int | None = None,
    keeps_running: bool | None = None,
) -> None:
    """
    Program starts in an empty root directory.

    It runs with `args` and its own mode, without a network, environment or files, as nobody, for at most `seconds`. It
    has started if it ends with `status` and prints something that `output` matches; with `keeps-running`, as a server
    does, if it is still there when its time is over.

    Args:
        binary: A GoBinary, its facts, or a path.
        args: A list, each a string.
        status: An exit status, 0 to 255.
        output: A regular expression.
        seconds: A number of seconds, 1 to 600.
        keeps_running: True or false.
    """
    __tracebackhide__ = True
    check_image(
        binary,
        "starts-alone",
        {"args": args, "status": status, "output": output, "seconds": seconds, "keeps-running": keeps_running},
    )


def assert_ignores_preload(binary: Binary, *, run: bool | None = None) -> None:
    """
    LD_PRELOAD, DYLD_INSERT_LIBRARIES and the like cannot reach the program.

    Decided from the image: only an interpreter reads the variable, and macOS's loader drops it for an image with the
    hardened runtime. `run` also proves it, with a library that reports when it is loaded.

    Args:
        binary: A GoBinary, its facts, or a path.
        run: True or false.
    """
    __tracebackhide__ = True
    check_image(binary, "ignores-preload", {"run": run})


def assert_reproducible(binary: Binary, *, fresh_cache: bool | None = None) -> None:
    """
    Two builds from two folders are the same, byte for byte.

    The module is copied into two folders and built in each, with the same options. The second build has its own Go
    build cache, so that it does compile; with `fresh-cache` false it may take over what the first one compiled.

    Args:
        binary: A GoBinary, its facts, or a path.
        fresh_cache: True or false.
    """
    __tracebackhide__ = True
    check_image(binary, "reproducible", {"fresh-cache": fresh_cache})
