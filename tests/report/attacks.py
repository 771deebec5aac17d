"""A report whose every word comes from an attacker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.facts import Cgo, Libc
from pytest_golink.findings import Finding, ImportStep, PlatformAnswer, Remedy, Trial
from pytest_golink.report.facts_json import facts_json
from pytest_golink.report.model import BuildRecord, Report, ReportedError, ReportedFinding, ReportedImage
from tests.report.hostile_names import HOSTILE_NAMES
from tests.rules.facts_factory import DYNAMIC, go, needed, symbols

if TYPE_CHECKING:
    from pytest_golink.findings import Outcome

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
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=alert(1)>",
    '<img src=x onerror="document.title=1">',
    "&lt;b&gt; \"quoted\" 'name' `tick` {brace} %s",
    "-->]]><!--",
    "</code></td></tr></table><b>out</b>",
    "`code` | cell | **bold** [link](https://evil.example/) ![i](https://evil.example/i)",
    "https://evil.example/ www.evil.example @everyone #1",
    "[link](javascript:alert(1)) | cell",
    "lib\u202egnp.so\u2066\u200bx\u2069",
    "a\x1b[2J\nb\x00\x85",
    "\udcff\udcfe.so",
    "\udcff\ud800",
    "{0} {{x}} %0A%25 ,:;",
    "\\[x\\] \\u202e",
    *HOSTILE_NAMES,
    "a" * 200_000,
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
            needed=needed(attack),
            runpath=(attack,),
            imports=symbols(attack, library=attack, version=attack),
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
        remedies=(Remedy(words=attack),),
        caution=(attack,),
        parameters=(("libraries", attack),),
        place=f"{attack}:3",
        waiver=attack,
        chains=((ImportStep(package=attack, place=attack), ImportStep(package=attack)),),
        trials=(Trial(remedy=attack, outcome="breaks", detail=attack, toml=attack, goreleaser=attack),),
        platforms=(PlatformAnswer(platform=attack, starts=False, reason=attack),),
    )
    return ReportedFinding(test=attack, finding=finding)
