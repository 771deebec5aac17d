"""reproducible: real builds of small modules, in copies of them; and what is said of differences, on bytes."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink import BuildError, ParameterError
from pytest_golink.builder import Builder, copies, parse_options
from pytest_golink.checking import subject_of
from pytest_golink.reader.sections import Section, read_sections
from pytest_golink.rules import evaluate
from pytest_golink.rules.differences import Built, Differences, differences
from pytest_golink.rules.subject import Subject
from tests.rules.facts_factory import STATIC

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBinary, GoBuild, GoSample, GoToolchain
    from pytest_golink.findings import Finding

# Prints without fmt, so that little is compiled and linked.
_MAIN = 'package main\n\nimport _ "example.com/lib"\n\nfunc main() { println("hello") }\n'


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module that replaces another with one beside it, and a workspace above both."""
    write(tmp_path / "lib", go_mod="module example.com/lib\n", lib_go="package lib\n\nvar Here = 1\n")
    go_mod = "module example.com/app\nrequire example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n"
    return write(tmp_path / "app", go_mod=go_mod, main_go=_MAIN)


def asked(binary: GoBinary, **parameters: object) -> Finding:
    # One compilation of the standard library is enough for most of what is shown here.
    return evaluate("reproducible", subject_of(binary), {"fresh-cache": False, **parameters})


def test_a_trimmed_build_is_reproducible(module: Path, go_build: GoBuild) -> None:
    finding = asked(go_build(cwd=module, cgo=False, trimpath=True))

    assert finding.outcome == "passed"
    assert finding.observed.startswith("the same ")


def test_without_trimpath_the_folder_is_in_the_image(module: Path, go_build: GoBuild) -> None:
    finding = asked(go_build(cwd=module, cgo=False))

    assert (finding.outcome, finding.observed) == ("violated", "they differ")
    assert finding.evidence[0] == '.gopclntab: "FOLDER/app/main.go"'
    assert finding.evidence[1] == "build IDs, headers and tables of offsets differ with them"
    assert finding.cause == ("the folder that it is built in is in .gopclntab",)
    assert finding.remedy == ("-trimpath",)


def test_a_repository_is_copied_with_its_state_and_not_touched(module: Path, go_build: GoBuild) -> None:
    def git(*words: str) -> str:
        name = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        done = subprocess.run(["git", *name, *words], cwd=module.parent, check=True, capture_output=True, text=True)
        return done.stdout

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    git("update-index", "--split-index")
    write(module / "cache", CACHEDIR_TAG="Signature: 8a477f597d28d172789f06886806bc55", big="x")
    (module.parent / "link").symlink_to("app")
    os.mkfifo(module / "pipe")
    # Where git keeps submodules.
    (module.parent / ".git" / "modules").mkdir()
    before = (module.parent / ".git" / "index").read_bytes()

    binary = go_build(cwd=module, cgo=False, trimpath=True, env={"GOFLAGS": "-buildvcs=true"})
    again = binary.rebuild(module.parent.parent / f"{module.parent.name}-again", fresh_cache=False)

    from pytest_golink import read_binary

    first, second = binary.facts.go, read_binary(again).go
    assert first is not None
    assert second is not None
    assert second.settings["vcs.revision"] == git("rev-parse", "HEAD").strip()
    assert dict(first.settings) == dict(second.settings)
    copied = again.parent / "source"
    assert sorted(path.name for path in copied.iterdir()) == [".git", "app", "lib", "link"]
    assert (copied / "link").is_symlink()
    assert (copied / ".git" / "modules").resolve() == module.parent / ".git" / "modules"
    assert not (copied / "app" / "pipe").exists()
    assert not (copied / "app" / "cache").exists()
    assert (module.parent / ".git" / "index").read_bytes() == before


def test_a_workspace_is_copied_with_its_modules(module: Path, go_build: GoBuild) -> None:
    write(module, go_mod="module example.com/app\ngo 1.21\n")
    write(module.parent, go_work="go 1.21\nuse (\n./app\n./lib\n./other\n)\n")
    write(module.parent / "other", go_mod="module example.com/other\n")

    assert asked(go_build(cwd=module, cgo=False, trimpath=True)).outcome == "passed"


