"""The rule over several images."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_golink import ParameterError, PolicyViolation, assert_same_linkage
from pytest_golink.facts import BinaryFacts, Cgo, Content, Libc
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate, evaluate_together
from pytest_golink.rules.subject import Subject
from tests.rules.facts_factory import STATIC, needed, target

LINUX = replace(STATIC, resolver=("go",))
WITH_CGO = replace(
    LINUX,
    linkage="dynamic",
    interpreter="/lib64/ld-linux-x86-64.so.2",
    needed=needed("libc.so.6"),
    libc=Libc(kind="glibc", presence="dynamic", floor="2.34"),
    cgo=Cgo(enabled=True, used=True, packages=("net", "runtime/cgo")),
    resolver=("cgo", "go"),
)
MACOS = replace(
    LINUX,
    format="macho",
    target=target("darwin/arm64"),
    linkage="dynamic",
    libc=Libc(kind="libSystem", presence="dynamic"),
    resolver=("go", "system"),
)
ARM = replace(LINUX, target=target("linux/arm64"))


def subjects(*images: BinaryFacts) -> tuple[Subject, ...]:
    return tuple(Subject(name="app", facts=facts) for facts in images)


def test_the_native_build_with_cgo_on_is_the_odd_one_out() -> None:
    finding = evaluate_together("same-linkage", subjects(ARM, WITH_CGO, MACOS), {})

    assert (finding.outcome, finding.image, finding.target) == ("violated", "app", None)
    assert finding.observed == "linux/amd64 differs from the rest in linkage, libc, cgo, resolver"
    assert finding.evidence == (
        "linux/arm64: static, no libc, cgo not in use, resolver go",
        "linux/amd64: dynamic, glibc, cgo in use, resolver cgo, go",
        "darwin/arm64: dynamic, libSystem, cgo not in use, resolver go, system",
    )
    assert finding.cause == (
        "unless CGO_ENABLED says otherwise, cgo is on where Go builds for its own platform and finds a C compiler, "
        "and off where it builds for another",
        "linux/amd64: net uses cgo: its wrappers are in the image, and runtime/cgo with them",
    )
    assert remedy_lines(finding) == ("CGO_ENABLED=0 for every target, or CGO_ENABLED=1 with a C compiler for each",)


@pytest.mark.parametrize(
    ("images", "observed"),
    [
        # Position independent or not, and another system's own libc and resolver, are no difference.
        ((LINUX, replace(ARM, linkage="static-pie"), MACOS), None),
        ((MACOS, replace(MACOS, target=target("darwin/amd64"))), None),
        (
            (MACOS, replace(MACOS, target=target("darwin/amd64"), resolver=("go",))),
            "darwin/arm64 differs from the rest in resolver",
        ),
        (
            (
                replace(WITH_CGO, libc=Libc(kind="musl", presence="dynamic")),
                replace(WITH_CGO, target=target("linux/arm64")),
            ),
            "linux/amd64 differs from the rest in kind of libc",
        ),
        ((LINUX, ARM, replace(MACOS, cgo=Cgo(used=True))), "darwin/arm64 differs from the rest in cgo"),
        # A system without cgo has no say in it.
        ((WITH_CGO, replace(LINUX, format="wasm", target=target("wasip1/wasm"), linkage="dynamic")), None),
        (
            (LINUX, replace(ARM, linkage="dynamic"), replace(LINUX, target=target("linux/386"), cgo=Cgo(used=True))),
            "linux/arm64 differs from the rest in linkage; linux/386 differs from the rest in cgo",
        ),
    ],
)
def test_only_what_the_platforms_leave_open_is_compared(images: tuple[BinaryFacts, ...], observed: str | None) -> None:
    finding = evaluate_together("same-linkage", subjects(*images), {})

    assert (finding.outcome, finding.observed) == (
        ("passed", f"{len(images)} images that agree") if observed is None else ("violated", observed)
    )


def test_the_remedy_fits_what_differs() -> None:
    tags = evaluate_together("same-linkage", subjects(LINUX, replace(ARM, resolver=("none",))), {})
    flags = evaluate_together("same-linkage", subjects(LINUX, replace(ARM, linkage="dynamic")), {})

    assert remedy_lines(tags) == ("build every target with the same -tags",)
    assert remedy_lines(flags) == ("build every target with the same flags, and link it to the same libc",)


def test_an_image_that_does_not_say_is_no_pass() -> None:
    silent = replace(ARM, resolver=None, cgo=Cgo())
    finding = evaluate_together("same-linkage", subjects(LINUX, silent), {})

    assert finding.outcome == "undecidable"
    assert finding.observed == "linux/arm64 does not say its cgo; linux/arm64 does not say its resolver"
    unlinked = evaluate_together("same-linkage", subjects(LINUX, replace(ARM, kind="object", linkage=None)), {})
    assert (unlinked.outcome, unlinked.observed) == ("undecidable", "linux/arm64 does not say its linkage")


def test_a_packed_image_shows_its_unpackers_headers() -> None:
    finding = evaluate_together("same-linkage", subjects(LINUX, replace(ARM, content=Content(packed="UPX"))), {})

    assert (finding.outcome, finding.observed) == ("undecidable", "packed by UPX: the headers are the unpacker's")


def test_one_image_alone_has_nothing_to_agree_with() -> None:
    finding = evaluate("same-linkage", Subject(name="app", facts=LINUX), {})

    assert (finding.outcome, finding.observed) == ("not-applicable", "one image: nothing to compare it with")


def test_images_of_one_target_are_told_apart_by_name_or_by_both() -> None:
    named = [Subject(name="a", facts=LINUX), Subject(name="b", facts=WITH_CGO)]
    mixed = [*named, Subject(name="a", facts=ARM)]

    assert evaluate_together("same-linkage", named, {}).evidence[0].startswith("a: static")
    assert evaluate_together("same-linkage", mixed, {}).observed.startswith("b (linux/amd64) differs")
    assert evaluate_together("same-linkage", mixed, {}).image == "a, b"
    assert evaluate_together("same-linkage", mixed, {}, name="app").image == "app"


def test_a_rule_on_one_image_cannot_be_asked_of_several() -> None:
    with pytest.raises(ParameterError, match=r"^static: it checks one image, not several together$"):
        evaluate_together("static", subjects(LINUX, ARM), {})


def test_the_helper_takes_a_list_and_raises_the_one_finding() -> None:
    assert_same_linkage([LINUX, ARM])
    with pytest.raises(PolicyViolation) as raised:
        assert_same_linkage(iter([WITH_CGO, ARM]))

    assert raised.value.finding.rule == "same-linkage"
