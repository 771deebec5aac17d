"""The cause of each violation, in the source of real builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink import PolicyViolation, assert_no_cgo, assert_static
from pytest_golink.findings import ImportStep
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from pytest_golink.rules.subject import Subject
from pytest_golink.source import explain

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBinary, GoBuild, GoSample, GoToolchain
    from pytest_golink.findings import Finding


def explained(binary: GoBinary, rule: str, **parameters: object) -> Finding:
    asked = {name.replace("_", "-"): value for name, value in parameters.items()}
    subject = Subject(name=binary.name, facts=binary.facts, link_warnings=binary.warnings)
    return explain(evaluate(rule, subject, asked), binary.facts, binary)


def module(folder: Path, files: dict[str, str]) -> Path:
    for name, text in {"go.mod": "module example.com/app\n\ngo 1.21\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_the_chain_leads_from_the_main_package_to_cgo_with_a_place_for_each_import(
    go_build: GoBuild, tmp_path: Path
) -> None:
    files = {
        "cmd/server/main.go": 'package main\n\nimport "example.com/app/names"\n\nfunc main() { names.Look() }\n',
        "names/names.go": 'package names\n\nimport (\n\t"os/user"\n)\n\nfunc Look() { _, _ = user.Lookup("a") }\n',
    }
    finding = explained(go_build("./cmd/server", cwd=module(tmp_path, files), cgo=True), "no-cgo")

    assert [step.package for step in finding.chains[0]] == [
        "example.com/app/cmd/server",
        "example.com/app/names",
        "os/user",
        "runtime/cgo",
    ]
    assert [str(step.place).rpartition("/")[2] for step in finding.chains[0]] == [
        "main.go:3",
        "names.go:4",
        "cgo_lookup_cgo.go:59",
        "None",
    ]
    assert "cgo is on because this build sets it: cgo = true" in finding.cause


def test_a_constraint_says_which_tag_leaves_the_file_out(go_sample: GoSample) -> None:
    finding = explained(go_sample("users", cgo=True), "static")

    assert any(
        line.startswith("os/user/cgo_lookup_cgo.go is compiled under its constraint: cgo && !osusergo")
        for line in finding.cause
    )


def test_cgo_by_default_is_explained_by_the_compiler_that_was_found(
    go_sample: GoSample, go_toolchain: GoToolchain
) -> None:
    assert f"cgo is on by default: {go_toolchain.cgo_reason}" in explained(go_sample("net"), "static").cause


def test_cgo_in_the_builds_own_environment_is_named(go_sample: GoSample) -> None:
    # The same image by another option, which stays that other request's cause.
    assert "cgo is on because this build sets it: cgo = true" in explained(go_sample("net", cgo=True), "static").cause
    finding = explained(go_sample("net", env={"CGO_ENABLED": "1"}), "static")

    assert "cgo is on because of this build's env: CGO_ENABLED=1" in finding.cause


def test_cgo_that_is_missing_is_explained_too(go_sample: GoSample) -> None:
    native = explained(go_sample("net", cgo=False), "dynamic")
    cross = explained(go_sample("net", target="linux/arm64"), "dynamic")

    assert "cgo is off because this build sets it: cgo = false" in native.cause
    assert "cgo is off for linux/arm64: off by default where Go cross-compiles" in cross.cause


def test_a_package_of_which_nothing_is_left_without_cgo_is_named(go_sample: GoSample) -> None:
    finding = explained(go_sample("cgo", cgo=True), "static")

    name = "example.com/golink/sample/cgo"
    excluded = f"without cgo the program does not compile: package {name}: build constraints exclude all Go files in "
    assert [line for line in finding.cause if line.startswith(excluded)]
    assert not any("CGO_ENABLED=0" in remedy.words for remedy in finding.remedies)


def test_where_only_cgo_off_would_help_and_does_not_compile_the_remedy_is_none(go_sample: GoSample) -> None:
    finding = explained(go_sample("cgo", cgo=True), "no-cgo")

    assert remedy_lines(finding) == ("none with cgo off: the program does not compile without it",)


def test_a_package_that_leaves_a_stub_without_cgo_is_told_with_the_stub(go_build: GoBuild, tmp_path: Path) -> None:
    files = {
        "main.go": 'package main\n\nimport "example.com/app/db"\n\nfunc main() { println(db.Open()) }\n',
        "db/db.go": 'package db\n\n// int answer(void) { return 42; }\nimport "C"\n\n'
        "func Open() int { return int(C.answer()) }\n",
        "db/stub.go": '//go:build !cgo\n\npackage db\n\nfunc Open() int { panic("needs cgo") }\n',
    }
    finding = explained(go_build(".", cwd=module(tmp_path, files), cgo=True), "static")

    assert 'without cgo example.com/app/db has stub.go in place of its C (stub.go: "needs cgo")' in finding.cause
    assert "example.com/app/db calls answer" in finding.cause


def test_a_package_that_only_cgo_files_import_is_told_so(go_build: GoBuild, tmp_path: Path) -> None:
    files = {
        "main.go": "package main\n\nvar open = func() int { return 0 }\n\nfunc main() { println(open()) }\n",
        "with_db.go": '//go:build cgo\n\npackage main\n\nimport "example.com/app/db"\n\n'
        "func init() { open = db.Open }\n",
        "db/db.go": 'package db\n\n// int answer(void) { return 42; }\nimport "C"\n\n'
        "func Open() int { return int(C.answer()) }\n",
    }
    finding = explained(go_build(".", cwd=module(tmp_path, files), cgo=True), "static")

    assert "without cgo nothing imports example.com/app/db" in finding.cause


def test_an_import_without_cgo_is_found_in_the_source(go_sample: GoSample) -> None:
    finding = explained(go_sample("importdynamic", cgo=False), "static")

    assert "sample_go/importdynamic/main.go:11 has a //go:cgo_import_dynamic directive" in finding.cause


def test_the_glibc_floor_is_explained_by_who_asks_for_each_symbol(go_sample: GoSample) -> None:
    finding = explained(go_sample("cgo", cgo=True), "glibc-at-most", version="2.17")
    floors = [line for line in finding.cause if line.startswith("new in glibc 2.34: ")]

    assert len(floors) == 1
    assert "__libc_start_main by the C start-up code of an external link" in floors[0]
    assert "pthread_create" in floors[0]
    assert "by runtime/cgo" in floors[0]


def test_an_imported_symbol_is_explained_by_the_package_that_calls_it(go_sample: GoSample) -> None:
    finding = explained(go_sample("lookup", cgo=True), "no-imports", symbols=["getaddrinfo"])

    assert "getaddrinfo is imported by net" in finding.cause


def test_packages_that_are_allowed_have_no_chain(go_build: GoBuild, tmp_path: Path) -> None:
    source = 'package main\n\nimport (\n\t"net"\n\t"os/user"\n)\n\nfunc main() {\n\t_, _ = net.LookupHost("a")\n'
    files = {"main.go": source + '\t_, _ = user.Lookup("a")\n}\n'}
    finding = explained(go_build(".", cwd=module(tmp_path, files), cgo=True), "only-cgo-packages", packages=["net"])

    assert [chain[-2].package for chain in finding.chains] == ["os/user"]


def test_the_race_detector_is_traced_to_the_setting_that_turned_it_on(go_sample: GoSample) -> None:
    asked = explained(go_sample("static", race=True), "no-instrumentation")
    flags = explained(go_sample("static", env={"GOFLAGS": "-race"}), "no-instrumentation")

    assert "-race is set by this build's options" in asked.cause
    assert "-race comes from GOFLAGS in the environment" in flags.cause


def test_of_a_race_build_no_chain_is_told_to_what_the_linker_adds(go_sample: GoSample) -> None:
    finding = explained(go_sample("static", race=True), "static")

    assert "-race links C code in, and runtime/cgo with it" in finding.cause
    assert finding.chains == ()


def test_of_a_race_build_nothing_is_said_of_what_is_left_without_cgo(go_sample: GoSample) -> None:
    finding = explained(go_sample("cgo", race=True), "static")

    assert [chain[-1].package for chain in finding.chains] == ["runtime/cgo"]
    assert [line for line in finding.cause if "CGO_ENABLED=0" in line] == []


def test_a_pie_is_traced_to_whoever_asked_for_it(go_sample: GoSample, tmp_path: Path) -> None:
    file = tmp_path / "goenv"
    file.write_text("GOFLAGS=-buildmode=pie\n")
    asked = explained(go_sample("static", cgo=False, buildmode="pie"), "static")
    flags = explained(go_sample("static", cgo=False, env={"GOFLAGS": "-trimpath --buildmode=pie"}), "static")
    set_before = explained(go_sample("static", cgo=False, env={"GOENV": str(file)}), "static")

    assert "-buildmode=pie is set by this build's options" in asked.cause
    assert "-buildmode=pie comes from GOFLAGS in the environment" in flags.cause
    assert f"-buildmode=pie comes from GOFLAGS in {file}" in set_before.cause


def test_build_paths_are_told_by_whose_they_are(go_sample: GoSample, go_toolchain: GoToolchain) -> None:
    cause = explained(go_sample("static"), "no-build-paths").cause

    assert f"{go_toolchain.goroot} is Go's own distribution (GOROOT)" in cause
    assert any(line.endswith("/sample_go/static holds example.com/golink/sample/static") for line in cause)


def test_a_folder_that_a_line_directive_names_is_nobody_s(go_build: GoBuild, tmp_path: Path) -> None:
    source = (
        "package main\n\nfunc main() { parse() }\n\n//line /elsewhere/grammar/parse.y:1\nfunc parse() { panic(1) }\n"
    )
    finding = explained(go_build(".", cwd=module(tmp_path, {"main.go": source}), cgo=False), "no-build-paths")

    assert any("/elsewhere/grammar" in line for line in finding.evidence)
    assert [line for line in finding.cause if "elsewhere" in line] == []


def test_size_is_told_by_module_and_package_even_of_a_stripped_image(go_sample: GoSample) -> None:
    binary = go_sample("static", ldflags="-s -w")
    finding = explain(evaluate("max-size", Subject(name="app", facts=binary.facts), {"size": 1000}), binary.facts, None)

    assert finding.cause[0].startswith("code by module: the standard library ")
    assert finding.cause[1].startswith("largest packages: runtime ")


def test_an_assertion_on_a_build_of_ours_carries_the_chain(go_sample: GoSample) -> None:
    with pytest.raises(
        PolicyViolation, match=r"\./net → net → runtime/cgo,\s+imported\s+at\s+sample_go/net/main.go:9,\s+net/"
    ) as caught:
        assert_static(go_sample("net", cgo=True))

    assert caught.value.finding.chains[0][0] == ImportStep(
        package="example.com/golink/sample/net", place="sample_go/net/main.go:9"
    )


def test_a_file_from_elsewhere_is_explained_by_what_it_shows(go_sample: GoSample) -> None:
    with pytest.raises(PolicyViolation) as caught:
        assert_no_cgo(go_sample("lookup", cgo=True, ldflags="-s -w").path)

    assert "net calls freeaddrinfo, gai_strerror, getaddrinfo" in caught.value.finding.cause
    assert caught.value.finding.chains == ()


def test_a_module_that_is_not_wanted_is_found_by_its_chain(go_build: GoBuild, tmp_path: Path) -> None:
    files = {
        "go.mod": "module example.com/app\n\ngo 1.21\n\nrequire example.com/lib v0.0.0\n\n"
        "replace example.com/lib => ./lib\n",
        "main.go": 'package main\n\nimport "example.com/lib/deep"\n\nfunc main() { println(deep.Name()) }\n',
        "lib/go.mod": "module example.com/lib\n\ngo 1.21\n",
        "lib/deep/deep.go": 'package deep\n\nfunc Name() string { return "deep" }\n',
    }
    finding = explained(go_build(".", cwd=module(tmp_path, files)), "no-modules", modules=["example.com/lib"])

    assert [step.package for step in finding.chains[0]] == ["example.com/app", "example.com/lib/deep"]
    paths = explained(go_build(".", cwd=tmp_path), "no-build-paths").cause
    assert any(line.endswith(" holds example.com/lib@v0.0.0") for line in paths)


def test_a_package_that_loses_some_files_without_cgo_is_told_with_them(go_build: GoBuild, tmp_path: Path) -> None:
    files = {
        "main.go": 'package main\n\nimport "example.com/app/db"\n\nfunc main() { println(db.Open()) }\n',
        "db/db.go": 'package db\n\n// int answer(void) { return 42; }\nimport "C"\n\n'
        "func init() { open = func() int { return int(C.answer()) } }\n",
        "db/plain.go": "package db\n\nvar open = func() int { return 0 }\n\nfunc Open() int { return open() }\n",
    }
    finding = explained(go_build(".", cwd=module(tmp_path, files), cgo=True), "static")

    assert "without cgo example.com/app/db goes without db.go" in finding.cause


def test_a_build_that_go_list_cannot_repeat_keeps_its_finding(go_build: GoBuild, tmp_path: Path) -> None:
    folder = module(tmp_path, {"main.go": 'package main\n\nimport _ "os/user"\n\nfunc main() {}\n'})
    binary = go_build(".", cwd=folder, cgo=True)
    (folder / "go.mod").unlink()

    finding = explained(binary, "static")

    assert binary.facts.cgo.used
    assert any(line.startswith("the packages of the build are not known: go list answers: ") for line in finding.cause)

    assert (finding.outcome, finding.chains) == ("violated", ())


def test_an_answer_that_is_no_violation_is_left_as_it_is(go_sample: GoSample) -> None:
    assert explained(go_sample("static", cgo=False), "static").cause == ()


def test_the_chain_to_a_module_is_the_shortest_to_any_of_its_packages(go_build: GoBuild, tmp_path: Path) -> None:
    files = {
        "go.mod": "module example.com/app\n\ngo 1.21\n\nrequire (\n\texample.com/lib v0.0.0\n"
        "\texample.com/far v0.0.0\n)\n\nreplace example.com/lib => ./lib\n\nreplace example.com/far => ./far\n",
        "main.go": 'package main\n\nimport (\n\t"example.com/far"\n\t"example.com/lib/near"\n)\n\n'
        "func main() { println(near.Name() + far.Name()) }\n",
        "far/go.mod": "module example.com/far\n\ngo 1.21\n\nrequire example.com/lib v0.0.0\n",
        "far/far.go": 'package far\n\nimport "example.com/far/more"\n\nfunc Name() string { return more.Name() }\n',
        "far/more/more.go": 'package more\n\nimport "example.com/lib/a"\n\nfunc Name() string { return a.Name() }\n',
        "lib/go.mod": "module example.com/lib\n\ngo 1.21\n",
        "lib/a/a.go": 'package a\n\nfunc Name() string { return "a" }\n',
        "lib/near/near.go": 'package near\n\nfunc Name() string { return "near" }\n',
    }
    finding = explained(go_build(".", cwd=module(tmp_path, files)), "no-modules", modules=["example.com/lib"])

    assert [step.package for step in finding.chains[0]] == ["example.com/app", "example.com/lib/near"]
    assert "imported elsewhere too: example.com/lib@v0.0.0 by 1 other package" in finding.cause


DB = 'package db\n\n// int answer(void) { return 42; }\nimport "C"\n\nfunc Open() int { return int(C.answer()) }\n'


def test_a_program_that_does_not_compile_without_cgo_is_told_with_the_error(go_build: GoBuild, tmp_path: Path) -> None:
    files = {
        "main.go": 'package main\n\nimport "example.com/app/db"\n\nfunc main() { println(db.Open(), db.Name) }\n',
        "db/db.go": DB,
        "db/name.go": 'package db\n\nconst Name = "db"\n',
    }
    cause = explained(go_build(".", cwd=module(tmp_path, files), cgo=True), "static").cause

    assert not [line for line in cause if "goes without" in line]
    error = "without cgo the program does not compile: ./main.go:5:26: undefined: db.Open (example.com/app)"
    assert error in cause


def test_a_program_that_compiles_without_cgo_is_told_with_the_words_of_its_stub(
    go_build: GoBuild, tmp_path: Path
) -> None:
    files = {
        "main.go": 'package main\n\nimport "example.com/app/db"\n\nfunc main() { println(db.Open()) }\n',
        "db/db.go": DB,
        "db/stub.go": '//go:build !cgo\n\npackage db\n\nfunc Open() int { panic("db requires cgo: a stub") }\n',
    }
    cause = explained(go_build(".", cwd=module(tmp_path, files), cgo=True), "static").cause

    assert 'without cgo example.com/app/db has stub.go in place of its C (stub.go: "db requires cgo: a stub")' in cause
    assert "without cgo the rest of the program compiles" in cause


@pytest.mark.parametrize(
    ("rule", "kind", "package"), [("resolver", ["go"], "net"), ("user-lookup", "files", "os/user")]
)
def test_of_a_lookup_only_its_own_package_is_named(
    go_build: GoBuild, tmp_path: Path, rule: str, kind: object, package: str
) -> None:
    files = {
        "main.go": 'package main\n\nimport (\n\t"net"\n\t"os/user"\n\n\t"example.com/app/db"\n)\n\nfunc main() {\n'
        '\t_, _ = net.LookupHost("a")\n\t_, _ = user.Lookup("a")\n\tprintln(db.Open())\n}\n',
        "db/db.go": DB,
    }
    finding = explained(go_build(".", cwd=module(tmp_path, files), cgo=True), rule, kind=kind)

    assert [[step.package for step in chain] for chain in finding.chains] == [
        ["example.com/app", package, "runtime/cgo"]
    ]
    assert [line for line in finding.cause if "example.com/app/db" in line] == []
