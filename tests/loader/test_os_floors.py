"""What Go and the functions that an image calls ask of macOS and Windows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_golink.facts import BinaryFacts, ImportedSymbol, NeededLibrary, Pe
from pytest_golink.loader.os_floors import go_floor, last_go, symbol_floors, windows_version
from pytest_golink.platforms import PLATFORMS
from pytest_golink.rules.runs_on import start_on
from tests.rules.facts_factory import MACHO, PE, by_go, needed, subject, symbols, target


def answer(facts: BinaryFacts, platform: str) -> tuple[bool | None, str]:
    found = start_on(subject(facts), PLATFORMS[platform]).answer
    return found.starts, found.reason


OLD_GO = by_go("go1.20.14")
PLAIN = replace(PE, os_minimum="6.0", go=None, imports=(), needed=needed("kernel32.dll", via="import directory"))


@pytest.mark.parametrize(
    ("system", "version", "oldest"),
    [
        ("macos", "go1.27.3", "13"),
        ("macos", "go1.26.1", "12"),
        ("macos", "go1.24", "11"),
        ("macos", "go1.15", "10.12"),
        ("windows", "go1.21.0", "10.0"),
        ("windows", "go1.20", "6.1"),
    ],
)
def test_go_s_own_minimum_is_by_release(system: str, version: str, oldest: str) -> None:
    floor = go_floor(replace(MACHO, go=by_go(version)), system)

    assert floor is not None
    assert floor.version == oldest


def test_what_has_no_minimum_of_go_has_none() -> None:
    assert go_floor(replace(MACHO, go=None), "macos") is None
    assert go_floor(MACHO, "ios") is None
    assert go_floor(replace(MACHO, go=by_go("go1.9")), "macos") is None


def test_the_last_go_for_a_system_is_named() -> None:
    assert last_go("macos", "12") == "Go 1.26"
    assert last_go("macos", "10.15") == "Go 1.22"
    assert last_go("windows", "6.1") == "Go 1.20"
    assert last_go("macos", "26") is None
    assert last_go("macos", "10.9") is None
    assert last_go("windows", "6.0") is None


def test_a_function_is_there_from_a_windows_on() -> None:
    temporary = replace(PLAIN, imports=symbols("GetTempPath2W", library="kernel32.dll"))
    reason = (
        "calls GetTempPath2W, which came with Windows 11 or Server 2022: the loader refuses a program whose function a "
        "DLL does not have"
    )

    assert answer(temporary, "windows10") == (False, reason)
    assert answer(temporary, "windows-server2019") == (False, reason)
    assert answer(temporary, "windows-server2022")[0] is True
    assert answer(temporary, "windows11")[0] is True
    assert answer(replace(PLAIN, imports=symbols("SetThreadDescription")), "windows10")[1].startswith(
        "calls SetThreadDescription, which came with Windows 10 build 14393:"
    )


def test_windows_starts_console_and_gui_programs_only() -> None:
    native = replace(PLAIN, pe=Pe(subsystem="native"))

    assert answer(native, "windows11") == (
        False,
        "its subsystem is native, and Windows starts console and gui programs only",
    )
    assert answer(replace(native, kind="shared-library"), "windows11")[0] is True
    assert answer(replace(PLAIN, pe=Pe(subsystem="gui")), "windows11")[0] is True


def test_what_may_be_missing_asks_for_nothing() -> None:
    weak = replace(MACHO, imports=(ImportedSymbol(name="mkfifoat", weak=True),))
    assert list(symbol_floors(weak, "macos")) == []
    delayed = replace(
        PLAIN,
        imports=symbols("GetTempPath2W", library="kernel32.dll"),
        needed=(NeededLibrary(name="kernel32.dll", via="delay-import directory"),),
    )
    assert list(symbol_floors(delayed, "windows")) == []
    assert list(symbol_floors(replace(MACHO, imports=symbols("mkfifoat")), "ios")) == []


def test_old_windows_take_old_go() -> None:
    assert answer(replace(PLAIN, go=OLD_GO), "windows7")[0] is True
    assert answer(replace(PLAIN, go=PE.go), "windows7") == (
        False,
        "Go 1.27 runs on Windows 10 or Server 2016 and newer",
    )
    assert answer(replace(PLAIN, go=PE.go), "windows-server2008r2")[0] is False
    assert answer(replace(PLAIN, go=PE.go), "windows8.1")[0] is False
    assert windows_version("windows7", "6.1") == "6.1"


def test_openbsd_has_no_syscall_from_7_5_on() -> None:
    image = replace(
        PE,
        format="elf",
        target=target("openbsd/amd64"),
        interpreter="/usr/libexec/ld.so",
        needed=needed("libc.so"),
        imports=symbols("syscall", "write"),
        go=by_go("go1.21.5"),
        os_minimum=None,
    )
    reason = "calls syscall, which OpenBSD's libc does not have from 7.5 on"

    assert answer(image, "openbsd7.5") == (False, reason)
    assert answer(image, "openbsd7.4")[0] is True
    assert answer(replace(image, imports=symbols("write")), "openbsd7.9")[0] is True
    newer = replace(image, go=by_go("go1.23.1"))
    found = start_on(subject(newer), PLATFORMS["openbsd7.5"])
    assert found.obstacles[0].remedy == ("a newer golang.org/x/sys",)