def test_a_workspace_that_is_named_and_one_that_is_switched_off(
    module: Path, go_build: GoBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(module.parent, my_work="go 1.21\nuse ./app\n")
    for work in (str(module.parent / "my.work"), "off"):
        monkeypatch.setenv("GOWORK", work)

        assert asked(go_build(cwd=module, cgo=False, trimpath=True)).outcome == "passed"


def test_a_workspace_above_the_folder_for_temporary_files_does_not_count(
    module: Path, tmp_path_factory: pytest.TempPathFactory, go_build: GoBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write(tmp_path_factory.mktemp("other"), go_work="go 1.21\n")
    monkeypatch.setattr(tempfile, "tempdir", str(other))

    assert asked(go_build(cwd=module, cgo=False, trimpath=True)).outcome == "passed"


def test_a_replacement_that_nothing_is_imported_from_is_copied(module: Path, go_build: GoBuild) -> None:
    deep = "module example.com/lib\ngo 1.16\nrequire example.com/deep v0.0.0\n"
    write(module.parent / "lib", go_mod=deep)
    write(module.parent / "deep", go_mod="module example.com/deep\ngo 1.16\n")
    replaced = "replace (\nexample.com/lib => ../lib\nexample.com/deep => ../deep\n)\n"
    write(module, go_mod=f"module example.com/app\ngo 1.16\nrequire example.com/lib v0.0.0\n{replaced}")

    assert asked(go_build(cwd=module, cgo=False, trimpath=True)).outcome == "passed"


def test_a_workspace_is_copied_with_its_vendor_folder(
    module: Path, go_build: GoBuild, go_toolchain: GoToolchain
) -> None:
    write(module.parent / "z", go_mod="module example.com/z\n", z_go="package z\n")
    write(module, go_mod="module example.com/app\ngo 1.22\nrequire example.com/z v0.0.0\n")
    write(module, z_go='package main\n\nimport _ "example.com/z"\n')
    write(module.parent, go_work="go 1.22\nuse (\n./app\n./lib\n)\nreplace example.com/z => ./z\n")
    subprocess.run([str(go_toolchain.path), "work", "vendor"], cwd=module.parent, check=True, capture_output=True)

    assert asked(go_build(cwd=module, cgo=False, trimpath=True)).outcome == "passed"


def test_a_package_without_a_module_and_one_over_the_bound_are_errors(
    module: Path, tmp_path: Path, go_build: GoBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "alone", main_go="package main\n\nfunc main() {}\n")
    binary = go_build("main.go", cwd=tmp_path / "alone", cgo=False, env={"GO111MODULE": "off"})
    with pytest.raises(BuildError, match="is in no Go module: it cannot be copied"):
        asked(binary)

    monkeypatch.setattr(copies, "_MOST_FILES", 2)
    with pytest.raises(BuildError, match="has more than 2 files or 4 GiB to copy for a second build"):
        asked(go_build(cwd=module, cgo=False, trimpath=True))


def test_a_copy_that_does_not_build_is_an_error(module: Path, go_build: GoBuild) -> None:
    binary = go_build(cwd=module, cgo=False)
    # It changed since.
    write(module, main_go="package main\n\nfunc main() { undefined() }\n")

    with pytest.raises(BuildError, match=r"in a copy of its module .* does not build"):
        asked(binary)
    write(module, main_go='package main\n\nimport _ "example.com/nowhere"\n')
    with pytest.raises(BuildError, match="go does not say what it is built from"):
        asked(binary)


def test_what_was_not_built_here_has_nothing_to_be_built_from(go_sample: GoSample) -> None:
    finding = evaluate("reproducible", subject_of(go_sample("static", cgo=False).path), {})

    assert (finding.outcome, finding.observed) == (
        "undecidable",
        "it was not built in this run, and golink has no package to build it from",
    )


def test_a_prebuilt_image_cannot_be_rebuilt(go_sample: GoSample, tmp_path: Path) -> None:
    from dataclasses import replace

    with pytest.raises(ParameterError, match="was not built here: there is nothing to build it from"):
        replace(go_sample("static", cgo=False), origin=None).rebuild(tmp_path, fresh_cache=False)


def test_only_the_second_build_has_a_cache_of_its_own_and_only_if_asked() -> None:
    fresh: list[bool] = []

    def rebuild(folder: Path, own: bool) -> Path:
        fresh.append(own)
        (folder / "app").write_bytes(b"same")
        return folder / "app"

    subject = Subject(name="app", facts=STATIC, rebuild=rebuild)
    assert evaluate("reproducible", subject, {}).outcome == "passed"
    assert evaluate("reproducible", subject, {"fresh-cache": False}).outcome == "passed"
    assert fresh == [False, True, False, False]


def test_a_cache_of_its_own_is_in_golink_s_cache_folder(
    module: Path, tmp_path: Path, go_toolchain: GoToolchain
) -> None:
    builder = Builder(go_toolchain, rootdir=module, cache=tmp_path / "cache", session="one")
    binary = builder.build(parse_options({"cgo": False}))
    (tmp_path / "cache" / "second-gocache").write_text("no folder")

    with pytest.raises(BuildError, match="second-gocache"):
        binary.rebuild(tmp_path / "again", fresh_cache=True)


def test_a_temporary_folder_in_the_module_is_not_copied_into_itself(
    module: Path, go_build: GoBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(module, tmp__mine_txt="mine")
    monkeypatch.setattr(tempfile, "tempdir", str(module / "tmp"))

    assert asked(go_build(cwd=module, cgo=False, trimpath=True)).outcome == "passed"
    assert [path.name for path in (module / "tmp").iterdir()] == ["mine.txt"]


def test_a_flag_of_cgo_with_the_folder_is_in_the_build_id(tmp_path: Path, go_build: GoBuild) -> None:
    main = 'package main\n\n// #cgo CFLAGS: -I${SRCDIR}/include\nimport "C"\n\nfunc main() {}\n'
    module = write(tmp_path / "app", go_mod="module example.com/app\n", main_go=main)

    finding = asked(go_build(cwd=module, cgo=True, trimpath=True))

    assert finding.outcome == "violated"
    assert finding.cause[0].startswith("only build IDs differ: Go's is a hash")
    assert finding.remedy == ("-ldflags=-buildid=, or a #cgo flag without ${SRCDIR}",)
    assert asked(go_build(cwd=module, cgo=True, trimpath=True, ldflags="-buildid=")).outcome == "passed"


def test_a_file_that_is_no_image_is_compared_too() -> None:
    count = iter((b"one 2026-01-31", b"one 2026-02-01"))

    def rebuild(folder: Path, _own: bool) -> Path:
        (folder / "app").write_bytes(next(count))
        return folder / "app"

    finding = evaluate("reproducible", Subject(name="app", facts=STATIC, rebuild=rebuild), {})

    assert finding.evidence == (
        'file at offset 0xa: "one 2026-01-31" | "one 2026-02-01"',
        "sections that differ: file",
    )
    assert finding.remedy == ("take it from the commit or SOURCE_DATE_EPOCH",)


def made(folder: str = "/one", settings: dict[str, str] | None = None, **sections: bytes) -> Built:
    """An image of these sections, one after another; underscores in their names stand for dots."""
    found = []
    data = b""
    for name, content in sections.items():
        found.append(Section(name=name.replace("_", "."), offset=len(data), size=len(content)))
        data += content
    return Built(data=data, sections=tuple(found), folder=folder, settings=settings or {})


def pe(stamp: int) -> bytes:
    return b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + b"PE\0\0" + bytes(4) + struct.pack("<I", stamp)


_TRIM = {"-trimpath": "true"}
_ID = b"%s-vyjtmU7MKFjLTE6aWi/hsWisZ77-tmCY9dhwwJX/GKLpT29lMrQWPmXi1RJ4/k9o698-D1R3PTyTUP2iT"
CASES: dict[str, tuple[Built, Built, Differences]] = {
    "a path in C's debug information": (
        made("/one", _TRIM, _debug_line=b"\0/one/main.c\0"),
        made("/two", _TRIM, _debug_line=b"\0/two/main.c\0"),
        Differences(
            where=(".debug.line",),
            evidence=('.debug.line: "FOLDER/main.c"', "sections that differ: .debug.line"),
            cause=("the folder that it is built in is in .debug.line, from the C compiler",),
            remedy=("-ldflags=-w, or CGO_CFLAGS=-ffile-prefix-map=$PWD=.",),
        ),
    ),
    "a path that -trimpath does not reach": (
        made("/one", _TRIM, _data=b"\0/one/assets\0"),
        made("/two", _TRIM, _data=b"\0/two/assets\0"),
        Differences(
            where=(".data",),
            evidence=('.data: "FOLDER/assets"', "sections that differ: .data"),
            cause=("the folder that it is built in is in .data",),
            remedy=(
                "look where these strings come from: -X, go:embed, a #cgo flag with ${SRCDIR}, or a generator that "
                "writes absolute paths",
            ),
        ),
    ),
    "the state of the repository": (
        made(settings={"vcs.modified": "false"}, _data=b"a", _note_go_buildid=b"x"),
        made(settings={"vcs.modified": "true", "vcs.time": "now"}, _data=b"b", _note_go_buildid=b"y"),
        Differences(
            where=(".data", ".note.go.buildid"),
            evidence=(
                "build setting vcs.modified: false | true",
                "build setting vcs.time: not recorded | now",
                "build IDs, headers and tables of offsets differ with them",
                "sections that differ: .data, .note.go.buildid",
            ),
            cause=("the state of the repository is in the build info",),
            remedy=("-buildvcs=false, in GOFLAGS",),
        ),
    ),
    "a flag with the folder in it": (
        made("/one", {"-ldflags": "-r /one/lib"}, _data=b"a"),
        made("/two", {"-ldflags": "-r /two/lib"}, _data=b"b"),
        Differences(
            where=(".data",),
            evidence=("build setting -ldflags: -r FOLDER/lib | -r FOLDER/lib", "sections that differ: .data"),
            cause=("the build info records -ldflags",),
            remedy=("-trimpath leaves flags with paths out of the build info",),
        ),
    ),
    "a build ID in the text, as Mach-O and PE have it": (
        made(_text=b'same\xff Go build ID: "' + _ID % b"1" + b'"\n', _buildid=b"x", headers=b"y"),
        made(_text=b'same\xff Go build ID: "' + _ID % b"2" + b'"\n', _buildid=b"y", headers=b"z"),
        Differences(
            where=(".text", ".buildid", "headers"),
            evidence=(
                f'.text at offset 0x14: " Go build ID: "{(_ID % b"1").decode()}"" | '
                f'" Go build ID: "{(_ID % b"2").decode()}""',
                "build IDs, headers and tables of offsets differ with them",
                "sections that differ: .text, .buildid, headers",
            ),
            cause=(
                "only build IDs differ: Go's is a hash of all that the build was given, and a #cgo flag with ${SRCDIR} "
                "is another in each folder",
            ),
            remedy=("-ldflags=-buildid=, or a #cgo flag without ${SRCDIR}",),
        ),
    ),
    "a temporary file of an external link": (
        made(_strtab=b"\0/tmp/go-link-123456/000001.o\0"),
        made(_strtab=b"\0/tmp/go-link-987654/000001.o\0"),
        Differences(
            where=(".strtab",),
            evidence=('.strtab: "/tmp/TEMPORARY/000001.o"', "sections that differ: .strtab"),
            cause=("a temporary folder or file of the go command is named in .strtab",),
            remedy=("-ldflags='-s -w'",),
        ),
    ),
    "the time of a link of PE": (
        made(headers=pe(1)),
        made(headers=pe(2)),
        Differences(
            where=("headers",),
            evidence=(
                "headers: TimeDateStamp",
                "build IDs, headers and tables of offsets differ with them",
                "sections that differ: headers",
            ),
            cause=("the C linker writes the time of the link into the headers",),
            remedy=("-extldflags=-Wl,--no-insert-timestamp",),
        ),
    ),
    "bytes, and a section that only one has": (
        made(_text=bytes(70000) + b"\1\2\3\4\5\6\7\1\2", _only=b"x"),
        made(_text=bytes(70000) + b"\1\2\3\4\5\6\7\1"),
        Differences(
            where=(".text", ".only"),
            evidence=(
                ".text at offset 0x11178: 02 78 | nothing",
                ".only is in one of the two only",
                "sections that differ: .text, .only",
                "70010 and 70008 bytes",
            ),
            cause=("not a folder, a build setting or a temporary name of the go command: look at these strings",),
            remedy=(),
        ),
    ),
}


@pytest.mark.parametrize(("first", "second", "said"), CASES.values(), ids=CASES)
def test_each_difference_has_its_cause(first: Built, second: Built, said: Differences) -> None:
    assert differences(first, second) == said


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, [".text", ".gopclntab", ".note.go.buildid", "headers"]),
        ({"target": "darwin/arm64"}, ["__TEXT,__text", "__LINKEDIT", "headers"]),
        ({"target": "windows/amd64"}, [".text", ".rdata", "headers"]),
        ({"target": "js/wasm"}, ["file"]),
    ],
)
def test_sections_cover_the_whole_file(options: dict[str, Any], names: list[str], go_sample: GoSample) -> None:
    path = go_sample("static", cgo=False, **options).path
    data = path.read_bytes()

    sections = read_sections(path, data)

    assert set(names) <= {section.name for section in sections}
    end = 0
    for section in sections:
        assert section.offset <= end
        end = max(end, section.offset + section.size)
    assert end == len(data)


def test_what_was_appended_is_after_the_sections(go_sample: GoSample) -> None:
    path = go_sample("static", cgo=False).path
    data = path.read_bytes() + b"tail"

    assert read_sections(path, data)[-1] == Section(name="after the sections", offset=len(data) - 4, size=4)


def test_a_damaged_image_is_one_piece(go_sample: GoSample) -> None:
    path = go_sample("static", cgo=False).path
    data = path.read_bytes()[:1000]

    assert read_sections(path, data) == (Section(name="file", offset=0, size=1000),)
