"""Rules about the linker's warnings, and about what they warn of, seen in the image."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import re

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.facts import BinaryFacts, LinkWarning
from pytest_golink.remedies.compilers import zig_cc
from pytest_golink.remedies.linkage import EXTERNAL_STATIC, leave_name_service
from pytest_golink.rules.parameters import Pattern
from pytest_golink.rules.proposal import Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.text.words import listed
from pytest_golink.traits import own_cgo_packages

# What glibc's static archive warns of (link_warning in its sources): functions that load shared libraries of the very
# same glibc while the program runs.
# Source: glibc's nss/getXXbyYY.c, nss/getXXent.c, nss/getaddrinfo.c, grp/initgroups.c, dlfcn/dlopen.c, iconv.
_FAMILY_TEXT = re.compile(r"in statically linked applications? requires at runtime the shared libraries", re.IGNORECASE)
_FAMILY = re.compile(
    r"getaddrinfo(_a)?|getnameinfo|gethost(by\w+|ent(_r)?)|getnet(by\w+|ent(_r)?|grent\w*)|getserv\w+|getproto\w+"
    r"|getpw\w+|getgr\w+|getgrouplist|getsp\w+|getsg\w+|getalias\w+|getether\w+|getrpc\w+|initgroups|innetgr"
    r"|set(net)?grent|setpwent|sethostent|setservent|ether_\w+|dlopen|dlmopen|dlsym|dladdr|iconv_open"
)
_USERS = re.compile(r"getpw\w+|getgr\w+|initgroups|setgrent|setpwent|getsp\w+|getsg\w+")
_LOADING = re.compile(r"dlopen|dlmopen|dlsym|dladdr")
_SHOWN = 8


@rule(
    "no-getaddrinfo-warning",
    group="linkage",
    page="no linker warning of that family at build time, and no glibc name-service code in a static image",
    concerns={Concern.CGO_LINKED},
    remedies=leave_name_service,
    propose=Proposal(
        why="No name lookup of glibc in a static program: it would crash, or not resolve, on another glibc.",
        needs='tags = ["netgo", "osusergo"], or a dynamic link',
    ),
)
def no_getaddrinfo_warning(subject: Subject) -> Verdict:
    """No linker warning of that family at build time, and no glibc name-service code in a static image."""
    facts = subject.facts
    expected = "no glibc name-service code or dlopen in a static image"
    warnings = [warning for warning in subject.link_warnings or () if _is_family(warning)]
    functions = sorted({warning.function for warning in warnings if warning.function} | set(facts.static_name_service))
    if warnings or facts.static_name_service:
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=listed(functions) or _count(len(warnings)),
            evidence=_said(warnings) + _seen(facts),
            cause=_callers(facts, functions),
            remedy=_remedy(facts, functions),
        )
    unanswered = undecidable_if_unlinked(facts, expected)
    if unanswered:
        return unanswered
    if facts.format != "elf":
        return Verdict(
            outcome="not-applicable", expected=expected, observed=f"{facts.format} images have no static glibc"
        )
    if facts.linkage == "dynamic" or facts.libc.presence != "embedded":
        observed = "dynamic: the libc that is loaded brings its own" if facts.linkage == "dynamic" else "no libc"
        return Verdict(outcome="passed", expected=expected, observed=observed, evidence=_looked_at(subject))
    if facts.libc.kind == "unknown" and subject.link_warnings is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="a libc is linked in, and the image does not say which",
            evidence=_looked_at(subject),
            remedy=("build it here, so that the linker's own warnings are seen",),
        )
    return Verdict(
        outcome="passed",
        expected=expected,
        observed=f"{facts.libc.kind} is linked in, without such a function",
        evidence=_looked_at(subject),
    )


@rule(
    "no-link-warnings",
    group="linkage",
    page="the linker printed no warning, but for lines that match a regular expression of `allow`",
    concerns={Concern.CGO_LINKED},
    remedies=leave_name_service,
)
def no_link_warnings(subject: Subject, *, allow: tuple[Pattern, ...] = ()) -> Verdict:
    """No linker warning, but for lines that match a regular expression of the list."""
    expected = "no linker warning" + (f", but for {listed(allow)}" if allow else "")
    if subject.link_warnings is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="the image was not built in this run, and does not keep the linker's messages",
            remedy=("build it with go_build, or let CI keep the linker's output",),
        )
    said = subject.link_warnings
    others = [warning for warning in said if not any(re.search(pattern, warning.text) for pattern in allow)]
    allowed = len(said) - len(others)
    seen = f"{len(others)} of {_count(len(said))}" if allowed else _count(len(said))
    return Verdict(
        outcome="violated" if others else "passed",
        expected=expected,
        observed=seen if others else f"{allowed} allowed" if allowed else "none",
        evidence=_said(others if others else said) or ("the linker printed nothing",),
    )


def _count(number: int) -> str:
    return f"{number} linker warning{'' if number == 1 else 's'}"


def _is_family(warning: LinkWarning) -> bool:
    if _FAMILY_TEXT.search(warning.text):
        return True
    return warning.function is not None and _FAMILY.fullmatch(warning.function) is not None


def _said(warnings: list[LinkWarning] | tuple[LinkWarning, ...]) -> tuple[str, ...]:
    # From "warning:" on; the paths of the linker's temporary files before it say nothing.
    lines: dict[str, None] = {}
    for warning in warnings:
        at = warning.text.find("warning:")
        text = warning.text[at:] if at >= 0 else warning.text
        where = ", ".join(filter(None, (warning.caller, warning.source)))
        lines[f"linker: {text}{f' (from {where})' if where else ''}"] = None
    shown = tuple(lines)[:_SHOWN]
    return shown + ((f"… {len(lines) - _SHOWN} more",) if len(lines) > _SHOWN else ())


def _seen(facts: BinaryFacts) -> tuple[str, ...]:
    if not facts.static_name_service:
        return ()
    return (f"in the image: {listed(facts.static_name_service, most=10)}, of the glibc that is linked in",)


def _looked_at(subject: Subject) -> tuple[str, ...]:
    facts = subject.facts
    if subject.link_warnings is None:
        lines = ["the linker's output of a prebuilt image is unknown"]
    else:
        lines = ["linker: no such warning"]
    if facts.libc.presence != "embedded":
        return (*lines, "no libc is linked into the image")
    lines.append(f"in the image: no name-service code of {facts.libc.kind}")
    others = [package for package in own_cgo_packages(facts) if package not in ("net", "os/user", "plugin")]
    if facts.libc.kind == "glibc" and subject.link_warnings is None and not facts.symtab and (others or not facts.go):
        # go-facts.md: dlopen's texts are in every static glibc image, so without symbols nothing tells who calls it.
        lines.append(
            f"not visible: whether C code{f' of {listed(others)}' if others else ''} calls dlopen (no symbol table)"
        )
    return tuple(lines)


def _callers(facts: BinaryFacts, functions: list[str]) -> tuple[str, ...]:
    own = own_cgo_packages(facts)
    causes = []
    if "net" in own and any(not _USERS.fullmatch(name) and not _LOADING.fullmatch(name) for name in functions):
        causes.append("net uses cgo and calls libc's resolver")
    if "os/user" in own and any(_USERS.fullmatch(name) for name in functions):
        causes.append("os/user uses cgo and calls libc's user database")
    if "plugin" in own and any(_LOADING.fullmatch(name) for name in functions):
        causes.append("plugin uses cgo and calls dlopen")
    others = [package for package in own if package not in ("net", "os/user", "plugin")]
    if others and not causes:
        causes.append(f"C code of {listed(others)}, or what it links to, calls it")
    return (*causes, "glibc, though linked in, loads shared libraries of its own version for these")


def _remedy(facts: BinaryFacts, functions: list[str]) -> tuple[str, ...]:
    own = own_cgo_packages(facts)
    users = any(_USERS.fullmatch(name) for name in functions)
    names = any(not _USERS.fullmatch(name) and not _LOADING.fullmatch(name) for name in functions)
    tags = [
        tag for tag, wanted in (("netgo", names and "net" in own), ("osusergo", users and "os/user" in own)) if wanted
    ]
    remedy = [f"-tags {','.join(tags)}: Go's own code instead of glibc's"] if tags else []
    if any(_LOADING.fullmatch(name) for name in functions):
        # musl's own dlopen in a static image only ever says "Dynamic loading not supported" (musl's src/ldso/dlopen.c).
        remedy.append("build without -static: dlopen needs a loader (static musl links silently, and its dlopen fails)")
        return tuple(remedy)
    zig = zig_cc(facts, "musl")
    if zig:
        remedy.append(
            f'{"or " if remedy else ""}link musl in, which loads nothing: CC="{zig}" CGO_ENABLED=1 {EXTERNAL_STATIC}'
        )
    if not remedy:
        remedy.append("link libc dynamically, or leave out the package that calls it")
    return tuple(remedy)
