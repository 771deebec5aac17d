from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from pytest_golink import UnreadableBinaryError, read_binary
from pytest_golink.facts import Libc, Target

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample


@pytest.mark.parametrize("goarch", ["386", "amd64", pytest.param("arm", marks=pytest.mark.long)])
def test_a_plan9_executable_is_static_and_asks_the_system_for_names(go_sample: GoSample, goarch: str) -> None:
    facts = go_sample("lookup", target=f"plan9/{goarch}", cgo=False).facts

    assert facts.format == "plan9"
    assert facts.kind == "executable"
    assert facts.target == Target(goos="plan9", goarch=goarch)
    assert facts.linkage == "static"
    assert facts.needed == ()
    assert facts.imports == ()
    assert facts.interpreter is None
    assert facts.rpath is None
    assert facts.dwarf is None
    assert facts.libc == Libc(kind="none", presence="none")
    assert facts.link_mode == "internal"
    assert facts.resolver == ("system",)
    assert facts.go is not None
    assert facts.go.settings["GOOS"] == "plan9"
    assert facts.stripped is False


def test_s_strips_the_symbol_table(go_sample: GoSample) -> None:
    facts = go_sample("static", target="plan9/amd64", cgo=False, ldflags="-s").facts

    assert facts.stripped is True
    assert facts.resolver == ("none",)


def test_a_cut_anywhere_is_an_error(go_sample: GoSample, tmp_path: Path) -> None:
    whole = go_sample("static", target="plan9/amd64", cgo=False).path.read_bytes()
    magic, text, data, _bss, symbols, *_ = struct.unpack_from(">8I", whole)
    assert magic & 0x8000
    boundaries = [32, 40, 40 + text, 40 + text + data, 40 + text + data + symbols, len(whole)]
    cuts = {boundary - 1 for boundary in boundaries} | {boundary for boundary in boundaries if boundary < len(whole)}
    cuts |= set(range(4, len(whole), len(whole) // 60))
    cut = tmp_path / "cut"
    for size in sorted(cuts):
        cut.write_bytes(whole[:size])
        with pytest.raises(UnreadableBinaryError, match="past the end of the file") as damaged:
            read_binary(cut)
        assert damaged.value.format == "plan9"


def test_an_entry_point_outside_the_text_is_damage(go_sample: GoSample, tmp_path: Path) -> None:
    image = bytearray(go_sample("static", target="plan9/amd64", cgo=False).path.read_bytes())
    image[32:40] = (1 << 40).to_bytes(8, "big")
    (tmp_path / "image").write_bytes(image)

    with pytest.raises(UnreadableBinaryError, match="entry point 0x10000000000 lies outside the text segment"):
        read_binary(tmp_path / "image")
