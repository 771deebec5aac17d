"""What golink reads of an ELF image, held against readelf, nm and `go version -m`."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_golink.facts import BinaryFacts

# What Go's compiler calls the wrapper of a C function: "net._C2func_getaddrinfo", "main._Cfunc_puts".
_WRAPPER = re.compile(r"(?P<package>.+)\._C(?:2?func|macro)_\w+(?:\.abi0)?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One comparison: what golink has, and what the witness has."""

    what: str
    ours: object
    theirs: object

    @property
    def right(self) -> bool:
        """Whether they agree."""
        return self.ours == self.theirs


def check_facts(facts: BinaryFacts, image: Path) -> Iterator[Check]:
    """Yield the comparisons of one ELF image."""
    yield from _headers(facts, _run("readelf", "-hlW", str(image)))
    yield from _dynamic(facts, _run("readelf", "-dW", str(image)))
    yield from _symbols(facts, image)
    yield from _build_info(facts, _run("go", "version", "-m", str(image)))


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=None).stdout


def _headers(facts: BinaryFacts, text: str) -> Iterator[Check]:
    interpreter = re.search(r"Requesting program interpreter: ([^\]]+)\]", text)
    yield Check(what="interpreter", ours=facts.interpreter, theirs=interpreter and interpreter[1])
    stack = re.search(r"GNU_STACK.* (RW[ E])", text)
    yield Check(what="stack not executable", ours=facts.hardening.nx, theirs=stack is not None and "E" not in stack[1])
    flags = re.findall(r"^\s+LOAD .*0x[0-9a-f]+ ([R ][W ][E ]) 0x", text, re.MULTILINE)
    yield Check(what="writable code", ours=facts.hardening.writable_code, theirs="RWE" in flags)
    yield Check(what="GNU_RELRO", ours=facts.hardening.relro != "none", theirs="GNU_RELRO" in text)


def _dynamic(facts: BinaryFacts, text: str) -> Iterator[Check]:
    def values(tag: str) -> list[str]:
        return re.findall(rf"\({tag}\)[^\[]*\[([^\]]*)\]", text)

    yield Check(what="needed", ours=[one.name for one in facts.needed], theirs=values("NEEDED"))
    yield Check(what="soname", ours=facts.soname, theirs=next(iter(values("SONAME")), None))
    yield Check(what="rpath", ours=":".join(facts.rpath or ()), theirs="".join(values("RPATH")))
    yield Check(what="runpath", ours=":".join(facts.runpath or ()), theirs="".join(values("RUNPATH")))
    pie = bool(re.search(r"\(FLAGS_1\).*\bPIE\b", text))
    yield Check(what="pie", ours=bool(facts.hardening.pie and facts.kind == "executable"), theirs=pie)
    now = bool(re.search(r"\(BIND_NOW\)|\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b", text))
    if facts.hardening.relro == "full" and facts.needed:
        yield Check(what="bound at the start", ours=True, theirs=now)
    yield Check(what="text relocations", ours=bool(facts.hardening.textrel), theirs="(TEXTREL)" in text)


def _symbols(facts: BinaryFacts, image: Path) -> Iterator[Check]:
    undefined = re.findall(r"^\s+[Uuwv] (\S+)$", _run("nm", "-D", "--undefined-only", str(image)), re.MULTILINE)
    theirs = sorted({name.partition("@")[0] for name in undefined})
    yield Check(what="imports", ours=sorted({one.name for one in facts.imports}), theirs=theirs)
    versions = [re.sub(r".*@+", "", name) for name in undefined if "@GLIBC_" in name]
    floor = max((tuple(map(int, v[6:].split("."))) for v in versions if re.fullmatch(r"GLIBC_[\d.]+", v)), default=None)
    yield Check(what="glibc floor", ours=facts.libc.floor, theirs=floor and ".".join(map(str, floor)))
    sections = _run("readelf", "-SW", str(image))
    yield Check(what="symbol table", ours=facts.symtab, theirs=" .symtab " in sections)
    yield Check(what="DWARF", ours=facts.dwarf, theirs=bool(re.search(r" \.z?debug_info ", sections)))
    if " .symtab " not in sections or facts.go is None:
        return
    names = _run("nm", str(image)).splitlines()
    all_names = {line.split(maxsplit=2)[-1].partition("@")[0].removeprefix("U ") for line in names}
    wrapped = {match["package"].replace("%2e", ".") for name in all_names if (match := _WRAPPER.fullmatch(name))}
    # A package may have only exports, which do not name it: what golink has besides, `go list` judges.
    yield Check(what="cgo packages of nm that golink lacks", ours=[], theirs=sorted(wrapped - {*facts.cgo.packages}))
    yield Check(what="cgo used (nm)", ours=facts.cgo.used, theirs="x_cgo_init" in all_names)
    for what, answer, wrapper in (
        ("resolver (nm)", "cgo" in (facts.resolver or ()), "net._C2func_getaddrinfo"),
        ("user lookup (nm)", "system" in (facts.content.user_lookup or ()), "os/user._Cfunc_mygetpw"),
    ):
        yield Check(what=what, ours=answer, theirs=any(name.startswith(wrapper) for name in all_names))


def _build_info(facts: BinaryFacts, text: str) -> Iterator[Check]:
    lines = [line.split("\t") for line in text.splitlines()]
    head = lines[0][0].rpartition(": ")[2] if lines else None
    go = facts.go
    yield Check(what="Go version", ours=go and go.version, theirs=head)
    yield Check(what="main package", ours=go and go.path, theirs=_one(lines, "path"))
    settings = dict(line[2].partition("=")[::2] for line in lines if len(line) > 2 and line[1] == "build")
    settings = {name: json.loads(value) if value[:1] == '"' else value for name, value in settings.items()}
    yield Check(what="build settings", ours=dict(go.settings) if go else {}, theirs=settings)
    modules = [tuple(line[2:4]) for line in lines if len(line) > 3 and line[1] == "dep"]
    yield Check(what="modules", ours=[(m.path, m.version) for m in go.modules] if go else [], theirs=modules)


def _one(lines: list[list[str]], key: str) -> str | None:
    return next((line[2] for line in lines if len(line) > 2 and line[1] == key), None)
