"""The ini keys: the build of go_binary, the sample folder, and what is wrong with one before any test runs."""

from __future__ import annotations

import pytest


@pytest.mark.usefixtures("app")
def test_the_ini_file_describes_the_build_of_go_binary(pytester: pytest.Pytester) -> None:
    inner = pytester.mkdir("cmd")
    inner.joinpath("agent.go").write_text("package main\n\nfunc main() {}\n")
    inner.joinpath("other.mod").write_text("module example.com/other\n\ngo 1.21\n")
    inner.joinpath("overlay.json").write_text('{"Replace": {}}')
    pytester.makeini(
        """
        [pytest]
        golink_cwd = cmd
        golink_package = agent.go
        golink_target = linux/arm64
        golink_cgo = no
        golink_tags = netgo osusergo
        golink_ldflags = -s -X 'main.a=b c'
        golink_linkmode = internal
        golink_extldflags = -lm -static
        golink_buildmode = exe
        golink_trimpath = true
        golink_race = false
        golink_gcflags = all=-N -l
        golink_asmflags = -trimpath=/x
        golink_mod = mod
        golink_modfile = other.mod
        golink_overlay = overlay.json
        golink_pgo = off
        golink_cc = gcc
        golink_env =
            GOFLAGS = -buildvcs=false
            GOTRACEBACK=all
        """
    )
    pytester.makepyfile(
        """
        from pytest_golink import BuildOptions

        def test_options(go_binary):
            assert go_binary.options == BuildOptions(
                package="agent.go", cwd="cmd", target="linux/arm64", cgo=False, tags=("netgo", "osusergo"),
                ldflags="-s -X 'main.a=b c'", linkmode="internal", extldflags="-lm -static", buildmode="exe",
                trimpath=True, race=False, gcflags="all=-N -l", asmflags="-trimpath=/x", mod="mod",
                modfile="other.mod", overlay="overlay.json", pgo="off", cc="gcc",
                env=(("GOFLAGS", "-buildvcs=false"), ("GOTRACEBACK", "all")),
            )
            assert go_binary.name == "cmd/agent.go"
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.usefixtures("app")
def test_a_key_can_be_set_and_unset_for_one_run(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ngolink_target = linux/arm64\ngolink_cgo = false")
    pytester.makepyfile("def test_target(go_binary): print(go_binary.options)")

    result = pytester.runpytest_subprocess("-rP", "-o", "golink_target=", "-o", "golink_ldflags=-s")

    result.stdout.fnmatch_lines(["BuildOptions(package='.', target=None, cgo=False, tags=(), ldflags='-s', *"])


def test_go_sample_builds_in_the_sample_folder(pytester: pytest.Pytester) -> None:
    sample = pytester.mkdir("programs").joinpath("hello")
    sample.mkdir()
    sample.joinpath("main.go").write_text("package main\n\nfunc main() {}\n")
    sample.joinpath("go.mod").write_text("module example.com/hello\n")
    pytester.makeini("[pytest]\ngolink_sample_dir = programs")
    pytester.makepyfile('def test_it(go_sample): assert go_sample("hello", cgo=False).name == "programs/hello"')

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("golink_cgo = perhaps", "ini key golink_cgo: invalid truth value 'perhaps'"),
        ("golink_linkmode = interal", "ini key golink_linkmode: linkmode: expected one of internal, external, not"),
        ("golink_target = linux", "ini key golink_target: target: expected GOOS/GOARCH"),
        ("golink_buildmode = dll", "ini key golink_buildmode: buildmode: expected one of default, exe"),
        ("golink_package = ./...", "ini key golink_package: package: './...' is a pattern"),
        ("golink_env = GOAMD64", "ini key golink_env: expected NAME=VALUE, not 'GOAMD64'"),
        ("golink_report = perhaps", "ini key golink_report: invalid truth value 'perhaps'"),
        (
            "golink_linkmode = internal\ngolink_ldflags = -linkmode=internal",
            "ini keys golink_*: ldflags: it has -linkmode already",
        ),
    ],
)
def test_a_wrong_value_is_a_usage_error_that_names_the_key(pytester: pytest.Pytester, line: str, message: str) -> None:
    pytester.makeini(f"[pytest]\n{line}")
    pytester.makepyfile("def test_it(): ...")

    result = pytester.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {message}" in result.stderr.str()


def test_the_options_and_keys_are_in_the_help(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--help")

    result.stdout.fnmatch_lines(["Go linkage policy:", "*--golink-go=PATH*", "*--golink-report*"])
    for key in (
        "go", "report", "sample_dir", "package", "target", "cgo", "tags", "ldflags", "linkmode", "extldflags",
        "buildmode", "trimpath", "race", "gcflags", "asmflags", "mod", "modfile", "overlay", "pgo", "cc", "cwd", "env",
    ):  # fmt: skip
        assert f"golink_{key} (" in result.stdout.str()
