"""The GOOS in the name of Go's entry point: the one word of it before Go 1.18."""

from __future__ import annotations

import pytest

from pytest_golink.golang import Functions
from pytest_golink.golang.content import startup


@pytest.mark.parametrize(
    ("names", "goos"),
    [
        (b"_rt0_amd64\0_rt0_amd64_linux\0", "linux"),
        # A library has the entry point that all systems share, and its own.
        (b"_rt0_amd64_lib\0_rt0_amd64_lib_go\0_rt0_amd64_linux_lib\0", "linux"),
        (b"_rt0_arm64_lib\0_rt0_arm64_darwin_lib\0", "darwin"),
        # 32-bit ARM on Linux has two by that name.
        (b"_rt0_arm\0_rt0_arm_linux\0_rt0_arm_linux1\0", "linux"),
        (b"_rt0_arm_lib\0_rt0_arm_linux_lib\0_rt0_arm_linux1\0", "linux"),
        (b"_rt0_amd64_lib\0", None),
        (b"_rt0_amd64_linux\0_rt0_amd64_windows\0", None),
        (b"main.main\0", None),
    ],
)
def test_the_entry_point_is_named_after_its_system(names: bytes, goos: str | None) -> None:
    assert startup(Functions(names)) == goos
