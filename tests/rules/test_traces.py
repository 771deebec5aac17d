"""Rules about what a build leaves behind, and about the image's own records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.facts import BuildInfo, BuildPath, Content, Elf
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, FOREIGN, MACHO, STATIC, go, needed, subject

if TYPE_CHECKING:
    from pytest_golink.findings import Finding


def asked(rule: str, content: Content, build: BuildInfo | None = None, **parameters: object) -> Finding:
    return evaluate(rule, subject(replace(STATIC, content=content, go=build or go())), parameters)


def paths(*found: tuple[str, str]) -> Content:
    return Content(build_paths=tuple(BuildPath(where=where, path=path) for where, path in found))


@pytest.mark.parametrize("rule", ["no-build-paths", "no-instrumentation"])
def test_an_image_without_a_pclntab_decides_nothing(rule: str) -> None:
    assert asked(rule, Content()).observed == "the image does not say"
    assert evaluate(rule, subject(FOREIGN), {}).observed == "Go did not make this image"
    assert evaluate(rule, subject(ARCHIVE), {}).observed == "an archive, which is not linked yet"


def test_no_path_of_the_build_machine_is_found_where_trimpath_was_used() -> None:
    finding = asked("no-build-paths", paths())

    assert (finding.outcome, finding.evidence) == ("passed", ("none in pclntab, DWARF and build info",))
    stripped = evaluate("no-build-paths", subject(STATIC, content=paths(), dwarf=False), {})
    assert stripped.evidence == ("none in pclntab and build info",)


def test_paths_of_the_build_machine_are_shown_with_where_they_are() -> None:
    finding = asked(
        "no-build-paths",
        paths(("pclntab", "/home/me/go"), ("DWARF", "/home/me/go"), ("build setting CGO_CFLAGS", "/opt/include")),
    )

    assert finding.outcome == "violated"
    assert finding.observed == "/home/me/go, /opt/include"
    assert finding.evidence == (
        "pclntab, DWARF: /home/me/go",
        "build setting CGO_CFLAGS: /opt/include",
    )
    assert finding.cause == ("stripping leaves them: the pclntab stays in every Go image",)
    assert remedy_lines(finding) == ("-trimpath",)


def test_the_loader_is_not_sent_into_folders_of_the_build_machine() -> None:
    image = replace(
        DYNAMIC,
        content=paths(),
        needed=(*needed("/home/ci/out/libown.so", "libc.so.6"), *needed("/usr/lib/libz.so.1")),
        runpath=("/builds/app/lib", "/opt/app/lib", "$ORIGIN"),
    )
    finding = evaluate("no-build-paths", subject(image), {})

    assert finding.outcome == "violated"
    assert finding.evidence == ("DT_NEEDED: /home/ci/out/libown.so", "DT_RUNPATH: /builds/app/lib")
    assert finding.remedy == ("and link libraries by their DT_SONAME, without -rpath of a folder of the build",)
    known = replace(image, needed=needed("libc.so.6"), content=paths(("DWARF", "/opt/app")), runpath=("/opt/app/lib",))
    assert evaluate("no-build-paths", subject(known), {}).evidence == (
        "DWARF: /opt/app",
        "DT_RUNPATH: /opt/app/lib",
    )
    macho = replace(MACHO, content=paths(), rpath=("/builds/app/lib",))
    assert evaluate("no-build-paths", subject(macho), {}).outcome == "passed"


def test_many_paths_are_counted() -> None:
    finding = asked("no-build-paths", paths(*(("DWARF", f"/home/{name}/x") for name in range(20))))

    assert finding.observed == "/home/0/x, /home/1/x, /home/2/x, … 17 more"
    (line,) = finding.evidence
    assert line.startswith("DWARF: /home/0/x, /home/1/x, ")
    assert line.endswith("/home/11/x, … 8 more")
    assert finding.cause == ()


@pytest.mark.parametrize(
    ("settings", "found", "remedy"),
    [
        (
            {"_trimpath": "true"},
            ("DWARF", "/opt/lib"),
            '-ldflags "-w": what is left is in the DWARF of C code, which -trimpath does not reach',
        ),
        (
            {"_trimpath": "true"},
            ("pclntab", "/opt/gen"),
            "none by a flag: the source has //line directives with absolute paths",
        ),
        (
            {"_trimpath": "true"},
            ("build setting -gcflags", "/home/me"),
            "and without the path in -gcflags",
        ),
        (
            {"_trimpath": "true"},
            ("replacement of module example.com/a", "/home/me/a"),
            "and a relative path in the replace directive of go.mod",
        ),
    ],
)
def test_what_trimpath_leaves_has_a_remedy_of_its_own(
    settings: dict[str, str], found: tuple[str, str], remedy: str
) -> None:
    assert remedy_lines(asked("no-build-paths", paths(found), go(**settings))) == (remedy,)


@pytest.mark.parametrize(
    ("linked", "settings", "allow", "outcome", "observed"),
    [
        ((), {}, [], "passed", "none"),
        (("race",), {"_race": "true"}, [], "violated", "race"),
        (("race",), {}, [], "violated", "race"),
        ((), {"_asan": "true"}, [], "violated", "asan"),
        (("cover", "race"), {}, ["cover"], "violated", "race"),
        (("cover",), {"_cover": "true"}, "cover", "passed", "cover, which is allowed"),
        (("race", "msan", "asan", "cover"), {}, "cover,asan", "violated", "race, msan"),
    ],
)
def test_instrumentation_is_told_by_the_code_and_by_the_settings(
    linked: Any, settings: dict[str, str], allow: object, outcome: str, observed: str
) -> None:
    finding = asked("no-instrumentation", Content(instrumentation=linked), go(**settings), allow=allow)

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_instrumentation_shows_where_it_was_seen() -> None:
    finding = asked("no-instrumentation", Content(instrumentation=("race",)), go(_race="true"))

    assert finding.evidence == ("pclntab: the race detector's run-time support", "build setting -race=true")
    assert remedy_lines(finding) == ("build without -race",)


def test_an_intact_image_has_both_of_its_records() -> None:
    finding = asked("intact", Content(pclntab="1.20"))

    assert finding.outcome == "passed"
    assert finding.evidence == ("pclntab of Go 1.20's layout", "build info: go1.27.3")


def test_a_build_info_that_was_cut_out_is_a_violation() -> None:
    finding = asked("intact", Content(pclntab="1.20"), BuildInfo())

    assert (finding.outcome, finding.observed) == ("violated", "no build info")
    assert finding.evidence == ("pclntab of Go 1.20's layout", "no build info")


def test_a_build_info_without_a_version_is_that_of_a_webassembly_module() -> None:
    assert asked("intact", Content(pclntab="1.20"), BuildInfo(path="example.com/app")).outcome == "passed"


def test_what_gc_did_not_make_decides_nothing() -> None:
    finding = asked("intact", Content(), go(_compiler="gccgo"))

    assert finding.outcome == "undecidable"
    assert finding.observed == "no pclntab: another compiler than gc made this image"
    assert evaluate("intact", subject(FOREIGN), {}).outcome == "undecidable"
    assert evaluate("intact", subject(ARCHIVE), {}).outcome == "undecidable"


def test_a_pclntab_that_go_does_not_write_is_a_violation_with_its_reason() -> None:
    finding = asked("intact", Content(damage="its pclntab names no known layout"))

    assert (finding.outcome, finding.observed) == ("violated", "no pclntab that Go writes")
    assert finding.cause == ("its pclntab names no known layout",)
    assert remedy_lines(finding) == ("ship the file as `go build` wrote it",)


PACKED = replace(STATIC, go=None, resolver=None, link_mode=None, content=Content(packed="UPX"))


def test_a_packed_image_is_not_intact() -> None:
    finding = evaluate("intact", subject(PACKED), {})

    assert (finding.outcome, finding.observed) == ("violated", "packed by UPX")
    assert remedy_lines(finding) == ("test the file before it is packed, or unpack a copy (upx -d)",)


@pytest.mark.parametrize("rule", ["static", "self-contained", "no-libc", "no-rpath", "stripped"])
def test_no_other_rule_passes_on_a_packed_image(rule: str) -> None:
    finding = evaluate(rule, subject(replace(PACKED, symtab=False, dwarf=False)), {})

    assert finding.outcome == "undecidable"
    assert finding.observed == "packed by UPX: the headers are the unpacker's"
    assert remedy_lines(finding) == ("test the file before it is packed",)


def test_a_packed_image_answers_for_itself_as_a_file() -> None:
    assert evaluate("max-size", subject(PACKED), {"size": "20 MB"}).outcome == "passed"
    assert evaluate("dynamic", subject(PACKED), {}).outcome == "violated"


def test_a_program_that_crashes_at_its_start_is_not_intact() -> None:
    reason = "PT_DYNAMIC lies in a PT_LOAD that is not writable, and the loader writes DT_DEBUG there"
    finding = evaluate("intact", subject(replace(STATIC, elf=Elf(crashes=(reason,)))), {})

    assert finding.outcome == "violated"
    assert finding.observed == "a program that does not start"
    assert finding.evidence == (reason,)


def test_a_pclntab_that_go_does_not_write_is_not_intact() -> None:
    damage = "there is a Go build info, but no pclntab: was it garbled, packed, or damaged?"
    finding = asked("intact", Content(damage=damage))

    assert finding.outcome == "violated"
    assert finding.observed == "no pclntab that Go writes"
    assert finding.cause == (damage,)


def test_many_paths_of_one_folder_share_a_line() -> None:
    found = [("DWARF", f"/build/src/part{number}") for number in range(28)]

    assert asked("no-build-paths", paths(("pclntab", "/root/go"), *found)).evidence == (
        "pclntab: /root/go",
        "DWARF: 28 paths in /build/src: part0, part1, part2, part3, part4, part5, … 22 more",
    )
