"""
Every port of Go: built without cgo, read, and held against what is known of the port.

Run by `make ports`: each port recompiles the standard library, so this takes an hour from an empty Go cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import BuildError
from pytest_golink.toolchain import find_go
from tests.oracles import run
from tests.slow.matrix.cells import cells, go_says, we_say
from tests.slow.matrix.expected_ports import NEEDS_C, PORTS_OF_GO_1_27, SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_golink import GoSample, GoToolchain
    from tests.slow.matrix.conftest import AddRow

TITLE = "ports × facts (CGO_ENABLED=0)"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "port" in metafunc.fixturenames:
        metafunc.parametrize("port", list(_ports(metafunc.config)))


def _ports(config: pytest.Config) -> Iterator[str]:
    named = config.getoption("golink_go")
    go = find_go(named=named, cache=config.rootpath / ".pytest_cache")
    yield from run(go.path, "tool", "dist", "list").stdout.split()


def test_there_is_an_expectation_for_every_port(go_toolchain: GoToolchain) -> None:
    ports = run(go_toolchain.path, "tool", "dist", "list").stdout.split()

    assert {port.partition("/")[0] for port in ports} - {"ios"} == SYSTEMS.keys()
    if go_toolchain.version.startswith("go1.27"):
        assert len(ports) == PORTS_OF_GO_1_27


def test_a_port_shows_what_is_known_of_it(
    port: str, go_sample: GoSample, go_toolchain: GoToolchain, add_row: AddRow
) -> None:
    goos, _, goarch = port.partition("/")
    if port in NEEDS_C:
        with pytest.raises(BuildError, match=r"requires external \(cgo\) linking, but cgo is not enabled"):
            go_sample("lookup", target=port, cgo=False)
        add_row(TITLE, {"port": port, "samples": "0", "format": f"needs a C toolchain: {NEEDS_C[port]}"})
        return

    system = SYSTEMS[goos]
    # `lookup` first: what the linker drops is what tells the others from it.
    for sample, resolver in (("lookup", system.resolver), ("net", "none"), ("static", "none")):
        path = go_sample(sample, target=port, cgo=False).path
        facts = go_sample(sample, target=port, cgo=False).facts
        row = cells(facts)
        expected = {
            "format": system.format,
            "kind": "executable",
            "target": port,
            "linkage": system.linkage,
            "interpreter": system.interpreter,
            "needed": system.needed,
            "libc": system.libc,
            "resolver": resolver,
            "cgo": "-",
            "stripped": system.stripped,
            "link mode": "internal",
            "pclntab": "1.20",
            "go": go_toolchain.version,
        }
        assert {name: row[name] for name in expected} == expected, f"{port} {sample}: {system.source}"
        assert (facts.hardening.nx, facts.hardening.pie) == (system.nx, system.pie), (port, sample)
        assert (facts.cgo.enabled, facts.cgo.used, facts.static_name_service) == (False, False, ())
        assert facts.go is not None
        assert facts.go.path == f"example.com/golink/sample/{sample}"
        assert (facts.go.settings["GOOS"], facts.go.settings["GOARCH"]) == (goos, goarch)
        agrees = _go_agrees(go_toolchain, path, we_say(facts))
        assert system.go_reads in (agrees, None), (port, sample)
        if sample == "lookup":
            shown = {name: row[name] for name in row if name not in ("kind", "target", "cgo")}
            add_row(TITLE, {"port": port, "samples": "3", **shown, "go version -m": _word(agrees=agrees)})


def _go_agrees(toolchain: GoToolchain, image: Path, ours: tuple[str, dict[str, str]]) -> bool:
    """Hold the build info against Go's own tool; False where that cannot read it."""
    theirs = go_says(toolchain.path, image)
    if theirs is None:
        return False
    assert ours == theirs
    return True


def _word(*, agrees: bool) -> str:
    return "agrees" if agrees else "cannot read it"
