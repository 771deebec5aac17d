"""
The rule that holds the build info against the image: a witness, not the truth.

Each check looks at one claim. It yields the claim and the contradiction in words, "" where the image bears the claim
out; nothing where the image does not show it: a claim that cannot be checked is not contradicted.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.claims import BORING, PIE, Contradicted, why_contradicted
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.golang.versions import version_key
from pytest_golink.remedies.content import build_again
from pytest_golink.rules.proposal import Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.verdict import Verdict, undecidable
from pytest_golink.text.words import listed
from pytest_golink.traits import setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_golink.facts import BinaryFacts, Instrumentation
    from pytest_golink.rules.subject import Subject

    # The claim as the build info writes it; what contradicts it.
    Checked = tuple[str, str]

_SHOWN_PATHS = 3
_LIBRARY_MODES = ("c-shared", "plugin", "shared")


@rule(
    "claims-hold",
    group="content",
    page="nothing that the image shows contradicts what its build info claims: see below",
    concerns={Concern.CGO_LINKED},
    causes=why_contradicted,
    remedies=build_again,
    propose=Proposal(
        why="The image is what its build info says: Go version, target, cgo, tags, link flags.",
        needs="a build that nothing changes afterwards",
    ),
)
def claims_hold(subject: Subject) -> Verdict:
    """Nothing that the image shows contradicts what its build info claims."""
    facts = subject.facts
    expected = "the image bears out what its build info claims"
    if facts.go is None or facts.go.version is None or facts.kind in ("object", "archive"):
        return undecidable(facts, expected)
    checked = [(claim, wrong) for check in _CHECKS for claim, wrong in check(facts)]
    wrong = [f"{claim}, but {contradiction}" for claim, contradiction in checked if contradiction]
    right = [claim for claim, contradiction in checked if not contradiction]
    if not checked:
        return undecidable(facts, expected)
    if not wrong:
        return Verdict(
            outcome="passed",
            expected=expected,
            observed=f"nothing contradicts the {len(right)} claims that the image can bear out",
            evidence=(f"borne out: {listed(right, most=20)}",),
        )
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=f"{len(wrong)} of {len(checked)} claims {'is' if len(wrong) == 1 else 'are'} contradicted",
        evidence=tuple(wrong),
        details=Contradicted(claims=frozenset(claim for claim, contradiction in checked if contradiction)),
    )


def _version(facts: BinaryFacts) -> Iterator[Checked]:
    # The layout of the pclntab changed with Go 1.16, 1.18 and 1.20.
    version, layout = facts.go.version if facts.go else None, facts.content.pclntab
    key = version_key(version or "")
    if key is None or layout is None:
        return
    layouts = [("1.20", (1, 20)), ("1.18", (1, 18)), ("1.16", (1, 16))]
    claimed = next((name for name, since in layouts if key[:2] >= since), "1.2")
    yield f"version {version}", "" if claimed == layout else f"the pclntab has the layout of Go {layout}"


def _port(facts: BinaryFacts) -> Iterator[Checked]:
    goos, goarch = setting(facts, "GOOS"), setting(facts, "GOARCH")
    seen = facts.target
    if goarch and seen is not None:
        yield f"GOARCH={goarch}", "" if seen.goarch == goarch else f"the headers say {seen.goarch}"
    startup = facts.content.startup
    if goos and facts.format in ("macho", "pe") and seen is not None:
        yield f"GOOS={goos}", "" if seen.goos == goos else f"the headers say {seen.goos}"
    elif goos and startup is not None:
        yield f"GOOS={goos}", "" if startup == goos else f"its entry point is {startup}'s"


def _cgo(facts: BinaryFacts) -> Iterator[Checked]:
    if facts.cgo.enabled is False and facts.cgo.used is not None:
        yield "CGO_ENABLED=0", "runtime/cgo is linked in" if facts.cgo.used else ""


def _names(facts: BinaryFacts) -> Iterator[Checked]:
    # Only an image that was altered has one without the other.
    if facts.cgo.witnesses:
        yield "no function of runtime/cgo in the pclntab", f"the image has {listed(facts.cgo.witnesses, most=3)}"


def _tags(facts: BinaryFacts) -> Iterator[Checked]:
    tags = setting(facts, "-tags").split(",")
    if "netgo" in tags and facts.resolver is not None and facts.format != "plan9":
        through = [path for path in facts.resolver if path in ("cgo", "system")]
        words = {"cgo": "through cgo", "system": "from the system"}
        yield "tag netgo", f"getaddrinfo is called, {words[through[0]]}" if through else ""
    lookup = facts.content.user_lookup
    if "osusergo" in tags and lookup is not None and facts.format != "pe":
        yield "tag osusergo", "os/user calls libc's getpwuid_r and the like" if "system" in lookup else ""


def _boring(facts: BinaryFacts) -> Iterator[Checked]:
    crypto = facts.content.crypto
    if not crypto:
        # Nothing of Go's cryptography either: there is nothing that BoringCrypto would have replaced.
        return
    linked = any(module.kind == "boringcrypto" for module in crypto)
    version = facts.go.version if facts.go else ""
    claimed = "boringcrypto" in setting(facts, "GOEXPERIMENT").split(",") or "boringcrypto" in (version or "")
    if claimed:
        yield BORING, "" if linked else "none of BoringCrypto's functions is linked in"
    elif linked and facts.go and facts.go.settings:
        yield "no GOEXPERIMENT=boringcrypto", "BoringCrypto's functions are linked in"


def _fips(facts: BinaryFacts) -> Iterator[Checked]:
    claimed = setting(facts, "GOFIPS140") or "off"
    linked = [module for module in facts.content.crypto or () if module.kind == "go"]
    if not linked or not setting(facts, "GOARCH"):
        return
    versions = {module.version for module in linked}
    wanted = None if claimed in ("latest", "off") else claimed
    seen = listed([f"crypto/internal/fips140{f'/{version}' if version else ''}" for version in versions])
    if claimed != "off" or versions != {None}:
        yield f"GOFIPS140={claimed}", "" if versions == {wanted} else f"the module that is linked in is {seen}"


def _instrumentation(facts: BinaryFacts) -> Iterator[Checked]:
    linked = facts.content.instrumentation
    if linked is None:
        return
    kinds: tuple[Instrumentation, ...] = ("race", "msan", "asan", "cover")
    for kind in kinds:
        if setting(facts, f"-{kind}") == "true":
            yield f"-{kind}=true", "" if kind in linked else "its run-time support is not linked in"
        # Settings are recorded since Go 1.18, -cover since 1.20.
        elif kind in linked and kind != "cover" and setting(facts, "GOARCH"):
            yield f"no -{kind}", "its run-time support is linked in"


def _build_mode(facts: BinaryFacts) -> Iterator[Checked]:
    mode = setting(facts, "-buildmode")
    if mode == "pie" and facts.hardening.pie is not None:
        yield PIE, "" if facts.hardening.pie else "the image is not position independent"
    elif mode in _LIBRARY_MODES and facts.format in ("elf", "macho", "pe"):
        yield f"-buildmode={mode}", "" if facts.kind == "shared-library" else f"the image is an {facts.kind}"


def _ldflags(facts: BinaryFacts) -> Iterator[Checked]:
    flags = linker_flags(setting(facts, "-ldflags"))
    mode = flags.get("linkmode")
    if mode in ("internal", "external") and facts.link_mode is not None:
        yield f"-ldflags -linkmode={mode}", "" if facts.link_mode == mode else f"the link mode is {facts.link_mode}"
    no_symbols = _is_on(flags.get("s"))
    # -s implies -w unless -w=0 says otherwise (since Go 1.22).
    no_dwarf = _is_on(flags.get("w", "true" if no_symbols else None))
    # clang keeps a symbol table for -s; and only -w does not reach the DWARF of C code.
    if no_symbols and facts.symtab is not None and (facts.format != "macho" or facts.link_mode == "internal"):
        yield "-ldflags -s", "there is a symbol table" if facts.symtab else ""
    if no_dwarf and facts.dwarf is not None and facts.link_mode == "internal":
        yield f"-ldflags -{'w' if 'w' in flags else 's'}", "there is DWARF" if facts.dwarf else ""


def linker_flags(ldflags: str) -> dict[str, str]:
    """Return Go's linker flags of a build setting -ldflags, without their hyphens; "true" for those without a value."""
    try:
        words = shlex.split(ldflags)
    except ValueError:
        return {}
    # "all=-s -w": the packages that the flags are for.
    if words and not words[0].startswith("-"):
        words[0] = words[0].partition("=")[2]
    flags: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("-"):
            continue
        if name in ("linkmode", *_WITH_VALUE) and not equals:
            value = next(rest, "")
        flags[name] = value if equals or name in ("linkmode", *_WITH_VALUE) else "true"
    return flags


