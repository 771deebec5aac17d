"""Which changes of a build may mend which violation: those that need no build to be told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.build.options import BuildOptions
from pytest_golink.causes.candidates import candidates
from pytest_golink.causes.spelling import as_flags
from pytest_golink.findings import Finding
from tests.rules.made import DYNAMIC, GLIBC_STATIC, MACHO, OWN_C, PE, STATIC, symbols

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

MUSL = "/lib/ld-musl-x86_64.so.1"


def changes(
    rule: str, facts: BinaryFacts, options: BuildOptions | None = None, observed: str = "", **parameters: str
) -> list[str]:
    asked: Any = tuple((name.replace("_", "-"), value) for name, value in parameters.items())
    finding = Finding(
        rule=rule, outcome="violated", image="app", target=None, expected="", observed=observed, parameters=asked
    )
    options = options or BuildOptions()
    return [as_flags(options, one.applied(options)) for one in candidates(finding, facts, options)]


def test_a_cpu_level_is_that_of_the_image_s_architecture() -> None:
    assert changes("cpu-at-most", STATIC, level="GOAMD64=v1, GOARM64=v8.0,lse") == ["GOAMD64=v1"]
    assert changes("cpu-at-most", MACHO, level="GOAMD64=v1, GOARM64=v8.0,lse") == ["GOARM64=v8.0,lse"]
    assert changes("cpu-at-most", STATIC, level="v2") == ["GOAMD64=v2"]
    assert changes("cpu-at-most", replace(STATIC, target=None), level="v2") == []


def test_an_older_macos_is_asked_of_whichever_linker_writes_it() -> None:
    assert changes("os-at-most", MACHO, version="windows 10, macOS 12.0") == ["-ldflags=-macos=12.0"]
    assert changes("os-at-most", replace(MACHO, link_mode="external"), version="12") == ["MACOSX_DEPLOYMENT_TARGET=12"]
    assert changes("os-at-most", MACHO, version="windows 10") == []
    assert changes("os-at-most", PE, version="windows 7") == []


def test_fips_is_a_setting_of_the_go_build() -> None:
    assert changes("fips", STATIC, kind="go") == ["GOFIPS140=v1.0.0"]
    assert changes("fips", STATIC, kind="go", module="latest") == ["GOFIPS140=latest"]
    assert changes("fips", STATIC, kind="boringcrypto") == ["CGO_ENABLED=1 GOEXPERIMENT=boringcrypto"]
    assert changes("fips", STATIC, kind="openssl") == []


def test_another_loader_comes_with_another_libc_or_with_none_at_all() -> None:
    loader = "/opt/ld.so"

    assert changes("interpreter", OWN_C, path=MUSL) == [
        "CC='zig cc -target x86_64-linux-musl -dynamic' CGO_ENABLED=1 -ldflags=-linkmode=external"
    ]
    assert changes("interpreter", DYNAMIC, path=loader) == [f"-ldflags='-I {loader}'"]
    assert changes("interpreter", replace(DYNAMIC, interpreter=MUSL), path=loader) == [f"-ldflags='-I {loader}'"]
    assert changes("interpreter", STATIC, path=loader)[0] == "CGO_ENABLED=1"
    assert changes("needs-libc", OWN_C, kind="musl") == changes("interpreter", OWN_C, path=MUSL)


def test_a_program_that_opens_libraries_is_not_linked_statically() -> None:
    opens = replace(OWN_C, imports=symbols("dlopen"))

    assert changes("static", opens) == ["CGO_ENABLED=0"]
    assert changes("no-getaddrinfo-warning", GLIBC_STATIC, BuildOptions(extldflags="-static"), observed="dlopen") == [
        "without -ldflags=-extldflags=-static"
    ]
    assert changes("no-link-warnings", opens) == []


@pytest.mark.parametrize(
    ("rule", "options", "expected"),
    [
        ("no-rpath", {"ldflags": "-s -r /opt -w"}, "-ldflags='-s -w'"),
        ("no-rpath", {"extldflags": "-Wl,-rpath,/opt"}, "without -ldflags=-extldflags=-Wl,-rpath,/opt"),
        ("nx", {"extldflags": "-z execstack -O1"}, "-ldflags=-extldflags=-O1"),
        ("no-writable-code", {"extldflags": "-Wl,--omagic"}, "without -ldflags=-extldflags=-Wl,--omagic"),
    ],
)
def test_the_flag_at_fault_is_left_out(rule: str, options: dict[str, Any], expected: str) -> None:
    assert changes(rule, replace(STATIC, link_mode="internal"), BuildOptions(**options)) == [expected]


def test_flags_with_quotes_in_them_are_left_to_their_author() -> None:
    assert changes("no-rpath", STATIC, BuildOptions(ldflags="-r '/opt/my lib'")) == []
    assert changes("no-rpath", STATIC) == []


def test_an_object_file_s_executable_stack_is_overruled_in_an_external_link() -> None:
    assert changes("nx", OWN_C) == ["-ldflags=-extldflags=-Wl,-z,noexecstack"]
    assert changes("nx", STATIC) == []


def test_pages_are_enlarged_by_whichever_linker_lays_them_out() -> None:
    assert changes("page-alignment", STATIC, bytes="65536") == ["-ldflags='-R 0x10000'"]
    assert changes("page-alignment", OWN_C, bytes="65536") == ["-ldflags=-extldflags=-Wl,-z,max-page-size=0x10000"]
