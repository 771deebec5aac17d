"""Remedies that were tried: the printed one is taken at its word, in a shell, and the rule holds."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink import ParameterError, read_binary
from pytest_golink.builder import Builder, BuildOptions
from pytest_golink.rules import evaluate, rule_named
from pytest_golink.rules.subject import Subject
from pytest_golink.source import try_remedies

if TYPE_CHECKING:
    from pytest_golink import GoBinary, GoBuild, GoSample, GoToolchain
    from pytest_golink.findings import Trial


def outcomes(trials: tuple[Trial, ...]) -> list[tuple[str, str]]:
    return [(trial.remedy, trial.outcome) for trial in trials]


def built_as_printed(trial: Trial, binary: GoBinary, go: GoToolchain, image: Path) -> Path:
    """Do what the remedy says: variables before the command, flags after it, without those that it takes away."""
    kept, _, dropped = trial.remedy.partition("without ")
    words = shlex.split(kept)
    variables = dict(word.split("=", 1) for word in words if not word.startswith("-"))
    if "CC" in variables:
        # Only golink knows the zig that pip installed; a user has it on PATH.
        variables["CC"] = variables["CC"].replace("zig", str(go.zig), 1)
    flags = [word for word in words if word.startswith("-")]
    names = {flag.partition("=")[0] for flag in (*flags, *shlex.split(dropped))}
    assert binary.options is not None
    before = [flag for flag in binary.options.flags() if flag.partition("=")[0] not in names]
    assert binary.origin is not None
    environment = {**os.environ, **binary.origin.job.environment, **variables}
    command = [str(go.path), "build", "-o", str(image), *before, *flags, "."]
    subprocess.run(command, cwd=binary.origin.job.folder, env=environment, check=True)
    return image


CGO_OFF_STATIC = "CGO_ENABLED=1 -ldflags='-linkmode=external -extldflags=-static'"

CASES: dict[str, tuple[str, dict[str, Any], dict[str, object], str]] = {
    "net is static": ("net", {"cgo": True}, {"static": True}, "-tags=netgo"),
    "lookup needs no libc": ("lookup", {"cgo": True}, {"no-libc": True}, "-tags=netgo"),
    "lookup resolves as Go does": ("lookup", {"cgo": True}, {"resolver": "go"}, "-tags=netgo"),
    "lookup runs on an old glibc": ("lookup", {"cgo": True}, {"glibc-at-most": "2.17"}, "-tags=netgo"),
    "lookup is self-contained": ("lookup", {"cgo": True}, {"self-contained": True}, "-tags=netgo"),
    "lookup imports no getaddrinfo": ("lookup", {"cgo": True}, {"no-imports": ["getaddrinfo"]}, "-tags=netgo"),
    "lookup needs nothing": ("lookup", {"cgo": True}, {"only-needs": []}, "-tags=netgo"),
    "lookup is linked statically without glibc's name service": (
        "lookup",
        {"cgo": True, "linkmode": "external", "extldflags": "-static"},
        {"no-getaddrinfo-warning": True},
        "-tags=netgo",
    ),
    "users reads files": ("users", {"cgo": True}, {"user-lookup": "files"}, "-tags=osusergo"),
    "users has no cgo": ("users", {"cgo": True}, {"no-cgo": True}, "-tags=osusergo"),
    "users has cgo in nothing": ("users", {"cgo": True}, {"only-cgo-packages": ["net"]}, "-tags=osusergo"),
    "cgo is static": ("cgo", {"cgo": True}, {"static": True}, "-ldflags=-extldflags=-static"),
    "cgo names no interpreter": (
        "cgo",
        {"cgo": True},
        {"no-interpreter": True},
        "-ldflags=-extldflags=-static",
    ),
    "static is no PIE": ("static", {"buildmode": "pie", "cgo": False}, {"static": True}, "-buildmode=exe"),
    "static-pie": (
        "static",
        {"buildmode": "pie", "cgo": False},
        {"static": True, "pie": True},
        CGO_OFF_STATIC.replace("-static'", "-static-pie'"),
    ),
    "net is dynamic": ("net", {"cgo": False}, {"dynamic": True}, "CGO_ENABLED=1"),
    "net needs glibc": ("net", {"cgo": False}, {"needs-libc": {"kind": "glibc"}}, "CGO_ENABLED=1"),
    "lookup imports getaddrinfo": ("lookup", {"cgo": False}, {"imports": ["getaddrinfo"]}, "CGO_ENABLED=1"),
    "net is linked internally": (
        "net",
        {"cgo": True, "linkmode": "external"},
        {"linkmode": "internal"},
        "without -ldflags=-linkmode=external",
    ),
    "static is linked externally": (
        "static",
        {"cgo": False},
        {"linkmode": "external"},
        "CGO_ENABLED=1 -ldflags=-linkmode=external",
    ),
    "static is stripped": ("static", {}, {"stripped": True}, "-ldflags='-s -w'"),
    "static names no folder": ("static", {}, {"no-build-paths": True}, "-trimpath"),
    "static is not instrumented": ("static", {"race": True}, {"no-instrumentation": True}, "without -race"),
    "static has symbols": ("static", {"ldflags": "-s -w"}, {"not-stripped": True}, "without -ldflags='-s -w'"),
    "cgo runs on an old glibc": (
        "cgo",
        {"cgo": True},
        {"glibc-at-most": "2.17", "dynamic": True},
        "CC='zig cc -target x86_64-linux-gnu.2.17'",
    ),
    "net needs the usual loader": (
        "net",
        {"cgo": True, "ldflags": "-I /opt/ld.so"},
        {"interpreter": "/lib64/ld-linux-x86-64.so.2"},
        "without -ldflags='-I /opt/ld.so'",
    ),
    "net searches no folder": (
        "net",
        {"cgo": True, "ldflags": "-r /opt"},
        {"no-rpath": True},
        "without -ldflags='-r /opt'",
    ),
    "cgo has no executable stack": (
        "cgo",
        {"cgo": True, "extldflags": "-Wl,-z,execstack"},
        {"nx": True},
        "without -ldflags=-extldflags=-Wl,-z,execstack",
    ),
    "lookup needs libc": ("lookup", {"cgo": False}, {"needs": ["libc.so.6"]}, "CGO_ENABLED=1"),
    "lookup asks libc": ("lookup", {"cgo": False}, {"resolver": ["cgo", "go"]}, "CGO_ENABLED=1"),
    "users asks the system": ("users", {"cgo": False}, {"user-lookup": "system"}, "CGO_ENABLED=1"),
    "static has its relocations read-only": (
        "static",
        {"cgo": False},
        {"relro": "full"},
        "-buildmode=pie -ldflags=-bindnow",
    ),
    "cgo has its relocations read-only": (
        "cgo",
        {"cgo": True},
        {"relro": "full"},
        "-ldflags=-extldflags=-Wl,-z,relro,-z,now",
    ),
    "static fits large pages": ("static", {"cgo": False}, {"page-alignment": 65536}, "-ldflags='-R 0x10000'"),
    "all at once": (
        "users",
        {"cgo": True},
        {"static": True, "no-build-paths": True, "stripped": True},
        "-tags=osusergo -trimpath -ldflags='-s -w'",
    ),
}


@pytest.mark.parametrize(("sample", "options", "policy", "remedy"), CASES.values(), ids=CASES)
def test_the_printed_remedy_keeps_the_policy(
    sample: str,
    options: dict[str, Any],
    policy: dict[str, object],
    remedy: str,
    go_sample: GoSample,
    go_toolchain: GoToolchain,
    tmp_path: Path,
) -> None:
    binary = go_sample(sample, **options)

    best = binary.remedies(policy)[0]
    assert (best.remedy, best.outcome) == (remedy, "satisfies")

    # Without its linker's warnings: what the image itself shows must do.
    image = read_binary(built_as_printed(best, binary, go_toolchain, tmp_path / "app"))
    before = Subject(name="app", facts=binary.facts, link_warnings=binary.warnings)
    after = Subject(name="app", facts=image, link_warnings=())
    asked = [(rule, rule_named(rule).accept(value) or {}) for rule, value in policy.items()]
    assert any(evaluate(rule, before, parameters).fails for rule, parameters in asked)
    assert not any(evaluate(rule, after, parameters).fails for rule, parameters in asked)


def test_what_does_not_build_and_what_breaks_another_rule_are_told_apart(go_sample: GoSample) -> None:
    trials = go_sample("cgo", cgo=True).remedies({"static": True, "max-size": "1 MB"})

    assert {trial.outcome for trial in trials} == {"does-not-build", "breaks"}
    failed = next(trial for trial in trials if trial.outcome == "does-not-build")
    assert failed.remedy.startswith("CGO_ENABLED=0")
    assert "build constraints exclude all Go files" in failed.detail
    assert any(trial.detail.startswith("max-size: ") for trial in trials if trial.outcome == "breaks")


def test_a_remedy_that_this_machine_has_no_compiler_for_says_what_to_install(
    go_toolchain: GoToolchain, tmp_path: Path
) -> None:
    module = Path(__file__).parents[2] / "sample_go"
    builder = Builder(replace(go_toolchain, zig=None), rootdir=module, cache=tmp_path, session="one")
    binary = builder.build(BuildOptions(package="./cgo", cgo=True))

    (trial,) = try_remedies(binary, [("needs-libc", {"kind": "musl"})])

    assert (trial.outcome, trial.price) == ("does-not-build", "")
    assert trial.detail == (
        "cc 'zig cc -target x86_64-linux-musl -dynamic': there is no zig: pip install 'pytest-golink[zig]', "
        "or put it on PATH"
    )


def test_the_lines_for_golink_toml_and_goreleaser_make_the_change(go_sample: GoSample) -> None:
    best = go_sample("users", cgo=True).remedies({"static": True, "no-build-paths": True, "stripped": True})[0]

    assert best.toml == 'tags = ["osusergo"]\nldflags = "-s -w"\ntrimpath = true'
    assert best.goreleaser == 'flags: ["-trimpath"]\nldflags: ["-s -w"]\ntags: ["osusergo"]'
    assert "os/user reads /etc/passwd and /etc/group, and sees no users of LDAP, sssd or AD" in best.price


def test_a_policy_that_holds_and_one_that_no_flag_mends_are_not_tried(go_sample: GoSample) -> None:
    assert go_sample("static", cgo=False).remedies({"static": True, "stripped": False}) == ()
    assert go_sample("static", cgo=False).remedies({"go-version": {"at-least": "1.99"}}) == ()
    assert go_sample("importdynamic", cgo=False).remedies({"static": True, "no-dynamic-imports": True}) == ()


def test_an_unknown_rule_is_refused_before_anything_is_built(go_sample: GoSample) -> None:
    with pytest.raises(ParameterError, match='unknown rule "statik"; did you mean "static"'):
        go_sample("static").remedies({"statik": True})


def test_a_candidate_is_started_where_the_policy_asks_whether_it_starts(go_sample: GoSample) -> None:
    binary = go_sample("static", buildmode="pie", cgo=False)

    starts = binary.remedies({"starts-alone": {"output": "^static: hello", "seconds": 60}})
    assert (starts[0].remedy, starts[0].outcome) == ("-buildmode=exe", "satisfies")

    says_no_more = binary.remedies({"starts-alone": {"output": "bye", "seconds": 60}})
    assert {trial.outcome for trial in says_no_more} == {"does-not-start"}
    assert says_no_more[0].detail == "starts-alone: it ends with status 0, and prints nothing that bye matches"


def test_a_build_that_is_not_reproducible_is_mended_by_trimpath(go_build: GoBuild, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/app\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {}\n")

    best = go_build(cwd=tmp_path, cgo=False).remedies({"reproducible": {"fresh-cache": False}})[0]

    assert (best.remedy, best.outcome) == ("-trimpath", "satisfies")
