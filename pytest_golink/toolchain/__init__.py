"""The Go toolchain and the C compilers beside it: where they are, and their versions and targets."""

from __future__ import annotations

from pytest_golink.toolchain.ccompiler import CCompiler
from pytest_golink.toolchain.find import find_go
from pytest_golink.toolchain.go import GoToolchain

__all__ = ["CCompiler", "GoToolchain", "find_go"]
