"""
The filter of a fenced program's system calls, as a program for Linux's seccomp.

Namespaces do not hold everything: keyrings belong to the user, AF_VSOCK leads to the machine that hosts this one,
the kernel counts memory files (memfd) and System V's shared memory for no process, and no filter sees the sockets that
io_uring makes.

Source: Linux's Documentation/userspace-api/seccomp_filter.rst, include/uapi/linux/{seccomp,filter,audit}.h.
"""

from __future__ import annotations

import errno
import struct
import sys
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Code = list[tuple[int, int, int, int]]  # of struct sock_filter: code, jt, jf, k


@dataclass(frozen=True, kw_only=True, slots=True)
class Abi:
    """
    One set of system calls that a machine's kernel offers.

    Attributes:
        audit: Its AUDIT_ARCH_ number.
        refused: The numbers of the calls that the fence refuses, by name, as if the kernel did not have them.
        namespaces: The numbers of unshare and setns.
        clone: The number of clone.
        clone_flags: Which argument of clone has its flags.
        socket: The number of socket.
        socketcall: The number of the call that does the work of socket, connect, …; None where there is none.
        ipc: The number of the call that does the work of shmget, semget, …; None where there is none.
        above: Numbers from here on belong to another ABI with the same AUDIT_ARCH_ number: the fence refuses all.
    """

    audit: int
    refused: Mapping[str, int]
    namespaces: tuple[int, int]
    clone: int
    socket: int
    clone_flags: int = 0
    socketcall: int | None = None
    ipc: int | None = None
    above: int | None = None


# These calls have the same number on every architecture.
_EVERYWHERE = {"io_uring_setup": 425, "clone3": 435, "memfd_secret": 447}


def _refused(add_key: int, request_key: int, keyctl: int, memfd_create: int, shmget: int) -> Mapping[str, int]:
    return MappingProxyType(
        {
            "add_key": add_key,
            "request_key": request_key,
            "keyctl": keyctl,
            "memfd_create": memfd_create,
            "shmget": shmget,
            **_EVERYWHERE,
        }
    )


# Source: Linux's arch/x86/entry/syscalls/*.tbl, arch/arm/tools/syscall.tbl, arch/{powerpc,s390}/kernel/syscalls/*.tbl,
# include/uapi/asm-generic/unistd.h; the tests hold them against the kernel's headers.
AMD64 = Abi(
    audit=0xC000003E,
    refused=_refused(248, 249, 250, 319, 29),
    namespaces=(272, 308),
    clone=56,
    socket=41,
    # __X32_SYSCALL_BIT
    above=0x40000000,
)
I386 = Abi(
    audit=0x40000003,
    refused=_refused(286, 287, 288, 356, 395),
    namespaces=(310, 346),
    clone=120,
    socket=359,
    socketcall=102,
    ipc=117,
)
ARM = Abi(audit=0x40000028, refused=_refused(309, 310, 311, 385, 307), namespaces=(337, 375), clone=120, socket=281)


def _generic(audit: int) -> Abi:
    return Abi(audit=audit, refused=_refused(217, 218, 219, 279, 194), namespaces=(97, 268), clone=220, socket=198)


ARM64, RISCV64, LOONG64 = _generic(0xC00000B7), _generic(0xC00000F3), _generic(0xC0000102)
PPC64LE = Abi(
    audit=0xC0000015,
    refused=_refused(269, 270, 271, 360, 395),
    namespaces=(282, 350),
    clone=120,
    socket=326,
    socketcall=102,
    ipc=117,
)
S390X = Abi(
    audit=0x80000016,
    refused=_refused(278, 279, 280, 350, 395),
    namespaces=(303, 339),
    clone=120,
    # Source: clone(2), "C library/kernel differences".
    clone_flags=1,
    socket=359,
    socketcall=102,
    ipc=117,
)
# By the machine's name in uname(2), which differs from the kernel's own for a 32-bit personality.
MACHINES: Mapping[str, tuple[Abi, ...]] = MappingProxyType(
    {
        "x86_64": (AMD64, I386),
        "i686": (AMD64, I386),
        "aarch64": (ARM64, ARM),
        "armv7l": (ARM64, ARM),
        "armv8l": (ARM64, ARM),
        "riscv64": (RISCV64,),
        "loongarch64": (LOONG64,),
        "ppc64le": (PPC64LE,),
        "s390x": (S390X,),
    }
)

