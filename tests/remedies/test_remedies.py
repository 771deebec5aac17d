"""Which changes of a build may mend which violation: those that need no build to be told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.builder.options import BuildOptions
from pytest_golink.diagnosis.cpu import OverLimit
from pytest_golink.facts import Hardening, LinkWarning
from pytest_golink.findings import Finding
from pytest_golink.remedies import BuildChange, Case
from pytest_golink.remedies import changes as changes_of
from pytest_golink.remedies.options import changed
from pytest_golink.remedies.spelling import as_flags
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import RULES, evaluate
from tests.rules.facts_factory import (
    DYNAMIC,
    FOREIGN,
    GLIBC_STATIC,
    MACHO,
    OWN_C,
    PE,
    STATIC,
    by_go,
    go,
    subject,
    symbols,
    target,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import BinaryFacts, UserLookup
    from pytest_golink.remedies import Remedy

Names = tuple[str, ...]
CGO_EXTERNAL = "CGO_ENABLED=1 -ldflags=-linkmode=external"
MUSL = "/lib/ld-musl-x86_64.so.1"


# cgo and -buildmode=pie.
CGO_PIE = replace(DYNAMIC, hardening=Hardening(pie=True, nx=True, relro="partial", writable_code=False))


# What the checks of these rules found, which their changes do not depend on.
_DETAILS: Mapping[str, object] = {
    "cpu-at-most": OverLimit(levels=(), limit=""),
    "no-instrumentation": ("race",),
    "max-size": 1,
}


def found(
    rule: str,
    facts: BinaryFacts,
    options: BuildOptions | None = None,
    functions: tuple[str, ...] = (),
    **parameters: object,
) -> tuple[Remedy, ...]:
    asked: Any = tuple((name.replace("_", "-"), value) for name, value in parameters.items())
    finding = Finding(
        rule=rule,
        outcome="violated",
        image="app",
        target=None,
        expected="",
        observed="",
        parameters=asked,
        details=_DETAILS.get(rule),
    )
    find = RULES[rule].remedies
    assert find is not None
    warnings = tuple(LinkWarning(text="", function=name) for name in functions)
    return changes_of(find(Case(finding=finding, facts=facts, options=options or BuildOptions(), warnings=warnings)))


def with_users(*lookup: UserLookup) -> BinaryFacts:
    return replace(STATIC, content=replace(STATIC.content, user_lookup=lookup))


def changes(
    rule: str,
    facts: BinaryFacts,
    options: BuildOptions | None = None,
    functions: tuple[str, ...] = (),
    **parameters: object,
) -> list[str]:
    options = options or BuildOptions()
    several = found(rule, facts, options, functions, **parameters)
    return [as_flags(options, changed(options, one.change)) for one in several if one.change is not None]


def test_a_cpu_level_is_that_of_the_image_s_architecture() -> None:
    assert changes("cpu-at-most", STATIC, level=("GOAMD64=v1", "GOARM64=v8.0,lse")) == ["GOAMD64=v1"]
    assert changes("cpu-at-most", MACHO, level=("GOAMD64=v1", "GOARM64=v8.0,lse")) == ["GOARM64=v8.0,lse"]
    assert changes("cpu-at-most", STATIC, level=("v2",)) == ["GOAMD64=v2"]
    assert changes("cpu-at-most", replace(STATIC, target=None), level=("v2",)) == []


def test_an_older_macos_is_asked_of_whichever_linker_writes_it() -> None:
    older = replace(MACHO, go=by_go("go1.25.1"))
    assert changes("os-at-most", older, version=("windows 10", "macOS 12.0")) == ["-ldflags=-macos=12.0"]
    assert changes("os-at-most", replace(older, link_mode="external"), version=("12",)) == [
        "MACOSX_DEPLOYMENT_TARGET=12"
    ]
    # Go 1.27 itself runs on macOS 13 and newer.
    assert changes("os-at-most", MACHO, version=("12",)) == []
    assert changes("os-at-most", PE, version=("windows 7",)) == []


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
    assert changes(
        "no-getaddrinfo-warning", GLIBC_STATIC, BuildOptions(extldflags="-static"), functions=("dlopen",)
    ) == ["without -ldflags=-extldflags=-static"]
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
    assert changes("page-alignment", STATIC, bytes=65536) == ["-ldflags='-R 0x10000'"]
    assert changes("page-alignment", OWN_C, bytes=65536) == ["-ldflags=-extldflags=-Wl,-z,max-page-size=0x10000"]


def test_a_pie_with_cgo_is_static_without_both_or_as_a_static_pie() -> None:
    asked = BuildOptions(buildmode="pie", cgo=True)

    assert changes("static", CGO_PIE, asked) == [
        "-buildmode=exe -tags=netgo",
        "CGO_ENABLED=0 -buildmode=exe",
        "-tags=netgo -ldflags='-linkmode=external -extldflags=-static-pie'",
        "-buildmode=exe -tags=netgo -ldflags='-linkmode=external -extldflags=-static'",
        "CC='zig cc -target x86_64-linux-musl' -buildmode=exe -ldflags='-linkmode=external -extldflags=-static'",
    ]


def test_where_zig_has_no_musl_the_static_link_is_that_of_the_compiler_at_hand() -> None:
    assert changes("static", replace(OWN_C, target=target("linux/mips64"))) == [
        "-ldflags=-extldflags=-static",
        "CGO_ENABLED=0",
    ]


def test_without_cgo_there_is_no_race_detector() -> None:
    no_cgo = found("no-cgo", OWN_C, BuildOptions(race=True))[0]

    assert no_cgo.change is not None
    assert no_cgo.change.options == {"cgo": False, "race": False}
    assert "data races are not detected" in no_cgo.prices
    assert changes("no-cgo", OWN_C, BuildOptions(race=True))[0] == "CGO_ENABLED=0 without -race"
    # But on macOS there is.
    assert changes("no-cgo", replace(MACHO, cgo=OWN_C.cgo), BuildOptions(race=True)) == ["CGO_ENABLED=0"]


def test_a_loaded_libc_of_the_wrong_kind_or_age_is_mended_by_another_c_compiler_alone() -> None:
    assert changes("needs-libc", OWN_C, kind="glibc", at_most="2.17") == ["CC='zig cc -target x86_64-linux-gnu.2.17'"]
    # zig has no glibc for it, and no musl.
    mips = replace(OWN_C, target=target("linux/mips64"))
    assert changes("needs-libc", mips, kind="glibc", at_most="2.17") == []
    assert changes("needs-libc", mips, kind="musl") == []


RESOLVERS: list[tuple[str, BinaryFacts, str, list[str]]] = [
    ("resolver", DYNAMIC, "go", ["-tags=netgo", "CGO_ENABLED=0"]),
    ("resolver", replace(DYNAMIC, resolver=("go",)), "cgo, go", ["CGO_ENABLED=1", CGO_EXTERNAL]),
    ("resolver", MACHO, "go", ["-tags=netgo"]),
    ("resolver", replace(MACHO, resolver=("go",)), "go, system", ["without -tags=netgo"]),
    # There is one way, and what the program does not ask for stays away.
    ("resolver", PE, "go", []),
    ("resolver", STATIC, "go", []),
    ("resolver", DYNAMIC, "none", []),
    ("user-lookup", with_users("system"), "files", ["-tags=osusergo", "CGO_ENABLED=0"]),
    ("user-lookup", with_users("files"), "system", ["CGO_ENABLED=1", CGO_EXTERNAL]),
    ("user-lookup", with_users("files"), "none", []),
    ("user-lookup", with_users("none"), "system", []),
]


@pytest.mark.parametrize(("rule", "facts", "kind", "expected"), RESOLVERS)
def test_who_is_asked_for_names_and_users_is_a_matter_of_tags_and_cgo(
    rule: str, facts: BinaryFacts, kind: str, expected: list[str]
) -> None:
    options = BuildOptions(tags=("netgo",)) if "system" in kind and rule == "resolver" else BuildOptions()

    asked = tuple(kind.split(", ")) if rule == "resolver" else kind

    assert changes(rule, facts, options, kind=asked) == expected


def test_an_external_link_that_no_option_asked_for_ends_with_the_c_that_needs_it() -> None:
    assert changes("linkmode", OWN_C, mode="internal") == ["CGO_ENABLED=0"]
    assert changes("linkmode", OWN_C, BuildOptions(linkmode="external"), mode="internal") == [
        "without -ldflags=-linkmode=external",
        "CGO_ENABLED=0 without -ldflags=-linkmode=external",
    ]


def test_only_what_an_option_asked_for_is_taken_back() -> None:
    # Both come from GOFLAGS: a flag beside them would not be the last word.
    assert changes("not-stripped", replace(STATIC, symtab=False)) == []
    assert changes("no-instrumentation", STATIC) == []


def test_paths_that_trimpath_leaves_go_with_the_symbols() -> None:
    assert changes("no-build-paths", STATIC, BuildOptions(trimpath=True)) == ["-ldflags='-s -w'"]
    assert changes("no-build-paths", STATIC, BuildOptions(trimpath=True, ldflags="-s -w")) == []


def test_a_pie_names_an_interpreter_where_its_format_has_one() -> None:
    elf = found("pie", replace(STATIC, target=target("freebsd/amd64")))
    windows = found("pie", PE)

    assert [(one.change, one.prices) for one in elf] == [
        (BuildChange(options={"buildmode": "pie"}), ("an interpreter is named, even without cgo",))
    ]
    assert [(one.change, one.prices) for one in windows] == [(BuildChange(options={"buildmode": "pie"}), ())]
    assert changes("pie", STATIC)[1] == (
        "CGO_ENABLED=1 -buildmode=pie -ldflags='-linkmode=external -extldflags=-static-pie'"
    )


@pytest.mark.parametrize(
    ("rule", "facts", "line"),
    [
        ("stripped", STATIC, "-compiler gccgo -gccgoflags=-s"),
        ("no-dwarf", STATIC, "-compiler gccgo -gccgoflags=-Wl,--strip-debug"),
        ("static", DYNAMIC, "-compiler gccgo -gccgoflags=-static"),
        (
            "only-needs",
            DYNAMIC,
            "-compiler gccgo -gccgoflags=-static-libgo links libgo in, "
            "-compiler gccgo -gccgoflags=-static each library",
        ),
        ("relro", OWN_C, "-compiler gccgo -gccgoflags=-Wl,-z,relro,-z,now"),
    ],
)
def test_gccgo_takes_the_flags_of_its_own_linker(rule: str, facts: BinaryFacts, line: str) -> None:
    gccgo = replace(facts, go=go(_compiler="gccgo"))
    asked: dict[str, dict[str, object]] = {"relro": {"level": "full"}, "only-needs": {"libraries": ()}}

    assert remedy_lines(evaluate(rule, subject(gccgo), asked.get(rule, {}))) == (line,)


def test_no_flag_of_go_mends_what_go_did_not_make() -> None:
    asked: dict[str, dict[str, object]] = {
        "glibc-at-most": {"version": "2.17"},
        "needs-libc": {"kind": "glibc", "at-most": "2.17"},
        "static": {},
        "no-libc": {},
        "no-interpreter": {},
        "only-needs": {"libraries": ()},
        "interpreter": {"path": "/opt/ld.so"},
        "stripped": {},
        "pie": {},
        "relro": {"level": "full"},
        "page-alignment": {"bytes": 65536},
        "self-contained": {},
        "runs-on": {"platforms": ("debian 10", "scratch")},
    }
    words = [
        line
        for rule, parameters in asked.items()
        for line in remedy_lines(evaluate(rule, subject(FOREIGN), parameters))
    ]

    assert words
    assert [line for line in words if any(flag in line for flag in ("CGO_", "-ldflags", "-tags", "GOAMD64"))] == []


def test_flags_are_found_and_changed_wherever_the_user_wrote_them() -> None:
    inside = BuildOptions(ldflags="-s -linkmode external -extldflags '-static -O1'")

    assert changes("dynamic", GLIBC_STATIC, inside) == ["-ldflags='-s -linkmode external -extldflags=-O1'"]
    assert changes("linkmode", GLIBC_STATIC, inside, mode="internal")[0] == "-ldflags='-s -extldflags=-O1'"
    quoted = BuildOptions(ldflags='-extldflags="-O1"')
    assert changes("nx", OWN_C, quoted) == ["-ldflags=\"-extldflags '-O1 -Wl,-z,noexecstack'\""]
