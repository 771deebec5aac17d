"""Rules about how an image is hardened: by its own headers, whatever flags the build had."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from collections.abc import Iterator, Sequence

from pytest_golink.facts import BinaryFacts, Relro
from pytest_golink.remedies.flags import make_pie, more_relro, no_exec_stack, without_flags
from pytest_golink.remedies.linkage import STATIC_PIE
from pytest_golink.rules.evidence import header_lines
from pytest_golink.rules.proposal import C_LINKER, Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.traits import setting

# Source: Go 1.27's internal/platform/supported.go, BuildModeSupported.
_PIE_PORTS = frozenset(
    {
        "aix/ppc64",
        "android/386",
        "android/amd64",
        "android/arm",
        "android/arm64",
        "darwin/amd64",
        "darwin/arm64",
        "freebsd/amd64",
        "ios/amd64",
        "ios/arm64",
        "linux/386",
        "linux/amd64",
        "linux/arm",
        "linux/arm64",
        "linux/loong64",
        "linux/ppc64",
        "linux/ppc64le",
        "linux/riscv64",
        "linux/s390x",
        "openbsd/arm64",
        "windows/386",
        "windows/amd64",
        "windows/arm64",
    }
)

STATIC_PIE_NOW = STATIC_PIE.replace("-linkmode external", "-linkmode external -bindnow")

_LEVELS: tuple[Relro, ...] = ("none", "partial", "full")

# What a linker says of an object file without .note.GNU-stack, or with an executable one (GNU ld from 2.39 on; lld
# says nothing of the former, and makes the stack executable only when told to).
_STACK_WARNING = ".note.GNU-stack"


@rule(
    "pie",
    group="hardening",
    page="the image is position independent, as a shared library always is",
    remedies=make_pie,
    propose=Proposal(
        why="The program's own code is loaded at a random address too.",
        needs='buildmode = "pie"; on Linux a pie of Go names an interpreter, and is not static any more',
    ),
)
def pie(subject: Subject) -> Verdict:
    """Addresses in the image are position independent."""
    facts = subject.facts
    expected = "position independent"
    answer = _unanswerable_if_missing(facts, expected, facts.hardening.pie)
    if answer:
        return answer
    held = bool(facts.hardening.pie)
    return Verdict(
        outcome="passed" if held else "violated",
        expected=expected,
        observed="position independent" if held else "at a fixed address",
        evidence=(_pie_line(facts),),
        remedy=() if held else _make_pie(facts),
    )


@rule(
    "nx",
    group="hardening",
    page=("there is no executable stack. An ELF image without PT_GNU_STACK has the one that its system gives it"),
    remedies=no_exec_stack,
    propose=Proposal(why="No executable stack.", needs=C_LINKER),
)
def nx(subject: Subject) -> Verdict:
    """There is no executable stack."""
    facts = subject.facts
    expected = "a stack that is not executable"
    answer = _unanswerable_if_missing(facts, expected, facts.hardening.nx)
    if answer:
        return answer
    if facts.hardening.nx:
        return Verdict(
            outcome="passed", expected=expected, observed="the stack is not executable", evidence=_stack_lines(facts)
        )
    said = [warning.text for warning in subject.link_warnings or () if _STACK_WARNING in warning.text]
    return Verdict(
        outcome="violated",
        expected=expected,
        observed="an executable stack",
        evidence=(*_stack_lines(facts), *(f"linker: {text}" for text in said)),
        cause=_stack_causes(facts, said=bool(said)),
        remedy=_no_exec_stack(facts),
    )


@rule(
    "signed",
    group="hardening",
    page=(
        "there is a signature (Mach-O, PE). On Mach-O an ad-hoc one counts, as it does for the loader; "
        "whether a signature is valid is the system's question"
    ),
    of_the_file=True,
    no_remedies="An image is signed after its build.",
)
def signed(subject: Subject) -> Verdict:
    """There is a signature; on Mach-O an ad-hoc one counts, as it does for the loader."""
    facts = subject.facts
    expected = "a signature"
    answer = _unanswerable_if_missing(facts, expected, facts.signed)
    if answer:
        return answer
    line = {"macho": "LC_CODE_SIGNATURE", "pe": "certificate table entry"}.get(facts.format, "signature")
    if facts.signed != "none":
        seen = "an ad-hoc signature" if facts.signed == "ad-hoc" else "a signature"
        return Verdict(outcome="passed", expected=expected, observed=seen, evidence=(f"{line}: {facts.signed}",))
    if facts.format == "macho":
        remedy = ("codesign --sign - FILE for an ad-hoc signature, --sign IDENTITY for one with a certificate",)
    else:
        remedy = ("signtool sign, or osslsigncode sign, with a certificate",)
    return Verdict(
        outcome="violated",
        expected=expected,
        observed="none",
        evidence=(f"no {line}",),
        cause=_signature_causes(facts),
        remedy=remedy,
    )


def _propose_levels(_subjects: Sequence[Subject]) -> Iterator[Proposal]:
    yield Proposal(parameters={"level": "full"}, why="What the loader fills in is read-only afterwards.")
    yield Proposal(parameters={"level": "partial"}, why="What the loader fills in is read-only.", rung=1)


@rule(
    "relro",
    group="hardening",
    page=("none, partial, full: at least that. A static image cannot say `full`: undecidable there, a static-pie can"),
    remedies=more_relro,
    propose=_propose_levels,
)
def relro(subject: Subject, *, level: Relro) -> Verdict:
    """RELRO is at least of this level: none, partial, full."""
    facts = subject.facts
    expected = {"full": "full RELRO", "partial": "partial RELRO or more", "none": "any RELRO, or none"}[level]
    answer = _unanswerable_if_missing(facts, expected, facts.hardening.relro)
    if answer:
        return answer
    found: Relro = facts.hardening.relro or "none"
    evidence = header_lines(facts, "PT_GNU_RELRO") or ("no PT_GNU_RELRO",)
    if found != "none":
        evidence += ("BIND_NOW" if found == "full" else "no BIND_NOW",)
    if _LEVELS.index(found) >= _LEVELS.index(level):
        return Verdict(outcome="passed", expected=expected, observed=found, evidence=evidence)
    if found == "partial" and facts.linkage == "static":
        # BIND_NOW is an entry of the dynamic table, which a static image does not have; its .got.plt may lie inside
        # PT_GNU_RELRO or behind it.
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="partial, and a static image has no place to say more",
            evidence=evidence,
            remedy=(
                f"a static-pie says it: {STATIC_PIE_NOW}"
                if facts.go
                else "a static-pie says it: -static-pie -Wl,-z,now",
            ),
        )
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=found,
        evidence=evidence,
        cause=_relro_causes(facts, found),
        remedy=_more_relro(facts, level),
    )


@rule(
    "no-writable-code",
    group="hardening",
    page="no segment or section is both writable and executable",
    remedies=without_flags(extldflags=r"(?<!\S)(-Wl,)?(-N|--omagic)(?!\S)"),
    propose=Proposal(why="No memory that is both writable and executable.", needs=C_LINKER),
)
def no_writable_code(subject: Subject) -> Verdict:
    """No segment or section is both writable and executable."""
    facts = subject.facts
    word = "section" if facts.format == "pe" else "PT_LOAD" if facts.format == "elf" else "segment"
    expected = f"no {word} that is both writable and executable"
    answer = _unanswerable_if_missing(facts, expected, facts.hardening.writable_code)
    if answer:
        return answer
    both = tuple(line for line in header_lines(facts, "PT_LOAD") if line.startswith("PT_LOAD rwx"))
    if not facts.hardening.writable_code:
        return Verdict(outcome="passed", expected=expected, observed="none", evidence=header_lines(facts, "PT_LOAD"))
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=f"a {word} is both",
        evidence=both or (f"a {word} is writable and executable",),
        cause=("Go and C linkers do so only for a flag (-N, --omagic); a packer such as UPX does it too",),
        remedy=("link without -N and --omagic, and do not pack the file",),
    )


def _unanswerable_if_missing(facts: BinaryFacts, expected: str, fact: object) -> Verdict | None:
    """Return the answer where there is no fact to judge: a file that is not linked, or a format without it."""
    unlinked = undecidable_if_unlinked(facts, expected)
    if unlinked or fact is not None:
        return unlinked
    return Verdict(
        outcome="not-applicable", expected=expected, observed=f"{facts.format} images have no such thing to say"
    )


def _pie_line(facts: BinaryFacts) -> str:
    held = facts.hardening.pie
    if facts.format == "elf":
        return "e_type ET_DYN" if held else "e_type ET_EXEC"
    if facts.format == "macho":
        return "MH_PIE" if held else "no MH_PIE"
    if facts.format == "pe":
        return "DYNAMIC_BASE and base relocations" if held else "no DYNAMIC_BASE, or no base relocations"
    return f"{facts.format} images are loaded at one address"


def _make_pie(facts: BinaryFacts) -> tuple[str, ...]:
    if facts.go is None:
        flags = (
            "link with --dynamicbase (MSVC: /DYNAMICBASE)"
            if facts.format == "pe"
            else "compile with -fPIE and link with -pie"
        )
        return (flags,)
    if facts.target is None or str(facts.target) not in _PIE_PORTS:
        return (f"none: Go has no -buildmode=pie for {facts.target}",) if facts.target else ("-buildmode=pie",)
    if facts.target.goos != "linux" or facts.linkage != "static":
        return ("-buildmode=pie",)
    return (
        "-buildmode=pie: the program then has an interpreter, and is no longer static",
        f"or a static-pie, with a C compiler: {STATIC_PIE}",
    )


def _stack_lines(facts: BinaryFacts) -> tuple[str, ...]:
    if facts.format == "elf":
        return header_lines(facts, "PT_GNU_STACK") or ("no PT_GNU_STACK",)
    if facts.format == "pe":
        return ("NX_COMPAT",) if facts.hardening.nx else ("no NX_COMPAT",)
    return ("no MH_ALLOW_STACK_EXECUTION",) if facts.hardening.nx else ("MH_ALLOW_STACK_EXECUTION",)


def _stack_causes(facts: BinaryFacts, *, said: bool) -> tuple[str, ...]:
    if said:
        return ("an object file asks for it: the linker names the file above",)
    if "execstack" in setting(facts, "-ldflags"):
        return ("-z execstack in -ldflags asks for it",)
    if facts.format == "elf" and not header_lines(facts, "PT_GNU_STACK"):
        return ("without PT_GNU_STACK the system's default holds, which here is an executable stack",)
    if facts.format == "elf" and facts.link_mode == "external":
        return ("an object file asks for it, most often one assembled from a .S file without .note.GNU-stack",)
    return ()


def _no_exec_stack(facts: BinaryFacts) -> tuple[str, ...]:
    if "execstack" in setting(facts, "-ldflags"):
        return ("build without -z execstack in -extldflags",)
    if facts.format == "elf":
        flag = "-ldflags '-extldflags \"-Wl,-z,noexecstack\"'" if facts.go else "-Wl,-z,noexecstack"
        return (
            'in each assembly file of C code: .section .note.GNU-stack,"",%progbits',
            f"or, where no code runs on the stack, {flag}",
        )
    if facts.format == "pe":
        return ("link with --nxcompat (MSVC: /NXCOMPAT)",)
    return ("link without -allow_stack_execute",)


def _signature_causes(facts: BinaryFacts) -> tuple[str, ...]:
    goarch = facts.target.goarch if facts.target else None
    if facts.format != "macho" or facts.go is None:
        return ()
    if goarch == "arm64":
        return ("Go signs a program for arm64 itself: something took the signature away afterwards",)
    return ("Go's own linker signs only for arm64",)


def _relro_causes(facts: BinaryFacts, found: Relro) -> tuple[str, ...]:
    if facts.go is None:
        return ()
    if found == "none" and facts.link_mode == "internal" and not facts.hardening.pie:
        return ("Go's own linker makes no PT_GNU_RELRO but with -buildmode=pie",)
    if found == "partial":
        return ("functions are bound when they are first called, so the table of their addresses stays writable",)
    return ()


def _more_relro(facts: BinaryFacts, level: Relro) -> tuple[str, ...]:
    if facts.go is None:
        return ("link with -Wl,-z,relro,-z,now" if level == "full" else "link with -Wl,-z,relro",)
    if facts.link_mode == "external" and facts.hardening.relro == "none":
        return (f"-ldflags '-extldflags \"-Wl,-z,relro{',-z,now' if level == 'full' else ''}\"'",)
    if facts.hardening.relro == "partial":
        return ("-ldflags -bindnow (Go 1.23 or newer), or -ldflags '-extldflags \"-Wl,-z,now\"' in an external link",)
    bind = " -ldflags -bindnow" if level == "full" else ""
    external = " -bindnow" if level == "full" else ""
    interpreter = ", which makes the program name an interpreter" if facts.linkage == "static" else ""
    return (
        f"-buildmode=pie{bind}{interpreter}",
        f"or a C linker: CGO_ENABLED=1 -ldflags '-linkmode external{external}'{interpreter}",
    )
