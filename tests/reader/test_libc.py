"""Which C library, which floor, and glibc's name-service functions in static images."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import ImportedSymbol, LibcKind, VersionNeed
from pytest_golink.reader import read_binary
from pytest_golink.reader.libc import (
    NAME_SERVICE,
    classify_libc,
    find_embedded_libc,
    find_static_name_service,
)
from tests.reader.c_images import LOOKUP_HOST, LOOKUP_PASSWD, CompileC, zig

if TYPE_CHECKING:
    from pytest_golink import GoSample

USERS = ("getgrgid_r", "getgrnam_r", "getgrouplist", "getpwnam_r", "getpwuid_r")


@pytest.mark.parametrize(
    ("goos", "needed", "interpreter", "kind", "presence"),
    [
        ("linux", [], None, "none", "none"),
        ("linux", [], "/lib64/ld-linux-x86-64.so.2", "none", "none"),
        ("linux", ["libc.so.6"], "/lib64/ld-linux-x86-64.so.2", "glibc", "dynamic"),
        ("linux", ["libm.so.6"], None, "glibc", "dynamic"),
        (None, ["libc.so.6.1"], None, "glibc", "dynamic"),
        ("linux", ["libfoo.so.1"], "/lib/ld-linux-aarch64.so.1", "glibc", "dynamic"),
        ("linux", ["libfoo.so.1"], None, "unknown", "dynamic"),
        ("linux", ["libfoo.so.1"], "/opt/loader", "unknown", "dynamic"),
        ("linux", ["libc.so"], None, "musl", "dynamic"),
        ("linux", ["libc.musl-x86_64.so.1"], None, "musl", "dynamic"),
        ("linux", [], "/lib/ld-musl-x86_64.so.1", "musl", "dynamic"),
        # musl's loader takes the name for its own.
        ("linux", ["libc.so.6"], "/lib/ld-musl-x86_64.so.1", "musl", "dynamic"),
        ("android", ["libc.so", "libdl.so"], "/system/bin/linker64", "bionic", "dynamic"),
        ("android", [], "/system/bin/linker64", "none", "none"),
        ("freebsd", ["libthr.so.3", "libc.so.7"], "/libexec/ld-elf.so.1", "bsd", "dynamic"),
        ("openbsd", ["libc.so.97.1"], "/usr/libexec/ld.so", "bsd", "dynamic"),
        ("illumos", ["libc.so.1"], "/lib/amd64/ld.so.1", "solaris", "dynamic"),
        ("aix", ["libc.a/shr_64.o"], None, "none", "none"),
        ("aix", ["libc.a(shr_64.o)"], None, "aix", "dynamic"),
        ("darwin", ["/usr/lib/libSystem.B.dylib"], "/usr/lib/dyld", "libSystem", "dynamic"),
        ("ios", ["/usr/lib/libSystem.B.dylib"], "/usr/lib/dyld", "libSystem", "dynamic"),
        ("darwin", ["/usr/lib/libresolv.9.dylib"], "/usr/lib/dyld", "none", "none"),
        ("windows", ["kernel32.dll"], None, "none", "none"),
        ("windows", ["KERNEL32.dll", "api-ms-win-crt-runtime-l1-1-0.dll"], None, "ucrt", "dynamic"),
        ("windows", ["ucrtbase.dll"], None, "ucrt", "dynamic"),
        ("windows", ["MSVCRT.dll"], None, "msvcrt", "dynamic"),
        ("windows", ["msvcr120.dll"], None, "msvcrt", "dynamic"),
    ],
)
def test_the_libc_is_told_by_platform_libraries_and_loader(
    goos: str | None, needed: list[str], interpreter: str | None, kind: str, presence: str
) -> None:
    libc = classify_libc(goos=goos, needed=needed, interpreter=interpreter)

    assert (libc.kind, libc.presence, libc.floor) == (kind, presence, None)


def need(version: str, *, weak: bool = False) -> VersionNeed:
    return VersionNeed(library="libc.so.6", version=version, weak=weak)


@pytest.mark.parametrize(
    ("versions", "floor"),
    [
        (["GLIBC_2.4", "GLIBC_2.34", "GLIBC_2.2.5"], "2.34"),
        (["GLIBC_2.9", "GLIBC_2.10"], "2.10"),
        (["GLIBC_2.3", "GLIBC_2.3.4"], "2.3.4"),
        (["GLIBC_2.17", "GLIBC_PRIVATE"], "2.17"),
        (["GLIBC_2.17", "GLIBC_ABI_DT_RELR"], "2.36"),
        (["GLIBC_2.38", "GLIBC_ABI_DT_RELR"], "2.38"),
        (["GLIBC_2.17", "GLIBCXX_3.4.30", "GCC_3.0"], "2.17"),
        (["GLIBC_PRIVATE"], None),
    ],
)
def test_the_floor_is_the_highest_version_by_its_numbers(versions: list[str], floor: str | None) -> None:
    libc = classify_libc(goos="linux", needed=["libc.so.6"], version_needs=[need(version) for version in versions])

    assert libc.floor == floor


def test_the_floor_names_its_symbols_once_and_in_order() -> None:
    imports = [
        ImportedSymbol(name=name, library="libc.so.6", version=version)
        for name, version in [("b", "GLIBC_2.34"), ("old", "GLIBC_2.2.5"), ("a", "GLIBC_2.34"), ("b", "GLIBC_2.34")]
    ]
    libc = classify_libc(
        goos="linux", needed=["libc.so.6"], version_needs=[need("GLIBC_2.2.5"), need("GLIBC_2.34")], imports=imports
    )

    assert libc.floor_symbols == ("b", "a")


def test_a_weak_version_need_is_no_floor() -> None:
    versions = [need("GLIBC_2.17"), need("GLIBC_2.38", weak=True)]

    assert classify_libc(goos="linux", needed=["libc.so.6"], version_needs=versions).floor == "2.17"


def test_a_version_need_alone_tells_glibc() -> None:
    libc = classify_libc(goos="linux", needed=["libfoo.so"], version_needs=[need("GLIBC_2.17")])

    assert (libc.kind, libc.floor) == ("glibc", "2.17")


@pytest.mark.parametrize("kind", ["glibc", "musl", "unknown"])
def test_an_embedded_libc_stands_where_none_is_loaded(kind: LibcKind) -> None:
    libc = classify_libc(goos="linux", needed=[], embedded=kind)

    assert (libc.kind, libc.presence) == (kind, "embedded")


def test_texts_between_nuls_tell_the_embedded_libc_and_string_literals_do_not() -> None:
    def find(data: bytes) -> str:
        return find_embedded_libc([memoryview(b"other"), memoryview(data)], dict)

    assert find(b"x\0GLIBC_TUNABLES\0y") == "glibc"
    assert find(b"x\0No error information\0y") == "musl"
    assert find(b"fooGLIBC_TUNABLESbar") == "unknown"
    assert find_embedded_libc([], lambda: {"__init_libc": 0}) == "musl"


def warned(output: str) -> tuple[str, ...]:
    """The functions that the linker warned of."""
    return tuple(sorted(set(re.findall(r"Using '(\w+)' in statically linked", output))))


@pytest.mark.parametrize("stripped", [False, True])
@pytest.mark.parametrize(
    ("sample", "functions"),
    [
        ("lookup", ("getaddrinfo",)),
        # No resolver of Go's is reachable, and C's is linked in all the same.
        ("net", ("getaddrinfo",)),
        ("users", USERS),
        ("plugin", ("dlopen",)),
        ("cgo", ()),
    ],
)
def test_name_service_code_in_a_static_image_is_what_the_linker_warns_of(
    go_sample: GoSample, sample: str, functions: tuple[str, ...], stripped: bool
) -> None:
    binary = go_sample(sample, cgo=True, linkmode="external", extldflags="-static", ldflags="-s -w" if stripped else "")

    assert binary.facts.stripped is stripped
    assert binary.facts.static_name_service == functions
    assert warned(binary.output) == functions


def test_c_that_calls_dlopen_shows_in_the_linkers_warning_alone(go_sample: GoSample) -> None:
    binary = go_sample("dlopen", cgo=True, linkmode="external", extldflags="-static")

    assert warned(binary.output) == ("dlopen",)
    assert binary.facts.static_name_service == ()


@pytest.mark.parametrize("sample", ["lookup", "users"])
def test_netgo_and_osusergo_leave_no_name_service_code(go_sample: GoSample, sample: str) -> None:
    # Package main of these samples has no cgo: runtime/cgo alone comes in, by the link mode.
    binary = go_sample(sample, cgo=True, tags=["netgo", "osusergo"], linkmode="external", extldflags="-static")

    assert binary.facts.libc.kind == "glibc"
    assert binary.facts.static_name_service == warned(binary.output) == ()


def test_musl_has_no_name_service_modules(go_sample: GoSample) -> None:
    cc = " ".join([*zig(), "-target", "x86_64-linux-musl"])
    facts = go_sample("lookup", cgo=True, cc=cc, linkmode="external", extldflags="-static").facts

    assert (facts.libc.kind, facts.libc.presence) == ("musl", "embedded")
    assert facts.resolver == ("cgo", "go")
    assert facts.static_name_service == ()


@pytest.mark.parametrize(
    ("source", "whole", "stripped"),
    [
        # Stripped, a function that calls its re-entrant form cannot be told from it.
        (LOOKUP_PASSWD, ("getpwnam",), ("getpwnam_r",)),
        (LOOKUP_HOST, ("getaddrinfo",), ("getaddrinfo",)),
    ],
)
def test_c_programs_show_theirs_too(
    compile_c: CompileC, source: str, whole: tuple[str, ...], stripped: tuple[str, ...]
) -> None:
    assert read_binary(compile_c("-static", source=source)).static_name_service == whole
    assert read_binary(compile_c("-static", "-s", source=source)).static_name_service == stripped


def test_name_service_code_that_nothing_explains_is_named_by_its_modules() -> None:
    found = find_static_name_service(
        symbols=(), wrappers=lambda _: (), regions=[memoryview(b"code"), memoryview(b"\0libnss_%s.so\0")]
    )

    assert found == ("libnss_*",)


def test_a_cgo_wrapper_tells_of_a_call_that_the_texts_do_not() -> None:
    names = ["main._Cfunc_gethostbyname", "os/user._Cfunc_mygetpwnam_r", "main._C2func_dlopen", "main._Cfunc_puts"]

    def wrappers(regex: bytes) -> list[str]:
        return [name for name in names if re.search(regex, name.encode())]

    found = find_static_name_service(symbols=(), wrappers=wrappers, regions=[])

    assert found == ("dlopen", "getgrgid_r", "getgrnam_r", "getgrouplist", "gethostbyname", "getpwnam_r", "getpwuid_r")


def test_the_family_is_what_glibcs_static_library_warns_of() -> None:
    where = subprocess.run(["gcc", "-print-file-name=libc.a"], check=True, capture_output=True, text=True).stdout
    archive = Path(where.strip()).read_bytes()
    texts = re.findall(rb"Using '(\w+)' in statically linked applications requires at runtime", archive)

    assert {text.decode() for text in texts} == NAME_SERVICE