# Source: Linux's include/linux/socket.h. Go asks AF_NETLINK for the network interfaces.
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
_SOCKETCALL_SOCKET = 1  # SYS_SOCKET, of include/uapi/linux/net.h
_IPC_SHMGET = 23  # of include/uapi/linux/ipc.h
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, of include/uapi/linux/sched.h
_CLONE_NAMESPACES = 0x7E020000

# BPF_LD | BPF_W | BPF_ABS; BPF_ALU | BPF_AND | BPF_K; BPF_JMP | …; BPF_RET | BPF_K
_LOAD, _AND, _EQUAL, _AT_LEAST, _SET, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_KILL_PROCESS, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
# Of struct seccomp_data: int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6].
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16


def call_filter(machine: str, *, unix_sockets: bool) -> bytes:
    """
    Return the filter for a machine, an array of struct sock_filter.

    A 386 or s390x program makes its sockets with socketcall, whose arguments lie in memory, where no filter sees them:
    there SIGSYS ends the program.

    Args:
        machine: As uname(2) calls it.
        unix_sockets: Whether the program may make a Unix socket other than a pair.

    Raises:
        SandboxError: golink has no numbers of system calls for this machine.
    """
    abis = MACHINES.get(machine)
    if abis is None:
        raise SandboxError(
            f"golink cannot fence a program on {machine or 'this machine'}: it has the numbers of system calls for "
            f"{', '.join(MACHINES)}"
        )
    families = (AF_INET, AF_INET6, AF_NETLINK, *((AF_UNIX,) if unix_sockets else ()))
    code: Code = [(_LOAD, 0, 0, _ARCH)]
    for abi in abis:
        code += _where(_EQUAL, abi.audit, _of_abi(abi, families))
    code.append((_RETURN, 0, 0, _KILL_PROCESS))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _of_abi(abi: Abi, families: Iterable[int]) -> Code:
    code: Code = [(_LOAD, 0, 0, _NUMBER)]
    if abi.above is not None:
        code += _where(_AT_LEAST, abi.above, _refuse(errno.ENOSYS))
    for number in abi.refused.values():
        code += _where(_EQUAL, number, _refuse(errno.ENOSYS))
    for number in abi.namespaces:
        code += _where(_EQUAL, number, _refuse(errno.EPERM))
    allowed: Code = [(_RETURN, 0, 0, _ALLOW)]
    code += _where(
        _EQUAL,
        abi.clone,
        [_argument(abi.clone_flags), *_where(_SET, _CLONE_NAMESPACES, _refuse(errno.EPERM)), *allowed],
    )
    known = [instruction for family in families for instruction in _where(_EQUAL, family, allowed)]
    code += _where(_EQUAL, abi.socket, [_argument(0), *known, *_refuse(errno.EAFNOSUPPORT)])
    if abi.socketcall is not None:
        killed: Code = [(_RETURN, 0, 0, _KILL_PROCESS)]
        code += _where(_EQUAL, abi.socketcall, [_argument(0), *_where(_EQUAL, _SOCKETCALL_SOCKET, killed), *allowed])
    if abi.ipc is not None:
        # The upper half is a version.
        call: Code = [_argument(0), (_AND, 0, 0, 0xFFFF)]
        code += _where(_EQUAL, abi.ipc, [*call, *_where(_EQUAL, _IPC_SHMGET, _refuse(errno.ENOSYS)), *allowed])
    return code + allowed


def _where(test: int, value: int, then: Code) -> Code:
    """Return code that runs `then` if the test holds, else skips it; `then` must end in a return."""
    return [(test, 0, len(then), value), *then]


def _refuse(number: int) -> Code:
    return [(_RETURN, 0, 0, _ERRNO | number)]


def _argument(index: int) -> tuple[int, int, int, int]:
    """Return the instruction that loads the lower half of an argument."""
    return _LOAD, 0, 0, _ARGUMENTS + 8 * index + (0 if sys.byteorder == "little" else 4)
