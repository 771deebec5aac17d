"""What golink says of an image, held against what happens when the image is started."""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.platforms import parse_platform
from pytest_golink.reader import read_binary
from pytest_golink.rules.runs_on import start_on
from pytest_golink.rules.subject import Subject
from tests.slow.loaders.runner import PLACE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.platforms import Platform
    from tests.slow.loaders.runner import Fence, Ran

_LONGEST_READ_S = 1.0
# A library that says which others are loaded; it needs none itself, and has nothing that a program may call.
_WITNESS = r"""
struct info { void *address; const char *name; };
extern int dl_iterate_phdr(int (*)(struct info *, unsigned long, void *), void *) __attribute__((weak));
static long say(const char *text, long size) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(1), "D"(2), "S"(text), "d"(size) : "rcx", "r11", "memory");
    return result;
}
static int each(struct info *info, unsigned long size, void *data) {
    long length = 0;
    while (info->name && info->name[length]) length++;
    say("loaded ", 7); say(info->name, length); say("\n", 1);
    return 0;
}
__attribute__((constructor, visibility("hidden"))) void witness(void) {
    say("preloaded\n", 10);
    if (dl_iterate_phdr) dl_iterate_phdr(each, 0);
}
"""
# What is loaded with every program.
_ALWAYS = ("linux-vdso.so.1", "witness.so")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What was seen: whether golink read the image, what it says of the start, how it ended, and what is wrong."""

    read: bool
    wrong: str | None = None
    starts: bool | None = None
    started: bool = False


def make_witness(folder: Path) -> None:
    """Compile the library that says which others are loaded."""
    source = folder / "witness.c"
    source.write_text(_WITNESS)
    flags = ["-shared", "-fPIC", "-O1", "-nostdlib", "-fno-stack-protector", "-Wl,--hash-style=both", "-Wl,-z,norelro"]
    subprocess.run(["gcc", *flags, str(source), "-o", str(folder / "witness.so")], check=True)


def this_machine() -> Platform:
    """Describe this machine's glibc as a platform."""
    version = os.confstr("CS_GNU_LIBC_VERSION")
    assert version is not None
    return parse_platform(
        "here",
        {
            "targets": ["linux/amd64"],
            "libc": "glibc",
            "libc-version": version.split()[1],
            "libraries": ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "ld-linux-x86-64.so.2"],
            "cpu": {"amd64": _cpu_level()},
        },
    )


def _cpu_level() -> str:
    loader = subprocess.run(["/lib64/ld-linux-x86-64.so.2", "--help"], check=True, capture_output=True, text=True)
    return max(re.findall(r"x86-64-(v\d) \(supported", loader.stdout), default="v1")


def musl(version: str) -> Platform:
    """Describe a musl of that version as a platform."""
    return parse_platform(
        "musl",
        {
            "targets": ["linux/amd64"],
            "libc": "musl",
            "libc-version": version,
            "libraries": ["libc.so"],
            "cpu": {"amd64": _cpu_level()},
        },
    )


def judge(image: Path, fence: Fence, platform: Platform, before: Sequence[str] = (), *, decided: bool) -> Judgement:
    """
    Read an image, start it, and compare.

    Args:
        image: The image, in the fence's folder.
        fence: Where it is started.
        platform: What describes the fence.
        before: The loader that is called by its own name, and its arguments.
        decided: Whether golink has to know if it starts.
    """
    began = time.process_time()
    try:
        facts = read_binary(image)
    except UnreadableBinaryError:
        return Judgement(read=False, wrong=_slow(began))
    except Exception as error:
        return Judgement(read=False, wrong=f"untyped error: {type(error).__name__}: {error}")
    if facts.kind not in ("executable", "shared-library"):
        return Judgement(read=True, wrong=_slow(began))
    if facts.target is None if before else facts.target is not None and facts.target.goos != "linux":
        # A loader that is called by its own name does not look at the machine, nor Linux at the mark of another system.
        return Judgement(read=True, wrong=_slow(began))
    start = start_on(Subject(name=image.name, facts=facts), platform)
    slow = _slow(began)
    ran = fence.run(image.name, {"LD_PRELOAD": f"{PLACE}/witness.so"}, before)
    started = ran.status == 0 and "started\n" in ran.output
    return Judgement(
        read=True,
        wrong=slow
        or _hidden(facts, ran)
        or (_does_not_start(start.starts, started, ran, start.answer.reason) if decided or started else None),
        starts=start.starts,
        started=started,
    )


def _slow(began: float) -> str | None:
    seconds = time.process_time() - began
    return f"read for {seconds:.1f} s" if seconds > _LONGEST_READ_S else None


def _hidden(facts: BinaryFacts, ran: Ran) -> str | None:
    if "preloaded" not in ran.output:
        return None
    if facts.linkage != "dynamic":
        return f"static but dynamic: {facts.linkage}, and a loader loads what LD_PRELOAD names"
    known = {library.name.rpartition("/")[2] for library in facts.needed}
    known |= {(facts.interpreter or "").rpartition("/")[2], "ld-linux-x86-64.so.2", "ld-musl", *_ALWAYS, ""}
    loader = facts.interpreter or ""
    for line in ran.output.splitlines():
        name = line.removeprefix("loaded ").rpartition("/")[2]
        # The loader calls itself what the address of PT_INTERP maps, which may be anything.
        if line.startswith("loaded ") and ".so" in name and name not in known and not loader.endswith(name):
            return f"hidden library: {name}"
    return None


def _does_not_start(starts: bool | None, started: bool, ran: Ran, reason: str) -> str | None:
    if starts is True and not started:
        last = (ran.output.strip().splitlines() or [""])[-1]
        return f"does not start: {ran.refused or ran.status}: {last}"
    if starts is False and started:
        return f"starts, and golink says that it does not: {reason}"
    return None
