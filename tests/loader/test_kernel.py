"""The oldest Linux that an image starts on, and which part of it asks for that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.facts import Elf, Libc, Loading
from pytest_golink.loader.kernel import kernel_floors
from pytest_golink.platforms import parse_platform
from pytest_golink.rules.runs_on import start_on
from tests.rules.facts_factory import GLIBC_STATIC, MACHO, STATIC, go, subject, target

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts


NO_LIBC = Libc(kind="none", presence="none")


def floors(facts: BinaryFacts) -> list[tuple[str, str]]:
    return [(floor.version, floor.reason) for floor in kernel_floors(facts)]


@pytest.mark.parametrize(
    ("port", "version", "settings", "found"),
    [
        ("linux/amd64", "go1.27.3", {}, [("3.2", "Go 1.27")]),
        ("linux/amd64", "go1.23.4", {}, [("2.6.32", "Go 1.23")]),
        ("linux/amd64", "go1.17", {}, [("2.6.23", "Go 1.17")]),
        ("linux/loong64", "go1.27.3", {}, [("5.19", "Go's port linux/loong64"), ("3.2", "Go 1.27")]),
        ("linux/riscv64", "go1.20", {}, [("4.15", "Go's port linux/riscv64"), ("2.6.32", "Go 1.20")]),
        ("linux/mips64le", "go1.20", {}, [("4.8", "Go's port linux/mips64le"), ("2.6.32", "Go 1.20")]),
        ("linux/arm", "go1.20", {"GOARM": "5,softfloat"}, [("3.1", "GOARM=5"), ("2.6.32", "Go 1.20")]),
        ("linux/arm", "go1.20", {"GOARM": "7"}, [("2.6.32", "Go 1.20")]),
        ("linux/amd64", "devel", {}, []),
        ("freebsd/amd64", "go1.27.3", {}, []),
    ],
)
def test_go_s_oldest_kernel_is_by_port_and_release(
    port: str, version: str, settings: dict[str, str], found: list[tuple[str, str]]
) -> None:
    image = replace(STATIC, target=target(port), go=replace(go(**settings), version=version), libc=NO_LIBC)

    assert floors(image) == found


OLD_GLIBC = replace(GLIBC_STATIC, elf=Elf(kernel_minimum="3.2.0"), loading=Loading(checks_kernel=True))


def test_a_static_glibc_refuses_an_older_kernel_where_it_looks() -> None:
    assert floors(replace(OLD_GLIBC, go=None)) == [("3.2.0", "the static glibc in it")]
    assert floors(replace(OLD_GLIBC, go=None, loading=Loading())) == []
    assert floors(replace(OLD_GLIBC, go=None, libc=Libc(kind="musl", presence="embedded"))) == []
    assert floors(replace(OLD_GLIBC, go=None, elf=Elf())) == []
    assert floors(replace(OLD_GLIBC, go=None, elf=None)) == []


def test_a_platform_with_an_older_kernel_does_not_start_it() -> None:
    def answer(facts: BinaryFacts, kernel: str) -> tuple[bool | None, str]:
        platform = parse_platform("router", {"targets": ["linux/amd64", "linux/loong64"], "kernel": kernel})
        found = start_on(subject(facts), platform).answer
        return found.starts, found.reason

    glibc = replace(OLD_GLIBC, static_name_service=(), go=None)
    assert answer(glibc, "2.6.32") == (False, "the static glibc in it needs Linux 3.2.0; router has 2.6.32")
    assert answer(glibc, "3.2") == (True, "")
    loong = replace(STATIC, target=target("linux/loong64"))
    assert answer(loong, "4.19") == (False, "Go's port linux/loong64 needs Linux 5.19; router has 4.19")


def test_an_image_for_another_system_asks_for_no_linux() -> None:
    assert kernel_floors(MACHO) == ()
    assert kernel_floors(replace(STATIC, target=None)) == ()
