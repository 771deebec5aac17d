"""Remedies for how an image is hardened: flags of Go's linker and of the C linker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.findings import BuildChange, Remedy
from pytest_golink.remedies.flags import INTERPRETER_PRICE, with_linker_flags, without_flags
from pytest_golink.remedies.gccgo import gccgo_words, is_gccgo
from pytest_golink.remedies.linker_flags import extldflags_of
from pytest_golink.remedies.static import COMPILER_PRICE, STATIC_PIE, described
from pytest_golink.traits import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case
    from pytest_golink.facts import BinaryFacts

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


def make_pie(case: Case) -> Iterator[Remedy]:
    """Yield what makes the image position independent."""
    facts = case.facts
    if facts.go is None:
        msvc = facts.format == "pe"
        yield Remedy(
            words="link with --dynamicbase (MSVC: /DYNAMICBASE)" if msvc else "compile with -fPIE and link with -pie"
        )
        return
    if facts.target is not None and str(facts.target) not in _PIE_PORTS:
        yield Remedy(words=f"none: Go has no -buildmode=pie for {facts.target}")
        return
    static = facts.target is not None and facts.target.goos == "linux" and facts.linkage == "static"
    loses = ": the program then has an interpreter, and is no longer static" if static else ""
    prices = (INTERPRETER_PRICE,) if facts.format == "elf" else ()
    pie = BuildChange(options={"buildmode": "pie"})
    yield Remedy(weight=1, change=pie, words=f"-buildmode=pie{loses}", prices=prices)
    if facts.target is not None and facts.target.goos == "linux":
        change = BuildChange(
            options={"buildmode": "pie", "cgo": True, "linkmode": "external"},
            added={"extldflags": ("-static-pie",)},
            dropped={"extldflags": ("-static",)},
        )
        words = f"or a static-pie, with a C compiler: {STATIC_PIE}" if static else ""
        yield Remedy(weight=3, change=change, words=words, prices=(COMPILER_PRICE,))


_without_execstack = without_flags(extldflags=r"(?<!\S)(-Wl,-z,|-z\s*)execstack(?!\S)")


def no_exec_stack(case: Case) -> Iterator[Remedy]:
    """Yield what makes the stack not executable."""
    facts = case.facts
    changes = list(_without_execstack(case))
    if facts.format == "elf" and facts.link_mode == "external" and "execstack" not in extldflags_of(case.options):
        price = "C that runs code on the stack (nested functions) crashes"
        changes.append(with_linker_flags("-Wl,-z,noexecstack", prices=(price,)))
    if "execstack" in setting(facts, "-ldflags"):
        yield from described("build without -z execstack in -extldflags", changes)
    elif facts.format == "elf":
        flag = "-ldflags '-extldflags \"-Wl,-z,noexecstack\"'" if facts.go else "-Wl,-z,noexecstack"
        yield Remedy(words='in each assembly file of C code: .section .note.GNU-stack,"",%progbits')
        yield from described(f"or, where no code runs on the stack, {flag}", changes)
    else:
        msvc = facts.format == "pe"
        words = "link with --nxcompat (MSVC: /NXCOMPAT)" if msvc else "link without -allow_stack_execute"
        yield from described(words, changes)


def sign(case: Case) -> Iterator[Remedy]:
    """Yield the tools that sign an image, which is done after its build."""
    if case.facts.format == "macho":
        yield Remedy(words="codesign --sign - FILE for an ad-hoc signature, --sign IDENTITY for one with a certificate")
    else:
        yield Remedy(words="signtool sign, or osslsigncode sign, with a certificate")


def more_relro(case: Case) -> Iterator[Remedy]:
    """Yield what makes read-only what the loader fills in."""
    facts, full = case.facts, case.finding.text("level") == "full"
    if facts.link_mode == "external":
        changes = [with_linker_flags("-Wl,-z,relro,-z,now")]
    else:
        # Source: cmd/link's flag -bindnow, since Go 1.22.
        pie = BuildChange(options={"buildmode": "pie"}, added={"ldflags": ("-bindnow",)})
        changes = [Remedy(weight=2, change=pie, prices=(INTERPRETER_PRICE,))]
    first, *others = _relro_words(facts, full=full)
    yield from described(first, changes)
    yield from (Remedy(words=words) for words in others)


def _relro_words(facts: BinaryFacts, *, full: bool) -> tuple[str, ...]:
    now = ",-z,now" if full else ""
    if facts.go is None:
        return (f"link with -Wl,-z,relro{now}",)
    if is_gccgo(facts):
        return (gccgo_words(f"-Wl,-z,relro{now}"),)
    if facts.link_mode == "external" and facts.hardening.relro == "none":
        return (f"-ldflags '-extldflags \"-Wl,-z,relro{now}\"'",)
    if facts.hardening.relro == "partial":
        return ("-ldflags -bindnow (Go 1.23 or newer), or -ldflags '-extldflags \"-Wl,-z,now\"' in an external link",)
    interpreter = ", which makes the program name an interpreter" if facts.linkage == "static" else ""
    return (
        f"-buildmode=pie{' -ldflags -bindnow' if full else ''}{interpreter}",
        f"or a C linker: CGO_ENABLED=1 -ldflags '-linkmode external{' -bindnow' if full else ''}'{interpreter}",
    )