# The flags of cmd/link whose value is its own word: that word is no flag.
_WITH_VALUE = frozenset(
    {"B", "E", "H", "I", "L", "R", "T", "X", "buildid", "buildmode", "cpuprofile", "extar", "extld", "extldflags"}
    | {"installsuffix", "k", "libgcc", "memprofile", "o", "pluginpath", "r", "tmpdir"}
)


def _is_on(value: str | None) -> bool:
    return value is not None and value.lower() not in ("0", "f", "false")


def _trimpath(facts: BinaryFacts) -> Iterator[Checked]:
    paths = facts.content.build_paths
    if setting(facts, "-trimpath") == "true" and paths is not None:
        seen = [found.path for found in paths if found.where == "pclntab"]
        yield "-trimpath=true", f"the pclntab names {listed(seen, most=_SHOWN_PATHS)}" if seen else ""


def _compiler(facts: BinaryFacts) -> Iterator[Checked]:
    compiler = setting(facts, "-compiler")
    if compiler == "gccgo" and facts.content.pclntab is not None:
        yield "-compiler=gccgo", "there is a pclntab, which only gc writes"


_CHECKS: tuple[Callable[[BinaryFacts], Iterator[Checked]], ...] = (
    _version,
    _port,
    _cgo,
    _names,
    _tags,
    _boring,
    _fips,
    _instrumentation,
    _build_mode,
    _ldflags,
    _trimpath,
    _compiler,
)
