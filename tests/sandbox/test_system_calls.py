"""The filter of system calls: its numbers against the kernel's headers, its answers on every architecture."""

from __future__ import annotations

import errno
import re
import struct
from importlib.resources import files
from pathlib import Path

import pytest

from pytest_golink.errors import SandboxError
from pytest_golink.sandbox.system_calls import (
    AMD64,
    ARM,
    ARM64,
    I386,
    LOONG64,
    MACHINES,
    PPC64LE,
    RISCV64,
    S390X,
    Abi,
    call_filter,
)

# Zig comes with the kernel's headers of every architecture.
_HEADERS = Path(str(files("ziglang"))) / "lib/libc/include"
_ALLOWED, _KILLED = 0x7FFF0000, 0x80000000
_ABIS = {
    "x86/unistd_64": AMD64,
    "x86/unistd_32": I386,
    "arm/unistd-eabi": ARM,
    "aarch64/unistd_64": ARM64,
    "riscv/unistd_64": RISCV64,
    "loongarch/unistd_64": LOONG64,
    "powerpc/unistd_64": PPC64LE,
    "s390x/unistd_64": S390X,
}
_EACH_ABI = pytest.mark.parametrize("abi", _ABIS.values(), ids=_ABIS.keys())


def _numbers(header: str) -> dict[str, int]:
    machine, _, name = header.partition("/")
    text = (_HEADERS / f"{machine}-linux-any/asm/{name}.h").read_text()
    found = re.findall(r"#define __NR_(\w+)\s+(?:\(__NR_SYSCALL_BASE \+ )?(\d+)", text)
    return {call: int(number) for call, number in found}


@pytest.mark.parametrize(("header", "abi"), _ABIS.items())
def test_the_numbers_are_those_of_the_kernel_s_headers(header: str, abi: Abi) -> None:
    numbers = _numbers(header)

    # The headers of two architectures do not name the youngest of them, which they do not have.
    assert {**abi.refused, **{name: numbers[name] for name in abi.refused if name in numbers}} == dict(abi.refused)
    assert set(abi.refused) - set(numbers) <= {"memfd_secret"}
    assert (numbers["unshare"], numbers["setns"]) == abi.namespaces
    assert (numbers["clone"], numbers["socket"]) == (abi.clone, abi.socket)
    assert (numbers.get("socketcall"), numbers.get("ipc")) == (abi.socketcall, abi.ipc)


def _machine(abi: Abi) -> str:
    return next(machine for machine, abis in MACHINES.items() if abi in abis)


def _answer(abi: Abi, number: int, *arguments: int, unix_sockets: bool = True) -> int:
    """Run the filter as the kernel does: on struct seccomp_data, with the byte order of this machine."""
    code = call_filter(_machine(abi), unix_sockets=unix_sockets)
    data = struct.pack("=IIQ6Q", number, abi.audit, 0, *arguments, *[0] * (6 - len(arguments)))
    place, value = 0, 0
    while True:
        operation, yes, no, operand = struct.unpack_from("=HBBI", code, place)
        place += 8
        if operation == 0x20:
            value = struct.unpack_from("=I", data, operand)[0]
        elif operation == 0x54:
            value &= operand
        elif operation == 0x06:
            return int(operand)
        else:
            holds = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[operation]
            place += 8 * (yes if holds else no)


def _errno(number: int) -> int:
    return 0x00050000 | number


@_EACH_ABI
def test_calls_that_namespaces_do_not_hold_are_refused(abi: Abi) -> None:
    for number in abi.refused.values():
        assert _answer(abi, number) == _errno(errno.ENOSYS)
    for number in abi.namespaces:
        assert _answer(abi, number) == _errno(errno.EPERM)
    assert _answer(abi, 3) == _ALLOWED


@_EACH_ABI
def test_a_thread_is_made_and_a_namespace_is_not(abi: Abi) -> None:
    before = [0] * abi.clone_flags

    # What pthread_create asks: CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_THREAD, CLONE_SETTLS, …
    assert _answer(abi, abi.clone, *before, 0x3D0F00) == _ALLOWED
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert _answer(abi, abi.clone, *before, 1 << bit | 17) == _errno(errno.EPERM)


@_EACH_ABI
def test_families_of_sockets_that_are_of_a_namespace_are_allowed(abi: Abi) -> None:
    allowed = [family for family in range(64) if _answer(abi, abi.socket, family) == _ALLOWED]
    without_unix = [family for family in range(64) if _answer(abi, abi.socket, family, unix_sockets=False) == _ALLOWED]

    assert (allowed, without_unix) == ([1, 2, 10, 16], [2, 10, 16])
    assert _answer(abi, abi.socket, 40) == _errno(errno.EAFNOSUPPORT)


@pytest.mark.parametrize("abi", [I386, PPC64LE, S390X])
def test_calls_that_stand_for_several_are_refused_in_part(abi: Abi) -> None:
    assert abi.socketcall is not None
    assert abi.ipc is not None
    assert _answer(abi, abi.socketcall, 1) == _KILLED
    assert _answer(abi, abi.socketcall, 3) == _ALLOWED
    assert _answer(abi, abi.ipc, 1 << 16 | 23) == _errno(errno.ENOSYS)
    assert _answer(abi, abi.ipc, 2) == _ALLOWED


def test_what_is_of_no_abi_of_the_machine_ends() -> None:
    code = call_filter("x86_64", unix_sockets=True)

    assert struct.unpack("=HBBI", code[-8:]) == (0x06, 0, 0, _KILLED)
    assert _answer(AMD64, AMD64.socket | 0x40000000, 2) == _errno(errno.ENOSYS)


def test_a_machine_without_known_numbers_is_an_error() -> None:
    with pytest.raises(SandboxError, match="golink cannot fence a program on mips64: it has the numbers of"):
        call_filter("mips64", unix_sockets=True)
