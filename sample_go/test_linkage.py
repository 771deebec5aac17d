"""
The same from Python, for what a policy file cannot say: any test can build an image, look at its facts, and start it.

Run it with `pytest sample_go --golink-report`; golink.toml beside it has the policies.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_golink import assert_same_linkage, assert_self_contained, assert_static, assert_stripped

if TYPE_CHECKING:
    from pytest_golink import GoBinary, GoSample


@pytest.mark.golink(package="sample_go/static", ldflags="-s -w", trimpath=True)
def test_the_release_is_static_and_says_hello(go_binary: GoBinary) -> None:
    assert_static(go_binary)
    assert_stripped(go_binary)
    assert subprocess.run([go_binary.path], capture_output=True, check=True).stdout == b"static: hello\n"


@pytest.mark.parametrize("target", ["linux/amd64", "darwin/arm64"])
def test_every_target_is_self_contained(go_sample: GoSample, target: str) -> None:
    assert_self_contained(go_sample("lookup", target=target, cgo=False, ldflags="-s -w", trimpath=True))


def test_with_cgo_off_every_target_is_linked_alike(go_sample: GoSample) -> None:
    assert_same_linkage(
        go_sample("lookup", target=target, cgo=False, ldflags="-s -w", trimpath=True)
        for target in ("linux/amd64", "linux/arm64", "windows/amd64")
    )
