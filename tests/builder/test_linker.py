"""The linker's warnings, as each linker words them, become values; what compilers say does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.builder.linker import parse_warnings
from pytest_golink.facts import LinkWarning

if TYPE_CHECKING:
    from pytest_golink import GoBuild

# As glibc has it, in its .gnu.warning sections.
GLIBC = (
    "in statically linked applications requires at runtime the shared libraries from the glibc version used for linking"
)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param(
            "# example.com/golink/sample/lookup\n"
            "/usr/bin/ld: /work/go-link-24/000004.o: in function `_cgo_77133bf98b3a_C2func_getaddrinfo':\n"
            f"/work/go-build/cgo_unix_cgo.cgo2.c:60: warning: Using 'getaddrinfo' {GLIBC}\n",
            LinkWarning(
                text=f"/work/go-build/cgo_unix_cgo.cgo2.c:60: warning: Using 'getaddrinfo' {GLIBC}",
                function="getaddrinfo",
                object="/work/go-link-24/000004.o",
                caller="_cgo_77133bf98b3a_C2func_getaddrinfo",
                source="/work/go-build/cgo_unix_cgo.cgo2.c:60",
            ),
            id="bfd, two lines",
        ),
        pytest.param(
            "/usr/bin/ld: /work/go-link-24/000004.o: in function `_cgo_77133bf98b3a_C2func_getaddrinfo': "
            f"/_/cgo-gcc-prolog:60: warning: Using 'getaddrinfo' {GLIBC}\n",
            LinkWarning(
                text="/usr/bin/ld: /work/go-link-24/000004.o: in function `_cgo_77133bf98b3a_C2func_getaddrinfo': "
                f"/_/cgo-gcc-prolog:60: warning: Using 'getaddrinfo' {GLIBC}",
                function="getaddrinfo",
                object="/work/go-link-24/000004.o",
                caller="_cgo_77133bf98b3a_C2func_getaddrinfo",
                source="cgo-gcc-prolog:60",
            ),
            id="bfd, one line",
        ),
        pytest.param(
            "/work/go-link-1/000001.o: In function `mygetpwuid_r':\n"
            f"../../os/user/getpwuid.go:27: warning: Using 'getpwuid_r' {GLIBC}\n",
            LinkWarning(
                text=f"../../os/user/getpwuid.go:27: warning: Using 'getpwuid_r' {GLIBC}",
                function="getpwuid_r",
                object="/work/go-link-1/000001.o",
                caller="mygetpwuid_r",
                source="../../os/user/getpwuid.go:27",
            ),
            id="bfd up to binutils 2.28",
        ),
        pytest.param(
            "/usr/bin/ld: libx.a(x.o): in function 'main':\n"
            "x.c:(.text+0x9): warning: the 'gets' function is dangerous and should not be used.\n",
            LinkWarning(
                text="x.c:(.text+0x9): warning: the 'gets' function is dangerous and should not be used.",
                function="gets",
                object="libx.a(x.o)",
                caller="main",
                source=None,
            ),
            id="bfd without debug information, and with newer quotes",
        ),
        pytest.param(
            f"/work/go-build/cgo-gcc-prolog:60: warning: Using 'getaddrinfo' {GLIBC}\n",
            LinkWarning(
                text=f"/work/go-build/cgo-gcc-prolog:60: warning: Using 'getaddrinfo' {GLIBC}",
                function="getaddrinfo",
                source="/work/go-build/cgo-gcc-prolog:60",
            ),
            id="gold",
        ),
        pytest.param(
            "/usr/bin/ld.gold: x.o: warning: the use of `tmpnam' is dangerous, better use `mkstemp'\n",
            LinkWarning(
                text="/usr/bin/ld.gold: x.o: warning: the use of `tmpnam' is dangerous, better use `mkstemp'",
                function="tmpnam",
                object="x.o",
            ),
            id="an object alone",
        ),
        pytest.param(
            "/usr/bin/ld: lchmod.c:(.text+0x0): warning: lchmod is not implemented and will always fail\n",
            LinkWarning(
                text="/usr/bin/ld: lchmod.c:(.text+0x0): warning: lchmod is not implemented and will always fail",
                function="lchmod",
            ),
            id="a function that does nothing",
        ),
        pytest.param(
            "/usr/bin/ld: warning: /t/go-link-12/000002.o: missing .note.GNU-stack section implies executable stack\n"
            "/usr/bin/ld: NOTE: This behaviour is deprecated and will be removed in a future version of the linker\n",
            LinkWarning(
                text="/usr/bin/ld: warning: /t/go-link-12/000002.o: "
                "missing .note.GNU-stack section implies executable stack",
                object="/t/go-link-12/000002.o",
            ),
            id="executable stack, by omission",
        ),
        pytest.param(
            "/usr/bin/ld: warning: x.o: requires executable stack (because the .note.GNU-stack section is executable)",
            LinkWarning(
                text="/usr/bin/ld: warning: x.o: requires executable stack "
                "(because the .note.GNU-stack section is executable)",
                object="x.o",
            ),
            id="executable stack, on purpose",
        ),
        *(
            pytest.param(line, LinkWarning(text=line), id=line.partition(" ")[0])
            for line in (
                "ld: warning: ignoring duplicate libraries: '-lm'",
                "ld.lld: warning: cannot find entry symbol _start",
                "/usr/bin/aarch64-linux-gnu-ld.bfd: warning: libm.so.6 needs libc.so.6, not found",
                "/usr/bin/x86_64-w64-mingw32-ld: warning: section mismatch",
                "mold: warning: unknown -z option",
                "lld-link: warning: duplicate symbol",
                "ld64.lld: warning: -undefined dynamic_lookup",
                "/go/pkg/tool/linux_amd64/link: warning: -macos is ignored",
                "warning(link): unexpected LLD stderr",
                "warning: ignoring deprecated linker optimization setting '1'",
            )
        ),
    ],
)
def test_a_warning_of_a_linker_is_a_value(output: str, expected: LinkWarning) -> None:
    assert parse_warnings(output) == (expected,)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "# example.com/app\n./main.go:7:2: declared and not used: x\n",
        "main.go:5:3: warning: unused variable 'x' [-Wunused-variable]\n",
        "./a.c: In function 'f':\n./a.c:3:7: warning: unused variable 'x' [-Wunused-variable]\n",
        "a.c:3: warning: an old compiler without columns\n",
        "clang: warning: argument unused during compilation: '-pie' [-Wunused-command-line-argument]\n",
    ],
)
def test_what_a_compiler_says_is_no_warning_of_a_linker(output: str) -> None:
    assert parse_warnings(output) == ()


def test_warnings_keep_their_order_and_the_place_of_the_package_they_belong_to() -> None:
    output = (
        "# example.com/a\n"
        "/usr/bin/ld: a.o: in function `f':\n"
        f"a.c:1: warning: Using 'getpwnam_r' {GLIBC}\n"
        f"a.c:2: warning: Using 'getpwuid_r' {GLIBC}\n"
        "# example.com/b\n"
        f"b.c:3: warning: Using 'dlopen' {GLIBC}\n"
    )

    assert [(warning.function, warning.object) for warning in parse_warnings(output)] == [
        ("getpwnam_r", "a.o"),
        ("getpwuid_r", "a.o"),
        ("dlopen", None),
    ]


def test_a_static_link_against_glibc_warns_of_getaddrinfo(go_build: GoBuild) -> None:
    built = go_build("sample_go/lookup", cgo=True, linkmode="external", extldflags="-static")

    warning = built.warnings[0]
    assert warning.text in built.output
    assert warning.function == "getaddrinfo"
    assert warning.object is not None
    assert warning.object.endswith(".o")
    assert warning.caller is not None
    assert warning.caller.endswith("_C2func_getaddrinfo")
    assert warning.source is not None
    assert warning.source.endswith(":60")


def test_a_static_link_against_glibc_warns_of_each_function_of_os_user(go_build: GoBuild) -> None:
    built = go_build("sample_go/users", cgo=True, linkmode="external", extldflags="-static")

    assert {warning.function for warning in built.warnings} == {
        "getgrgid_r",
        "getgrnam_r",
        "getgrouplist",
        "getpwnam_r",
        "getpwuid_r",
    }


def test_an_ordinary_link_warns_of_nothing(go_build: GoBuild) -> None:
    built = go_build("sample_go/lookup", cgo=True)

    assert built.warnings == ()
    assert built.output == ""
