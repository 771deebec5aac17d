"""What Windows requires of an image before it starts: its version, and its DLLs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.loader.obstacles import Obstacle, go_minor
from pytest_golink.loader.os_floors import go_floor, last_go, symbol_floors, windows_version
from pytest_golink.loader.project import outside
from pytest_golink.platforms.system_libraries import outside_system
from pytest_golink.text.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import BinaryFacts, NeededLibrary
    from pytest_golink.platforms import Platform

_API_SET = re.compile(r"(api|ext)-ms-[a-z0-9-]+\.dll")
# The Universal CRT is a part of Windows from 10 on.
# Source: Microsoft's "Universal CRT deployment": KB2999226 brings it to older ones.
_UCRT = re.compile(r"ucrtbase\.dll|api-ms-win-crt-[a-z0-9-]+\.dll")
_UCRT_FROM = (10, 0)
# os/user does without netapi32.dll for the current user. Source: Go 1.24's release notes.
_WITHOUT_NETAPI = 24
# What CreateProcess starts. Source: ReactOS' dll/win32/kernel32/client/proc.c, CreateProcessInternalW, and Microsoft's
# system error 129: "cannot be run in Win32 mode".
_STARTED = ("console", "gui")


def windows_obstacles(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    """Yield why this Windows is too old, and the DLLs that it does not have."""
    if facts.pe is not None and facts.kind == "executable" and facts.pe.subsystem not in _STARTED:
        yield Obstacle(
            text=f"its subsystem is {facts.pe.subsystem}, and Windows starts console and gui programs only",
            remedy=("link it without --subsystem, or with -ldflags -H=windowsgui",),
        )
    if platform.os_version:
        yield from _too_old(facts, platform.name, platform.os_version)
    for library in _missing_dlls(facts, platform):
        yield _without_dll(facts, library)
    if platform.os_version and numbers(platform.os_version) < _UCRT_FROM:
        for library in [each for each in facts.needed if _UCRT.fullmatch(each.name.lower())][:1]:
            text = f"{library.name} is there only with the update KB2999226"
            yield Obstacle(text=text, certain=False, remedy=("ask for that update, or link to msvcrt.dll",))
    if platform.family == "nanoserver" and _asks_netapi(facts):
        # Source: golang/go#21867.
        yield Obstacle(text="os/user loads netapi32.dll, which Nano Server does not have", caution=True)


def _too_old(facts: BinaryFacts, name: str, has: str) -> Iterator[Obstacle]:
    """Yield what asks for a newer Windows than this version: the header, Go, and the functions that it calls."""
    if facts.os_minimum and numbers(facts.os_minimum) > numbers(has):
        yield Obstacle(
            text=f"subsystem version {facts.os_minimum}; {name} has {has}",
            cause=("the loader refuses an image for a newer Windows",),
            remedy=("an older Go: its own linker writes the oldest Windows that this version of Go runs on",),
        )
    own = go_floor(facts, "windows")
    if own is not None and numbers(has) < numbers(own.version):
        last = last_go("windows", has)
        yield Obstacle(text=own.reason, remedy=(f"{last}, the last one for older",) if last else ())
    for floor in symbol_floors(facts, "windows"):
        if numbers(windows_version(name, has)) < numbers(floor.version):
            yield Obstacle(
                text=f"{floor.reason}: the loader refuses a program whose function a DLL does not have",
                remedy=("call it through GetProcAddress, or build with the headers of an older Windows",),
            )


def _without_dll(facts: BinaryFacts, library: NeededLibrary) -> Obstacle:
    beside = Path(facts.path).parent / library.name
    if not outside(beside, Path(facts.path)) and beside.is_file():
        # The folder of the program comes first.
        return Obstacle(text=f"{library.name} is beside the image; what it needs is not looked at", caution=True)
    if library.via == "bound import directory":
        return Obstacle(text=f"{library.name} is not there: not every Windows loads what is bound", caution=True)
    if library.via == "delay-import directory":
        return Obstacle(text=f"{library.name} is not there: the first call into it fails", caution=True)
    return Obstacle(
        text=f"{library.name} is not there", remedy=(f"link {library.name} in, or ship it beside the program",)
    )


def _asks_netapi(facts: BinaryFacts) -> bool:
    minor = go_minor(facts)
    return "system" in (facts.content.user_lookup or ()) and (minor is None or minor < _WITHOUT_NETAPI)


def _missing_dlls(facts: BinaryFacts, platform: Platform) -> tuple[NeededLibrary, ...]:
    own = {name.lower() for name in platform.libraries.get("", ())}
    if not own:
        return outside_system(facts.target, facts.needed) if facts.target else facts.needed
    return tuple(
        library
        for library in facts.needed
        if library.name.lower() not in own and _API_SET.fullmatch(library.name.lower()) is None
    )
