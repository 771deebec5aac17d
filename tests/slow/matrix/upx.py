"""
What UPX packed: never taken for the program inside, whatever that was.

Run by `make versions`, which fetches UPX into the folder that GO_VERSIONS names.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader import read_binary, read_package_sizes
from pytest_golink.rules import evaluate
from pytest_golink.rules.subject import Subject
from tests.slow.matrix.cells import cells
from tests.slow.matrix.fetch_go import upx_of

if TYPE_CHECKING:
    from pytest_golink import GoSample
    from tests.slow.matrix.conftest import AddRow

TITLE = "packed by UPX × facts"
# The unpacker of a dynamic program loads its loader by itself: it has neither PT_INTERP nor DT_NEEDED.
PACKED: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("exe", "linux/amd64", {"cgo": False}, "static"),
    ("exe -s -w", "linux/amd64", {"cgo": False, "ldflags": "-s -w"}, "static"),
    ("cgo internal", "linux/amd64", {"cgo": True}, "static"),
    ("cgo external", "linux/amd64", {"cgo": True, "linkmode": "external"}, "static"),
    ("386", "linux/386", {"cgo": False}, "static"),
    ("arm64", "linux/arm64", {"cgo": False}, "static"),
    ("windows", "windows/amd64", {"cgo": False}, "dynamic"),
    ("windows -s -w", "windows/amd64", {"cgo": False, "ldflags": "-s -w"}, "dynamic"),
    ("darwin", "darwin/amd64", {"cgo": False}, "static"),
)
RULES = ("static", "self-contained", "no-cgo", "no-getaddrinfo-warning", "stripped", "intact")


def pack(image: Path, to: Path) -> Path:
    upx, libraries = upx_of(Path(os.environ["GO_VERSIONS"]).resolve())
    assert upx.exists(), "UPX is missing: run tests/slow/matrix/fetch_go.py"
    environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries)}
    # Level 1, the fastest.
    command = [str(upx), "-1", "-q", "-o", str(to), str(image)]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return to


@pytest.mark.parametrize(("name", "target", "options", "linkage"), PACKED, ids=[row[0] for row in PACKED])
def test_a_packed_image_answers_nothing_for_the_program_inside(
    name: str,
    target: str,
    options: dict[str, Any],
    linkage: str,
    go_sample: GoSample,
    tmp_path: Path,
    add_row: AddRow,
) -> None:
    packed = pack(go_sample("lookup", target=target, **options).path, tmp_path / "packed")

    facts = read_binary(packed)

    assert facts.content.packed == "UPX"
    assert (facts.linkage, facts.go, facts.resolver, facts.link_mode) == (linkage, None, None, None)
    assert read_package_sizes(packed) == ()
    subject = Subject(name="packed", facts=facts)
    outcomes = {rule: evaluate(rule, subject, {}).outcome for rule in RULES}
    assert outcomes == dict.fromkeys(RULES, "undecidable") | {"intact": "violated"} | (
        {"static": "violated"} if linkage == "dynamic" else {}
    )
    add_row(TITLE, {"image": name, **cells(facts), "packed": facts.content.packed})


def test_a_packed_image_that_was_cut_is_an_error(go_sample: GoSample, tmp_path: Path) -> None:
    image = pack(go_sample("static", target="windows/amd64", cgo=False).path, tmp_path / "packed.exe")
    data = image.read_bytes()
    image.write_bytes(data[: len(data) // 2])

    with pytest.raises(UnreadableBinaryError):
        read_binary(image)
