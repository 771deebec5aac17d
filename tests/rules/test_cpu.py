"""The rule about CPU levels."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import ParameterError
from pytest_golink.facts import BuildInfo, CpuLevel
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, FOREIGN, MACHO, STATIC, go, subject, target

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

V1 = replace(STATIC, go=go(GOAMD64="v1"))
V3 = replace(STATIC, go=go(GOAMD64="v3"))
NOTE = CpuLevel(setting="GOAMD64", level="v3", via="GNU_PROPERTY_X86_ISA_1_NEEDED")
ARM5 = replace(STATIC, target=target("linux/arm"), go=go(GOARM="5"))
LSE = replace(MACHO, go=go(GOARM64="v8.0,lse"))


@pytest.mark.parametrize(
    ("facts", "level", "outcome", "observed"),
    [
        (V1, "v1", "passed", "GOAMD64=v1"),
        (V1, "GOAMD64=v2", "passed", "GOAMD64=v1"),
        (V3, ["GOAMD64=v3", "GOARM64=v8.0"], "passed", "GOAMD64=v3"),
        (V3, "v2", "violated", "GOAMD64=v3"),
        (LSE, ["v2", "v8.0,lse"], "passed", "GOARM64=v8.0,lse"),
        (LSE, "v8.1", "passed", "GOARM64=v8.0,lse"),
        (LSE, "v8.0", "violated", "GOARM64=v8.0,lse"),
        (ARM5, "6", "passed", "GOARM=5"),
        (replace(ARM5, go=go(GOARM="7")), "7,softfloat", "violated", "GOARM=7"),
        (replace(V1, cpu_notes=(NOTE,)), "v2", "violated", "GOAMD64=v3"),
        (replace(V1, cpu_notes=(NOTE,)), "v3", "passed", "GOAMD64=v1"),
        (STATIC, "v2", "undecidable", "the build info does not record GOAMD64"),
        (replace(STATIC, go=BuildInfo()), "v4", "undecidable", "the build info does not record GOAMD64"),
        (
            replace(STATIC, go=go(GOAMD64="v5")),
            "v4",
            "undecidable",
            "GOAMD64=v5, which is no level that is known",
        ),
        (FOREIGN, "v2", "undecidable", "Go did not make this image, and C compilers do not record their level"),
        (
            replace(FOREIGN, cpu_notes=(replace(NOTE, level="v1"),)),
            "v2",
            "undecidable",
            "Go did not make this image, and C compilers do not record their level",
        ),
        (replace(FOREIGN, cpu_notes=(NOTE,)), "v2", "violated", "GOAMD64=v3"),
        (
            replace(STATIC, target=None),
            "v2",
            "undecidable",
            "neither the headers nor the build info name an architecture",
        ),
        (replace(STATIC, target=target("linux/s390x")), "v2", "not-applicable", "Go has one CPU level on s390x"),
        (ARCHIVE, "v2", "undecidable", "an archive, which is not linked yet"),
    ],
)
def test_what_it_says(facts: BinaryFacts, level: object, outcome: str, observed: str) -> None:
    finding = evaluate("cpu-at-most", subject(facts), {"level": level})

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_a_violation_names_who_asks_and_what_to_set() -> None:
    finding = evaluate("cpu-at-most", subject(replace(V3, cpu_notes=(NOTE,))), {"level": "v2"})

    assert finding.expected == "GOAMD64=v2 or under"
    assert finding.evidence == ("GOAMD64=v3 (build setting)", "GOAMD64=v3 (GNU_PROPERTY_X86_ISA_1_NEEDED)")
    assert finding.cause == (
        "it was built with GOAMD64=v3: on a CPU below that it does not start, or crashes",
        "the C toolchain's own start files or libc were compiled for that level: no package has C but Go's own",
    )
    assert remedy_lines(finding) == (
        "GOAMD64=v2",
        'a C toolchain whose start files and libc are for GOAMD64=v2: CC="zig cc -target x86_64-linux-gnu" '
        "CGO_ENABLED=1, or a container of a system for that level",
    )


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"CGO_CFLAGS": "-O2 -march=x86-64-v3"}, "a C toolchain whose start files and libc are for GOAMD64=v1: *"),
        (
            {"CGO_CFLAGS": "-O2 -march=x86-64-v3 -mneeded"},
            "compile the C code with CGO_CFLAGS=-march=x86-64",
        ),
        ({"CGO_LDFLAGS": "-Wl,-z,x86-64-v3"}, "build without -Wl,-z,x86-64-v3 in CGO_LDFLAGS"),
        (
            {"_ldflags": "-extldflags '-Wl,-z,x86-64-v3 -O1'"},
            "build without -Wl,-z,x86-64-v3 in -ldflags",
        ),
    ],
)
def test_a_mark_of_c_is_mended_where_it_comes_from(settings: dict[str, str], remedy: str) -> None:
    marked = replace(STATIC, go=go(GOAMD64="v1", **settings), cpu_notes=(NOTE,))

    (line,) = remedy_lines(evaluate("cpu-at-most", subject(marked), {"level": "v1"}))

    assert fnmatchcase(line, remedy)


def test_no_flag_of_go_mends_an_image_that_go_did_not_make() -> None:
    foreign = evaluate("cpu-at-most", subject(replace(FOREIGN, cpu_notes=(NOTE,))), {"level": "v1"})

    assert remedy_lines(foreign) == ("build it for v1, with a C toolchain whose start files and libc are",)


_CONTAINER = "a C toolchain whose start files and libc are for {}, as in a container of a system for that level"


@pytest.mark.parametrize(
    ("arch", "setting", "note", "level", "remedy"),
    [
        (
            "arm",
            "GOARM",
            "7,hardfloat",
            "6",
            "a C toolchain whose start files and libc are for GOARM=6: "
            'CC="zig cc -target arm-linux-musleabihf -mcpu=arm1176jzf_s" CGO_ENABLED=1, '
            "or a container of a system for that level",
        ),
        ("riscv64", "GORISCV64", "rva22u64", "rva20u64", _CONTAINER.format("GORISCV64=rva20u64")),
        ("mips", "GOMIPS", "hardfloat", "GOMIPS=softfloat", _CONTAINER.format("GOMIPS=softfloat")),
        ("arm", "GOARM", "7,hardfloat", "6,softfloat", _CONTAINER.format("GOARM=6,softfloat")),
    ],
)
def test_the_level_of_what_c_links_in_is_mended_by_another_toolchain(
    arch: str, setting: str, note: str, level: str, remedy: str
) -> None:
    lowest = {"GOARM": "5", "GORISCV64": "rva20u64", "GOMIPS": "softfloat"}[setting]
    built = replace(STATIC, target=target(f"linux/{arch}"), go=go(**{setting: lowest}))
    asks = replace(built, cpu_notes=(CpuLevel(setting=setting, level=note, via="attributes"),))

    assert evaluate("cpu-at-most", subject(built), {"level": level}).outcome == "passed"
    assert remedy_lines(evaluate("cpu-at-most", subject(asks), {"level": level})) == (remedy,)


def test_an_architecture_that_the_levels_forget_is_an_error() -> None:
    with pytest.raises(ParameterError) as raised:
        evaluate("cpu-at-most", subject(MACHO), {"level": ["v2", "GOARM=6"]})

    assert str(raised.value) == (
        "cpu-at-most: level: GOAMD64=v2, GOARM=6 has no level for darwin/arm64; add a level of GOARM64"
    )


FORM = (
    'a level in Go\'s words with its setting, such as "GOAMD64=v2" or "GOARM64=v8.0,lse"; only the level where one '
    'setting has it, such as "v2"'
)


@pytest.mark.parametrize(
    ("level", "message"),
    [
        ("v9", f"cpu-at-most: level: 'v9' is not {FORM}"),
        ("GOAMD64=v8.0", f"cpu-at-most: level: 'GOAMD64=v8.0' is not {FORM}"),
        ("GOCPU=v1", f"cpu-at-most: level: 'GOCPU=v1' is not {FORM}"),
        (
            "softfloat",
            f"cpu-at-most: level: 'softfloat' is not {FORM}; did you mean \"GO386=softfloat\" or "
            '"GOMIPS=softfloat" or "GOMIPS64=softfloat"?',
        ),
        ([], f"cpu-at-most: level: [] is not a list of at least one: {FORM}"),
        (["v2", "GOAMD64=v1"], "cpu-at-most: level: GOAMD64 is named twice: v2 and v1"),
    ],
)
def test_a_level_that_go_does_not_know_is_told_the_form(level: object, message: str) -> None:
    with pytest.raises(ParameterError) as raised:
        evaluate("cpu-at-most", subject(V1), {"level": level})

    assert str(raised.value) == message
