"""Reports written by hand: every feature of a finding, names of a hostile image, and one of any size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.facts import Cgo, Libc
from pytest_golink.findings import Finding, ImportStep, PlatformAnswer, Trial
from pytest_golink.report.facts_json import facts_json
from pytest_golink.report.model import BuildRecord, Report, ReportedError, ReportedFinding, ReportedImage
from pytest_golink.rules import RULES, evaluate
from pytest_golink.rules.subject import Subject
from tests.rules.made import DYNAMIC, GLIBC_STATIC, MACHO, PE, STATIC, needed, symbols, target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import BinaryFacts

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
# Each would do something in a page, a terminal or a log that took it for its own.
HOSTILE = (
    "</script><script>document.title='owned'</script>",
    '<img src=x onerror="document.title=1">',
    "&lt;b&gt; \"quoted\" 'name' `tick` {brace} %s",
    "lib\u202egnp.so\u2066\u200b",
    "a\x1b[2J\nb\x00\x85",
    "\udcff\ud800",
    "::set-output name=x::y",
    "[link](javascript:alert(1)) | cell",
    "-->]]><!--",
    "n" * 20_000,
)


def build(package: str, *flags: str, **environment: str) -> BuildRecord:
    return BuildRecord(
        command=("go", "build", "-o", "built/3f2a/server", *flags, package),
        environment=tuple(sorted({"LC_ALL": "C", **environment}.items())),
        toolchain=(("go", "go1.27.3"), ("cc", "gcc 12.2.0")),
        output="# runtime/cgo\ngcc: warning: argument unused during compilation: '-pthread'\n",
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


def image(
    name: str, facts: BinaryFacts, *, record: BuildRecord | None = None, sizes: tuple[tuple[str, int], ...] = ()
) -> ReportedImage:
    tests = (f"golink.toml::{name}[{facts.target}]",)
    return ReportedImage(name=name, facts=facts_json(facts), build=record, tests=tests, sizes=sizes)


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
        (image("server", server, record=build(".", CGO_ENABLED="1"), sizes=SIZES), server, rules),
        (image("server", static, record=build(".", "-ldflags=-s -w", CGO_ENABLED="0"), sizes=SIZES), static, rules),
        (image("server", arm, record=build(".", CGO_ENABLED="1")), arm, rules),
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
# What has no answer, of one image, of several, and of none.
ERRORS = (
    ReportedError(kind="UsageError", text='unknown rule "statik"; did you mean "static"?', place="golink.toml:2"),
    *(
        ReportedError(
            kind="BuildError",
            text="cmd/agent does not build (exit status 1)\n"
            "  # example.com/shop/cmd/agent\n  ./main.go:3:15: undefined: x",
            image="agent",
            target=target,
            place="golink.toml:21",
            tests=tuple(f"golink.toml::agent[{target}]::{rule}" for rule in ("static", "stripped")),
        )
        for target in ("linux/amd64", "linux/arm64")
    ),
    ReportedError(
        kind="SandboxError",
        text="user namespaces are off on this machine",
        image="tool",
        target="linux/amd64",
        path="dist/tool",
        place="golink.toml:40",
        tests=("golink.toml::tool::starts-alone",),
    ),
)


def hostile() -> Report:
    """A report in which every text that comes from an image is one of HOSTILE."""
    images, findings = [], []
    for number, name in enumerate(HOSTILE):
        facts = replace(
            DYNAMIC,
            path=f"build/{number}/{name}",
            interpreter=name,
            needed=needed(name),
            imports=symbols(name, library=name, version=name),
            libc=Libc(kind="glibc", presence="dynamic", floor="2.34", floor_symbols=(name,)),
            cgo=Cgo(enabled=True, used=True, packages=(name,)),
        )
        record = BuildRecord(command=("go", name), environment=((name, name),), output=name)
        images.append(
            ReportedImage(name=name, facts=facts_json(facts), build=record, tests=(name,), sizes=((name, 1000),))
        )
        lines = (name, name)
        finding = Finding(
            rule="static",
            outcome="violated",
            image=name,
            target="linux/amd64",
            path=facts.path,
            expected=name,
            observed=name,
            evidence=lines,
            cause=lines,
            remedy=lines,
            parameters=((name, name),),
            caution=lines,
            place=name,
            waiver=name,
            chains=((ImportStep(package=name, place=name), ImportStep(package=name)),),
            trials=(Trial(remedy=name, outcome="breaks", detail=name, price=name, toml=name, goreleaser=name),),
            platforms=(PlatformAnswer(platform=name, starts=False, reason=name),),
        )
        findings.append(ReportedFinding(test=name, finding=finding))
    errors = [
        ReportedError(kind=name, text=f"{name}\n{name}", image=name, target=name, path=name, place=name, tests=(name,))
        for name in HOSTILE
    ]
    return Report(images=tuple(images), findings=tuple(findings), errors=tuple(errors))


# For rules that must be asked something.
ASKED: Mapping[str, dict[str, object]] = {
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
    asked = {name: ASKED.get(name, {}) for name in [*RULES][:rules]}
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
        recorded.append((image(f"cmd/service-{number // 4:03d}", facts, record=build("."), sizes=SIZES), facts, asked))
    return report(*recorded)
