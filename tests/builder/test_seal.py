"""The key that signs what golink records of its builds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from pytest_golink.builder.seal import seal, sealing_key

if TYPE_CHECKING:
    from pathlib import Path


def test_processes_that_start_at_once_have_one_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(sealing_key(tmp_path / "go"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 8
    assert len({*keys}) == 1
    assert [each.name for each in (tmp_path / "go").iterdir()] == ["pytest-golink.key"]
    assert (tmp_path / "go/pytest-golink.key").stat().st_mode & 0o777 == 0o600


def test_two_machines_have_two_keys(tmp_path: Path) -> None:
    assert sealing_key(tmp_path / "a") != sealing_key(tmp_path / "b")


def test_a_file_that_is_no_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pytest-golink.key").write_bytes(b"")

    with pytest.raises(OSError, match="is no key of golink's: remove it"):
        sealing_key(tmp_path)


def test_a_seal_is_of_one_key_one_slot_and_one_record() -> None:
    of = seal(b"k", "slot", {"a": 1})

    assert of == seal(b"k", "slot", {"a": 1})
    assert len({of, seal(b"l", "slot", {"a": 1}), seal(b"k", "other", {"a": 1}), seal(b"k", "slot", {"a": 2})}) == 4
