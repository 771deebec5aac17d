"""What Windows asks of an image before it starts: its version, and where its DLLs are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.loader.obstacles import Obstacle, go_minor
from pytest_golink.platforms.system_libraries import outside_system
from pytest_golink.text.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.facts import BinaryFacts, NeededLibrary
    from pytest_golink.platforms import Platform

# Source: Go 1.21's release notes: Windows 10 and Server 2016 are the oldest; 1.11's: 7 and Server 2008 R2.
_GO_WINDOWS = ((21, "10.0"), (11, "6.1"))
_API_SET = re.compile(r"(api|ext)-ms-[a-z0-9-]+\.dll")
# The Universal CRT is a part of Windows from 10 on.
# Source: Microsoft's "Universal CRT deployment": KB2999226 brings it to older ones.
_UCRT = re.compile(r"ucrtbase\.dll|api-ms-win-crt-[a-z0-9-]+\.dll")
_UCRT_FROM = (10, 0)
# os/user does without netapi32.dll for the current user. Source: Go 1.24's release notes.
_WITHOUT_NETAPI = 24


def windows_obstacles(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    """Yield why this Windows is too old, and the DLLs that it does not have."""
    has = platform.os_version or ""
    if has and facts.os_minimum and numbers(facts.os_minimum) > numbers(has):
        yield Obstacle(
            text=f"subsystem version {facts.os_minimum}; {platform.name} has {has}",
            cause=("the loader refuses an image for a newer Windows",),
            remedy=("an older Go: its own linker writes the oldest Windows that this version of Go runs on",),
        )
    minor = go_minor(facts)
    oldest = next((version for first, version in _GO_WINDOWS if minor is not None and minor >= first), None)
    if has and oldest and numbers(has) < numbers(oldest):
        words = "Windows 10 or Server 2016" if oldest == "10.0" else "Windows 7 or Server 2008 R2"
        yield Obstacle(text=f"Go 1.{minor} runs on {words} and newer", remedy=("Go 1.20, the last one for older",))
    for library in _missing_dlls(facts, platform):
        if (Path(facts.path).parent / library.name).is_file():
            # The folder of the program comes first.
            yield Obstacle(text=f"{library.name} is beside the image; what it needs is not looked at", caution=True)
        elif library.via == "delay-import directory":
            yield Obstacle(text=f"{library.name} is not there: the first call into it fails", caution=True)
        else:
            yield Obstacle(
                text=f"{library.name} is not there", remedy=(f"link {library.name} in, or ship it beside the program",)
            )
    late = [each.name for each in facts.needed if _UCRT.fullmatch(each.name.lower())] if has else []
    if late and numbers(has) < _UCRT_FROM:
        text = f"{late[0]} is there with the update KB2999226 alone"
        yield Obstacle(text=text, certain=False, remedy=("ask for that update, or link to msvcrt.dll",))
    with_netapi = minor is None or minor < _WITHOUT_NETAPI
    users = facts.content.user_lookup or ()
    if platform.family == "nanoserver" and with_netapi and "system" in users:
        # Source: golang/go#21867.
        yield Obstacle(text="os/user loads netapi32.dll, which Nano Server does not have", caution=True)


def _missing_dlls(facts: BinaryFacts, platform: Platform) -> tuple[NeededLibrary, ...]:
    own = {name.lower() for name in platform.libraries.get("", ())}
    if not own:
        return outside_system(facts.target, facts.needed) if facts.target else facts.needed
    return tuple(
        library
        for library in facts.needed
        if library.name.lower() not in own and _API_SET.fullmatch(library.name.lower()) is None
    )
