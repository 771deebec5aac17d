"""What function names say of an image's content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.facts import CryptoModule
from pytest_golink.golang.content import crypto, importers, instrumentation, startup, user_lookup
from pytest_golink.golang.functions import Functions

if TYPE_CHECKING:
    from pytest_golink.facts import Format


def names(*found: str) -> Functions:
    return Functions(b"".join(name.encode() + b"\0" for name in ("runtime.main", *found)))


@pytest.mark.parametrize(
    ("function", "image_format", "kind"),
    [
        ("os/user._C2func_getpwuid_r", "elf", "system"),
        ("os/user._Cfunc_mygetpwnam_r", "elf", "system"),
        ("os/user._Cfunc_mygetgrouplist", "elf", "system"),
        ("internal/syscall/unix.libc_getpwuid_r_trampoline", "macho", "system"),
        ("os/user.readColonFile", "elf", "files"),
        ("os/user.listGroupsFromReader", "elf", "files"),
        ("os/user.current", "plan9", "files"),
        ("os/user.current", "pe", "system"),
        ("os/user.lookupFullName", "pe", "system"),
        ("os/user.UnknownUserError.Error", "elf", "none"),
        ("example.com/os/user.readColonFile", "elf", "none"),
    ],
)
def test_user_lookup_is_told_by_functions_that_cannot_be_inlined(
    function: str, image_format: Format, kind: str
) -> None:
    assert user_lookup(names(function), image_format) == (kind,)


def test_os_users_own_front_is_no_second_way() -> None:
    assert user_lookup(names("os/user.current", "os/user._C2func_getpwuid_r"), "elf") == ("system",)


@pytest.mark.parametrize(
    ("functions", "kinds"),
    [
        (("runtime.racecallbackthunk",), ("race",)),
        (("racecallatomic",), ("race",)),
        (("msancall",), ("msan",)),
        (("runtime.asancall",), ("asan",)),
        (("runtime/coverage.initHook",), ("cover",)),
        (("internal/coverage/cfile.InitHook", "racecall"), ("race", "cover")),
        (("runtime.(*hchan).raceaddr", "runtime.racereadpc", "main.racecall"), ()),
    ],
)
def test_instrumentation_is_told_by_its_run_time_support(functions: tuple[str, ...], kinds: Any) -> None:
    assert instrumentation(names(*functions)) == kinds


@pytest.mark.parametrize(
    ("functions", "modules"),
    [
        (("crypto/internal/boring._Cfunc__goboringcrypto_SHA256_Init",), [("boringcrypto", None)]),
        (("crypto/internal/boring.Unreachable",), []),
        (("crypto/internal/fips140/sha256.(*Digest).Write",), [("go", None)]),
        (("crypto/internal/fips140/v1.0.0-c2097c7c/sha256.New",), [("go", "v1.0.0-c2097c7c")]),
        (("crypto/internal/fips140/v1%2e0%2e0.init",), [("go", None)]),
        (("crypto/sha256.block",), [("plain", None)]),
        (("vendor/github.com/golang-fips/openssl/v2._Cfunc_go_openssl_EVP_sha256",), [("openssl", None)]),
        # A module that anybody can import replaces nothing of the standard library.
        (("github.com/golang-fips/openssl/v2.SHA256",), []),
        (("example.com/crypto/sha256.block", "crypto/md5.block"), []),
    ],
)
def test_cryptography_is_told_by_the_packages_that_are_linked_in(
    functions: tuple[str, ...], modules: list[tuple[str, str | None]]
) -> None:
    assert [(module.kind, module.version) for module in crypto(names(*functions))] == modules


def test_boringcrypto_stands_beside_gos_own_module() -> None:
    found = crypto(names("crypto/internal/fips140/aes.New", "crypto/internal/boring._C2func__goboringcrypto_x"))

    assert found == (CryptoModule(kind="boringcrypto"), CryptoModule(kind="go"))


@pytest.mark.parametrize(
    ("function", "packages"),
    [
        ("syscall.libc_getpid_trampoline", ()),
        ("crypto/x509/internal/macos.x509_CFRelease_trampoline", ()),
        ("vendor/golang.org/x/sys/cpu.sysctl_trampoline", ()),
        ("golang.org/x/sys/unix.libc_getpid_trampoline", ("golang.org/x/sys/unix",)),
        ("gopkg.in/own%2ev1.libc_x_trampoline", ("gopkg.in/own.v1",)),
        ("main.puts_trampoline", ("main",)),
        ("github.com/ebitengine/purego/internal/fakecgo.call5", ("github.com/ebitengine/purego/internal/fakecgo",)),
        ("main.(*T).trampoline", ()),
        ("_cgo_trampoline", ()),
    ],
)
def test_packages_that_call_shared_libraries_are_told_by_customary_names(
    function: str, packages: tuple[str, ...]
) -> None:
    assert importers(names(function)) == packages


@pytest.mark.parametrize(
    ("functions", "goos"),
    [
        (("_rt0_amd64_linux",), "linux"),
        (("_rt0_arm64_darwin", "_rt0_arm64_darwin_lib"), "darwin"),
        (("_rt0_amd64",), None),
        (("_rt0_amd64_linux", "_rt0_amd64_windows"), None),
        ((), None),
    ],
)
def test_the_entry_point_names_the_system(functions: tuple[str, ...], goos: str | None) -> None:
    assert startup(names(*functions)) == goos
