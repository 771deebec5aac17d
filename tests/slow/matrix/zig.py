"""
cgo through zig for every Linux port that it has a C library for: another link editor, and other hash tables.

Run by `make ports`: zig compiles a C library for each, which takes half an hour from an empty cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_golink.reader import read_binary
from pytest_golink.reader.crosscheck import crosschecking
from tests.slow.matrix.cells import cells

if TYPE_CHECKING:
    from pytest_golink import GoSample
    from tests.slow.matrix.conftest import AddRow

TITLE = "cgo through zig × Linux ports"


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """A port, zig's name for its machine and ABI, the CPU levels that its C code names, and the glibc loader."""

    goarch: str
    machine: str
    loader: str
    abi: str = ""
    notes: tuple[str, ...] = ()


PORTS = (
    Port(goarch="386", machine="x86", loader="/lib/ld-linux.so.2"),
    Port(goarch="amd64", machine="x86_64", loader="/lib64/ld-linux-x86-64.so.2"),
    Port(goarch="arm", machine="arm", abi="eabihf", loader="/lib/ld-linux-armhf.so.3", notes=("GOARM=7,hardfloat",)),
    Port(goarch="arm64", machine="aarch64", loader="/lib/ld-linux-aarch64.so.1"),
    Port(goarch="loong64", machine="loongarch64", loader="/lib64/ld-linux-loongarch-lp64d.so.1"),
    Port(goarch="ppc64le", machine="powerpc64le", loader="/lib64/ld64.so.2"),
    Port(
        goarch="riscv64",
        machine="riscv64",
        loader="/lib/ld-linux-riscv64-lp64d.so.1",
        notes=("GORISCV64=rva20u64",),
    ),
    Port(goarch="s390x", machine="s390x", loader="/lib/ld64.so.1"),
)


@pytest.mark.parametrize("libc", ["musl", "gnu"])
@pytest.mark.parametrize("port", PORTS, ids=[port.goarch for port in PORTS])
def test_two_readers_agree_about_cgo_for_every_linux_port(
    port: Port, libc: str, go_sample: GoSample, add_row: AddRow
) -> None:
    triple = f"{port.machine}-linux-{libc}{port.abi}"
    binary = go_sample("cgo", target=f"linux/{port.goarch}", cgo=True, cc=f"zig cc -target {triple}")
    with crosschecking():
        facts = read_binary(binary.path)

    linkage = ("static", None) if libc == "musl" else ("dynamic", port.loader)
    assert (facts.linkage, facts.interpreter) == linkage
    assert str(facts.target) == f"linux/{port.goarch}"
    assert (facts.libc.kind, facts.libc.presence) == (("musl", "embedded") if libc == "musl" else ("glibc", "dynamic"))
    assert (facts.link_mode, facts.cgo.packages) == ("external", ("main", "runtime/cgo"))
    assert bool(facts.imports) == (libc == "gnu")
    assert tuple(f"{note.setting}={note.level}" for note in facts.cpu_notes) == port.notes
    add_row(TITLE, {"port": port.goarch, "zig": triple, **cells(facts), "C asks for": ", ".join(port.notes) or "-"})
