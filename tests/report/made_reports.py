"""Reports written by hand, and one whose every word comes from an attacker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.facts import Cgo, ImportedSymbol, Libc, NeededLibrary
from pytest_golink.findings import Finding, ImportStep, PlatformAnswer, Trial
from pytest_golink.report.facts_json import facts_json
from pytest_golink.report.model import BuildRecord, Report, ReportedError, ReportedFinding, ReportedImage
from pytest_golink.report.properties import ordered
from pytest_golink.rules import evaluate
from pytest_golink.rules.subject import Subject
from tests.report.hostile_names import HOSTILE_NAMES
from tests.rules.made import ARCHIVE, DYNAMIC, PE, STATIC, go

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Outcome

MADE = "2026-11-23T12:00:00Z"


def image(name: str, facts: BinaryFacts, **changes: object) -> ReportedImage:
    made = ReportedImage(
        name=name, facts=facts_json(replace(facts, path=f"dist/{name}")), build=None, tests=("golink.toml::x",)
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def asked(rule: str, name: str, facts: BinaryFacts, test: str = "", **changes: object) -> ReportedFinding:
    finding = evaluate(rule, Subject(name=name, facts=replace(facts, path=f"dist/{name}")), {})
    return ReportedFinding(test=test or f"golink.toml::{name}::{rule}", finding=replace(finding, **changes))  # type: ignore[arg-type]


RELEASE = ordered(
    [
        image(
            "app",
            DYNAMIC,
            build=BuildRecord(
                command=("go", "build", "-o", "built/0/app", "./cmd/app"),
                environment=(("CGO_ENABLED", "1"),),
                output="# warning\n",
                toolchain=(("go", "go1.27.3"), ("cc", "gcc 12.2.0")),
            ),
            sizes=(("runtime", 1000), ("net", 500)),
        ),
        image("agent", STATIC),
        image("agent", PE),
        image("lib", ARCHIVE),
    ],
    [
        asked("static", "app", DYNAMIC, place="golink.toml:14"),
        asked("static", "agent", STATIC, place="golink.toml:14"),
        asked("no-link-warnings", "agent", PE, place="golink.toml:15"),
        asked(
            "stripped", "agent", STATIC, outcome="waived", waiver="crash reports need symbols", place="golink.toml:16"
        ),
        asked(
            "dynamic",
            "agent",
            STATIC,
            test="tests/test_release.py::test_agent",
            chains=((ImportStep(package="example.com/app", place="main.go:3"), ImportStep(package="net")),),
            trials=(Trial(remedy="CGO_ENABLED=1", outcome="satisfies", price="a libc", toml="cgo = true"),),
            platforms=(PlatformAnswer(platform="alpine", starts=None, reason="the image does not tell"),),
            caution=("static is not asked of it",),
        ),
    ],
)

# Each way of having no answer: an image that does not build for two targets, one that is not there, a mistake in a
# policy, a test of its own, and a rule that could not be asked of an image that was read.
ERRORS = (
    ReportedError(kind="UsageError", text='unknown rule "statik"; did you mean "static"?', place="golink.toml:2"),
    ReportedError(kind="ParameterError", text="size: expected a size", tests=("tests/test_release.py::test_size",)),
    ReportedError(
        kind="SandboxError",
        text="user namespaces are off",
        image="agent",
        target="linux/amd64",
        path="dist/agent",
        place="golink.toml:19",
        tests=("golink.toml::agent::starts-alone",),
    ),
    *(
        ReportedError(
            kind="BuildError",
            text="cmd/tool does not build (exit status 1)\n  # example.com/tool\n  ./main.go:3:15: undefined: x",
            image="tool",
            target=target,
            place="golink.toml:30",
            tests=tuple(f"golink.toml::tool[{target}]::{rule}" for rule in ("static", "stripped")),
        )
        for target in ("linux/amd64", "linux/arm64")
    ),
)
FAILED = replace(RELEASE, errors=ERRORS)

# What each format, and each terminal and CI log, must not act on.
ATTACKS = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31mred",
    "::set-output name=x::y",
    "a\n::error file=x::y",
    "nice ::stop-commands::token",
    "##[group]x",
    "##vso[task.setvariable variable=x]y",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</code></td></tr></table><b>out</b>",
    "`code` | cell | **bold** [link](https://evil.example/) ![i](https://evil.example/i)",
    "https://evil.example/ www.evil.example @everyone #1",
    "lib\u202egnp.so\u2066x\u2069",
    "\udcff\udcfe.so",
    "{0} {{x}} %0A%25 ,:;",
    "\\[x\\] \\u202e",
    "a" * 200_000,
    *HOSTILE_NAMES,
)


def hostile() -> Report:
    """A report in which every name, and every line, is each attack in turn."""
    images: list[ReportedImage] = []
    findings: list[ReportedFinding] = []
    errors = [
        ReportedError(
            kind=attack,
            text=f"{attack}\n{attack}",
            image=attack,
            target=attack,
            path=attack,
            place=f"{attack}:3",
            tests=(attack,),
        )
        for attack in ATTACKS
    ]
    for number, attack in enumerate(ATTACKS):
        facts = replace(
            DYNAMIC,
            path=f"dist/{attack}",
            interpreter=attack,
            needed=(NeededLibrary(name=attack, via="DT_NEEDED"),),
            runpath=(attack,),
            imports=(ImportedSymbol(name=attack, library=attack, version=attack),),
            libc=Libc(kind="glibc", presence="dynamic", floor="2.34", floor_symbols=(attack,)),
            cgo=Cgo(enabled=True, used=True, packages=(attack,)),
            go=go(CGO_ENABLED=attack),
        )
        build = BuildRecord(
            command=("go", "build", "-o", "x", attack),
            environment=((attack, attack),),
            output=attack,
            toolchain=((attack, attack),),
        )
        images.append(
            ReportedImage(name=attack, facts=facts_json(facts), build=build, tests=(attack,), sizes=((attack, number),))
        )
        findings += [_finding(attack, "violated"), _finding(attack, "waived")]
    return Report(images=tuple(images), findings=tuple(findings), errors=tuple(errors))


def _finding(attack: str, outcome: Outcome) -> ReportedFinding:
    finding = Finding(
        rule="needs",
        outcome=outcome,
        image=attack,
        target=attack,
        path=f"dist/{attack}",
        expected=attack,
        observed=attack,
        evidence=(attack,),
        cause=(attack,),
        remedy=(attack,),
        caution=(attack,),
        parameters=(("libraries", attack),),
        place=f"{attack}:3",
        waiver=attack,
        chains=((ImportStep(package=attack, place=attack), ImportStep(package=attack)),),
        trials=(Trial(remedy=attack, outcome="breaks", detail=attack, toml=attack, goreleaser=attack),),
        platforms=(PlatformAnswer(platform=attack, starts=False, reason=attack),),
    )
    return ReportedFinding(test=attack, finding=finding)
