"""Policies written for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import PolicyError
from pytest_golink.policy import read_policy

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.policy import Policy


def policy_of(folder: Path, text: str) -> Policy:
    return read_policy(write(folder, text))


def mistakes(folder: Path, text: str) -> list[str]:
    """The lines of the error that the text gives."""
    with pytest.raises(PolicyError) as caught:
        policy_of(folder, text)
    return str(caught.value).splitlines()


def write(folder: Path, text: str) -> Path:
    path = folder / "golink.toml"
    path.write_text(text, encoding="utf-8")
    return path
