"""Can a library be put into the program from outside, with a variable that its system's loader reads."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.diagnosis.origin import dynamic_causes
from pytest_golink.errors import ToolchainError
from pytest_golink.facts import BinaryFacts, MachO
from pytest_golink.remedies.linkage import leave_interpreter, static_words
from pytest_golink.rules.behaviour import (
    is_for_another_machine,
    undecidable_if_run_forbidden,
    undecidable_on_this_machine,
)
from pytest_golink.rules.evidence import linkage_lines
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable_if_unlinked
from pytest_golink.sandbox import Refusal, run_alone
from pytest_golink.text.words import listed

# The variable of each format's loader.
_PRELOAD = {"elf": "LD_PRELOAD", "macho": "DYLD_INSERT_LIBRARIES", "xcoff": "LDR_PRELOAD"}
_MARK = "golink: preloaded"
# Its own system call: a position-independent program without cgo is loaded with no libc that has a `write`.
_INTERPOSER = f"""
static void reached(const char *text, unsigned long size) {{
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(1), "D"(2), "S"(text), "d"(size) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long file __asm__("x0") = 2;
    register const char *from __asm__("x1") = text;
    register unsigned long length __asm__("x2") = size;
    register long number __asm__("x8") = 64;
    __asm__ volatile("svc 0" : "+r"(file) : "r"(from), "r"(length), "r"(number) : "memory");
#else
    extern long write(int, const void *, unsigned long);
    write(2, text, size);
#endif
}}
__attribute__((constructor)) static void loaded(void) {{ reached("{_MARK}\\n", {len(_MARK) + 1}); }}
"""
_COMPILE_TIMEOUT_S = 120.0
_RUN_S = 10

# Flags of a Mach-O code directory, as codesign calls them: the first two make dyld drop its variables, with the third
# it keeps them and loads no library of strangers.
# Source: Apple's kern/cs_blobs.h; "Hardened Runtime" and "Allow DYLD environment variables" in Apple's documentation.
_CS_RUNTIME, _CS_RESTRICT, _CS_REQUIRE_LV = 0x10000, 0x800, 0x2000
_CS_FLAGS = {_CS_RUNTIME: "runtime", _CS_RESTRICT: "restrict", _CS_REQUIRE_LV: "library-validation"}
# Entitlements that take a guard back; a program that may be debugged keeps dyld's variables.
_KEEPS_VARIABLES = frozenset(
    {"com.apple.security.cs.allow-dyld-environment-variables", "com.apple.security.get-task-allow"}
)
_LOADS_ANY = frozenset({"com.apple.security.cs.disable-library-validation"})


@rule(
    "ignores-preload",
    group="behaviour",
    page=("LD_PRELOAD or DYLD_INSERT_LIBRARIES cannot reach it: decided from the image; `run = true` also proves it"),
    concerns={Concern.CGO_LINKED, Concern.IMPORTERS},
    remedies=leave_interpreter,
)
def ignores_preload(subject: Subject, *, run: bool = False) -> Verdict:
    """
    LD_PRELOAD, DYLD_INSERT_LIBRARIES and the like cannot reach the program.

    Decided from the image: only an interpreter reads the variable, and macOS's loader drops it for an image with the
    hardened runtime. `run` also proves it, with a library that reports when it is loaded.
    """
    facts = subject.facts
    variable = _PRELOAD.get(facts.format)
    expected = f"{variable or 'a variable such as LD_PRELOAD'} cannot reach it"
    unanswered = undecidable_if_unlinked(facts, expected)
    if unanswered:
        return unanswered
    if variable is None or facts.kind == "shared-library":
        return Verdict(
            outcome="not-applicable",
            expected=expected,
            observed="its system's loader has no such variable"
            if variable is None
            else "this is a shared library: ask the rule of the program that loads it",
        )
    verdict = _of_the_image(facts, variable, expected)
    return _proved(subject, verdict, variable) if run else verdict


def _of_the_image(facts: BinaryFacts, variable: str, expected: str) -> Verdict:
    if facts.format == "macho":
        return _of_macho(facts, expected)
    reached = facts.linkage == "dynamic"
    return Verdict(
        outcome="violated" if reached else "passed",
        expected=expected,
        observed=f"{facts.interpreter or 'its loader'} reads {variable}" if reached else "no interpreter reads it",
        evidence=linkage_lines(facts),
        cause=dynamic_causes(facts) if reached else (),
        remedy=static_words(facts) if reached else (),
    )


def _of_macho(facts: BinaryFacts, expected: str) -> Verdict:
    macho = facts.macho or MachO()
    flags = macho.code_flags or 0
    given = frozenset(macho.entitlements)
    drops = bool(flags & (_CS_RUNTIME | _CS_RESTRICT)) or macho.restricted
    kept = drops and not given & _KEEPS_VARIABLES
    validated = bool(flags & (_CS_REQUIRE_LV | _CS_RUNTIME)) and not given & _LOADS_ANY
    named = [name for flag, name in _CS_FLAGS.items() if flags & flag]
    signature = f"code directory flags 0x{flags:x}{f' ({listed(named)})' if named else ''}"
    evidence = (
        "no code signature" if macho.code_flags is None else signature,
        *(("section __RESTRICT,__restrict",) if macho.restricted else ()),
        *(f"entitlement {name}" for name in sorted(given & (_KEEPS_VARIABLES | _LOADS_ANY))),
    )
    if kept:
        return Verdict(
            outcome="passed", expected=expected, observed="dyld drops the variable for this image", evidence=evidence
        )
    if validated:
        return Verdict(
            outcome="passed",
            expected=expected,
            observed="dyld reads the variable, and library validation keeps strangers' libraries out",
            evidence=evidence,
            caution=("a library that is signed by the same team, or by Apple, can be put in all the same",),
        )
    return Verdict(
        outcome="violated",
        expected=expected,
        observed="dyld reads DYLD_INSERT_LIBRARIES",
        evidence=evidence,
        cause=("dyld takes libraries from its environment, unless the image's signature forbids it",),
        remedy=(
            f"sign it {'without these entitlements, ' if given else ''}with the hardened runtime: "
            "codesign --force --options runtime --sign IDENTITY",
        ),
    )


def _proved(subject: Subject, verdict: Verdict, variable: str) -> Verdict:
    facts, expected = subject.facts, verdict.expected
    unproved = undecidable_if_run_forbidden(subject, expected)
    if unproved:
        return unproved
    if variable != "LD_PRELOAD" or (facts.target is not None and facts.target.goos != "linux"):
        return undecidable_on_this_machine(facts, expected)
    loaded = _preloaded(facts)
    if loaded == "interpreter":
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed=f"its interpreter {facts.interpreter} is not on this machine, which therefore proves nothing",
            evidence=verdict.evidence,
            cause=verdict.cause,
            remedy=("ask it where that interpreter is, in a container for one", *verdict.remedy),
        )
    if loaded == "machine":
        return undecidable_on_this_machine(facts, expected)
    evidence = (*verdict.evidence, f"run with {variable}: the library was {'loaded' if loaded else 'not loaded'}")
    return Verdict(
        # A library got in, even where the image says that none can.
        outcome="violated" if loaded else verdict.outcome,
        expected=expected,
        observed=verdict.observed if verdict.outcome == "violated" or not loaded else "a library was loaded with it",
        evidence=evidence,
        cause=verdict.cause,
        remedy=verdict.remedy,
    )


def _preloaded(facts: BinaryFacts) -> bool | Refusal:
    """Return whether a library to preload was loaded with the program; else why the program does not run here."""
    with tempfile.TemporaryDirectory(prefix="golink-preload-") as folder:
        library = Path(folder, "golink-preload.so")
        _compile(library)
        ran = run_alone(
            Path(facts.path),
            seconds=_RUN_S,
            environment={"LD_PRELOAD": f"{{folder}}/{library.name}"},
            beside=(library,),
            interpreter=facts.interpreter,
        )
        if is_for_another_machine(facts, ran):
            return "machine"
        if ran.refused:
            return ran.refused
        if _MARK in ran.errors:
            return True
        if _machine(library) != _machine(Path(facts.path)):
            raise ToolchainError(
                f"ignores-preload: run = true: {os.environ.get('CC', 'cc')} compiles for another machine than the "
                f"program's: name one for {facts.target or 'that'} in CC"
            )
        return False


def _machine(image: Path) -> tuple[bytes, bytes]:
    # Source: System V gABI, "ELF Header": EI_CLASS and EI_DATA, and e_machine.
    with image.open("rb") as file:
        header = file.read(20)
    return header[4:6], header[18:20]


def _compile(library: Path) -> None:
    compiler = shlex.split(os.environ.get("CC", "cc"))
    source = library.with_suffix(".c")
    source.write_text(_INTERPOSER, encoding="ascii")
    command = [*compiler, "-shared", "-fPIC", "-nostdlib", "-o", str(library), str(source)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_COMPILE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolchainError(
            f"ignores-preload: run = true needs a C compiler for a library to preload: {error}"
        ) from error
    if done.returncode != 0:
        output = done.stderr.decode(errors="replace").strip()
        failed = f"ignores-preload: the library to preload does not compile: {shlex.join(command)}: {output}"
        raise ToolchainError(*failed.splitlines())
