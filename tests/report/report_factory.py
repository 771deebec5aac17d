"""Reports written by hand: of each outcome, with every feature, and of any size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_golink.findings import Finding, ImportStep, PlatformAnswer, Trial
from pytest_golink.report.facts_json import facts_json
from pytest_golink.report.model import BuildRecord, Report, ReportedError, ReportedFinding, ReportedImage
from pytest_golink.report.properties import ordered
from pytest_golink.rules import RULES, evaluate
from pytest_golink.rules.subject import Subject
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, GLIBC_STATIC, MACHO, PE, STATIC, symbols, target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import BinaryFacts

MADE = "2026-11-23T12:00:00Z"


def image(name: str, facts: BinaryFacts, **changes: Any) -> ReportedImage:
    """An image at its own path; `changes` are of the ReportedImage."""
    made = ReportedImage(
        name=name, facts=facts_json(facts), build=None, tests=(f"golink.toml::{name}[{facts.target}]",)
    )
    return replace(made, **changes)


def shipped(name: str, facts: BinaryFacts, **changes: Any) -> ReportedImage:
    """An image of that name in dist/."""
    return image(name, replace(facts, path=f"dist/{name}"), **changes)


# A report shows what rules write. These tests are about the showing: what their rules write is written here, so that a
# rule may put it otherwise.
_STATIC = {
    "cause": ("net uses cgo: its wrappers are in the image, and runtime/cgo with them",),
    "remedy": ("CGO_ENABLED=0, or -tags netgo",),
}
_WORDS: Mapping[str, Mapping[str, Any]] = {
    "static": _STATIC,
    "glibc-at-most": _STATIC,
    "stripped": {"observed": "a symbol table and DWARF", "remedy": ('-ldflags "-s -w"',)},
    "dynamic": {
        "cause": ("runtime/cgo is not linked in",),
        "remedy": ("CGO_ENABLED=1 with a C compiler, and a package that uses cgo",),
    },
    "no-link-warnings": {
        "observed": "this image was not built here: an image does not keep what its linker said",
        "remedy": ("build it with go_build, or let CI keep the linker's output",),
    },
}


def evaluated(rule: str, subject: Subject, parameters: Mapping[str, object] | None = None) -> Finding:
    """What a rule finds, and the words of these tests for why it does not hold."""
    finding = evaluate(rule, subject, parameters or {})
    return finding if finding.outcome == "passed" else replace(finding, **_WORDS.get(rule, {}))


def finding_of(rule: str, name: str, facts: BinaryFacts, test: str = "", **changes: Any) -> ReportedFinding:
    """What a rule without parameters finds in an image of that name in dist/; `changes` are of the Finding."""
    finding = evaluated(rule, Subject(name=name, facts=replace(facts, path=f"dist/{name}")))
    return ReportedFinding(test=test or f"golink.toml::{name}::{rule}", finding=replace(finding, **changes))


def record(package: str, *flags: str, **environment: str) -> BuildRecord:
    """How an image was built."""
    return BuildRecord(
        command=("go", "build", "-o", "built/3f2a/server", *flags, package),
        environment=tuple(sorted({"LC_ALL": "C", **environment}.items())),
        toolchain=(("go", "go1.27.3"), ("cc", "gcc 12.2.0")),
        output="# runtime/cgo\ngcc: warning: argument unused during compilation: '-pthread'\n",
    )


def no_build(image: str, line: int) -> tuple[ReportedError, ...]:
    """An image that does not build for two targets, of each of which two rules were to be checked."""
    return tuple(
        ReportedError(
            kind="BuildError",
            text=f"cmd/{image} does not build (exit status 1)\n  # example.com/{image}\n  ./main.go:3:15: undefined: x",
            image=image,
            target=target,
            place=f"golink.toml:{line}",
            tests=tuple(f"golink.toml::{image}[{target}]::{rule}" for rule in ("static", "stripped")),
        )
        for target in ("linux/amd64", "linux/arm64")
    )


def no_run(image: str, line: int) -> ReportedError:
    """A rule that could not run an image, which was read."""
    return ReportedError(
        kind="SandboxError",
        text="user namespaces are off",
        image=image,
        target="linux/amd64",
        path=f"dist/{image}",
        place=f"golink.toml:{line}",
        tests=(f"golink.toml::{image}::starts-alone",),
    )


UNKNOWN_RULE = ReportedError(
    kind="UsageError", text='unknown rule "statik"; did you mean "static"?', place="golink.toml:2"
)

RELEASE = ordered(
    [
        shipped(
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
        shipped("agent", STATIC),
        shipped("agent", PE),
        shipped("lib", ARCHIVE),
    ],
    [
        finding_of("static", "app", DYNAMIC, place="golink.toml:14"),
        finding_of("static", "agent", STATIC, place="golink.toml:14"),
        finding_of("no-link-warnings", "agent", PE, place="golink.toml:15"),
        finding_of(
            "stripped", "agent", STATIC, outcome="waived", waiver="crash reports need symbols", place="golink.toml:16"
        ),
        finding_of(
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

# Each way of having no answer: a mistake in a policy, a test of the user's own, a rule that could not be checked of an
# image that was read, and an image that does not build.
ERRORS = (
    UNKNOWN_RULE,
    ReportedError(kind="ParameterError", text="size: expected a size", tests=("tests/test_release.py::test_size",)),
    no_run("agent", 19),
    *no_build("tool", 30),
)
FAILED = replace(RELEASE, errors=ERRORS)

APP = "example.com/shop/cmd/server"
CHAIN = (
    ImportStep(package=APP, place="cmd/server/main.go:9"),
    ImportStep(package="example.com/shop/internal/health", place="internal/health/probe.go:7"),
    ImportStep(package="net", place="net/cgo_linux.go:13"),
    ImportStep(package="runtime/cgo"),
)
OTHER_CHAIN = (
    ImportStep(package=APP, place="cmd/server/main.go:12"),
    ImportStep(package="example.com/shop/internal/account", place="internal/account/owner.go:5"),
    ImportStep(package="os/user", place="os/user/cgo_lookup_cgo.go:9"),
    ImportStep(package="runtime/cgo"),
)
TRIALS = (
    Trial(
        remedy="CGO_ENABLED=0",
        outcome="satisfies",
        price="names are resolved by Go alone: no LDAP users, no mDNS",
        toml="cgo = false",
        goreleaser="env:\n  - CGO_ENABLED=0",
    ),
    Trial(
        remedy="-tags netgo,osusergo",
        outcome="breaks",
        detail="no-cgo: github.com/mattn/go-sqlite3 still uses cgo",
        toml='tags = ["netgo", "osusergo"]',
    ),
    Trial(remedy='CC="zig cc -target x86_64-linux-musl"', outcome="does-not-build", detail="undefined: __res_search"),
    Trial(remedy="-buildmode=pie", outcome="does-not-start", detail="no such file: /lib/ld-musl-x86_64.so.1"),
)
PLATFORMS = (
    PlatformAnswer(platform="scratch", starts=False, reason="there is no /lib64/ld-linux-x86-64.so.2"),
    PlatformAnswer(platform="alpine", starts=False, reason="its loader is musl's: /lib/ld-musl-x86_64.so.1"),
    PlatformAnswer(platform="rhel7", starts=False, reason="it has glibc 2.17, the image needs 2.34"),
    PlatformAnswer(platform="debian12", starts=True, reason="it has the loader, libc.so.6 and glibc 2.36"),
    PlatformAnswer(platform="appliance", starts=None, reason="golink.toml does not say which glibc it has"),
)
STARTS = tuple(PlatformAnswer(platform=each.platform, starts=True, reason="needs nothing") for each in PLATFORMS)
SIZES = (
    ("runtime", 412_332),
    ("net/http", 388_120),
    ("crypto/tls", 201_004),
    ("net", 160_988),
    ("example.com/shop/internal/catalogue/search/index", 91_233),
    ("encoding/json", 70_400),
    ("example.com/shop/cmd/server", 12_006),
)


def report(
    *recorded: tuple[ReportedImage, BinaryFacts, Mapping[str, dict[str, object]]],
    extra: tuple[Finding, ...] = (),
) -> Report:
    images, findings = [], []
    for image, facts, asked in recorded:
        images.append(image)
        for rule, parameters in asked.items():
            finding = evaluate(rule, Subject(name=image.name, facts=facts), parameters)
            findings.append(ReportedFinding(test=f"golink.toml::{image.name}[{facts.target}]::{rule}", finding=finding))
    findings += [ReportedFinding(test=f"golink.toml::{each.image}::{each.rule}", finding=each) for each in extra]
    return Report(images=tuple(images), findings=tuple(findings))


def _all_features() -> Report:
    rules: dict[str, dict[str, object]] = {
        "static": {},
        "self-contained": {},
        "needs-libc": {"kind": "glibc", "at-most": "2.17"},
        "no-cgo": {},
        "stripped": {},
        "nx": {},
        "pie": {},
        "no-build-paths": {},
        "go-version": {"at-least": "1.24"},
        "max-size": {"size": "1 MB"},
        "no-link-warnings": {},
    }
    server = replace(DYNAMIC, path="built/3f2a/server", size=9_812_332)
    static = replace(STATIC, path="built/77b1/server", symtab=False, dwarf=False)
    arm = replace(
        DYNAMIC, path="built/91c0/server", target=target("linux/arm64"), interpreter="/lib/ld-linux-aarch64.so.1"
    )
    mac = replace(MACHO, path="built/a001/server")
    windows = replace(PE, path="dist/server_windows_amd64/server.exe")
    tool = replace(GLIBC_STATIC, path="dist/tool")
    made = report(
        (image("server", server, build=record(".", CGO_ENABLED="1"), sizes=SIZES), server, rules),
        (image("server", static, build=record(".", "-ldflags=-s -w", CGO_ENABLED="0"), sizes=SIZES), static, rules),
        (image("server", arm, build=record(".", CGO_ENABLED="1")), arm, rules),
        (image("server", mac), mac, rules),
        (image("server", windows), windows, rules),
        (image("tool", tool), tool, rules),
    )
    findings = []
    for reported in made.findings:
        finding = replace(reported.finding, place="golink.toml:14")
        if finding.rule == "static" and finding.outcome == "violated" and finding.path == server.path:
            finding = replace(
                finding, chains=(CHAIN, OTHER_CHAIN), trials=TRIALS, caution=("what dlopen loads at run time",)
            )
        if finding.rule == "stripped" and finding.outcome == "violated":
            finding = replace(
                finding, outcome="waived", waiver="crash reports need symbols until the symbol server is up"
            )
        findings.append(replace(reported, finding=finding))
    for facts, outcome, platforms in ((server, "violated", PLATFORMS), (static, "passed", STARTS)):
        runs_on = Finding(
            rule="runs-on",
            outcome="violated" if outcome == "violated" else "passed",
            image="server",
            target="linux/amd64",
            path=facts.path,
            expected="starts on scratch, alpine, rhel7, debian12, appliance",
            observed="does not start on scratch, alpine, rhel7" if outcome == "violated" else "starts on all of them",
            platforms=platforms,
            place="golink.toml:9",
        )
        findings.append(ReportedFinding(test="golink.toml::server[linux/amd64]::runs-on", finding=runs_on))
    return replace(made, findings=tuple(findings))


FEATURES = _all_features()
# What has no answer beside FEATURES: an image that is not among its own, and one that is.
FEATURES_ERRORS = (UNKNOWN_RULE, *no_build("agent", 21), no_run("tool", 40))


# Parameters of the rules that must have some.
PARAMETERS: Mapping[str, dict[str, object]] = {
    "needs": {"libraries": ["libc.so.6"]},
    "only-needs": {"libraries": ["libc.so.6"]},
    "interpreter": {"path": "/lib64/ld-linux-x86-64.so.2"},
    "glibc-at-most": {"version": "2.17"},
    "imports": {"symbols": ["getaddrinfo"]},
    "no-imports": {"symbols": ["dlopen"]},
    "only-cgo-packages": {"packages": ["net"]},
    "linkmode": {"mode": "internal"},
    "resolver": {"kind": ["go"]},
    "user-lookup": {"kind": "files"},
    "fips": {"kind": "go"},
    "go-version": {"at-least": "1.24"},
    "build-setting": {"settings": {"GOOS": "linux"}},
    "no-modules": {"modules": ["example.com/*"]},
}


def large(count: int, rules: int) -> Report:
    """As many images, each with that many rules; one in four is not as it should be."""
    targets = ("linux/amd64", "linux/arm64", "linux/386", "linux/riscv64")
    asked = {name: PARAMETERS.get(name, {}) for name in [*RULES][:rules]}
    recorded = []
    for number in range(count):
        facts = replace(
            DYNAMIC if number % 4 == 0 else STATIC,
            path=f"built/{number:04x}/service",
            size=5_000_000 + number * 1013,
            target=target(targets[number % 4]),
        )
        if number % 4 == 0:
            imported = (f"symbol_{number % 7}_{each}" for each in range(60))
            facts = replace(facts, imports=(*facts.imports, *symbols(*imported, library="libc.so.6")))
        recorded.append((image(f"cmd/service-{number // 4:03d}", facts, build=record("."), sizes=SIZES), facts, asked))
    return report(*recorded)
