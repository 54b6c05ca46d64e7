"""Leave this process only the system calls that decoding needs.

The recording reaches the child as an open file and the samples leave through open pipes, so from
the moment the filter stands nothing has to be opened, connected, started or signalled.  A
demuxer that is talked into fetching an address or reading the file next door gets EPERM from
the kernel, whatever the file says and whatever bug it found.  No privilege is needed for this
(PR_SET_NO_NEW_PRIVS), and containers allow it under their usual profiles.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_SECCOMP_RET_ALLOW = 0x7FFF0000
_SECCOMP_RET_ERRNO = 0x00050000

# <linux/bpf_common.h>: the three instructions of a list of allowed numbers.
_LOAD_WORD = 0x20
_JUMP_IF_EQUAL = 0x15
_RETURN = 0x06
_OFFSET_OF_NUMBER = 0
_OFFSET_OF_ARCHITECTURE = 4

_AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Numbers are an ABI and never change: (x86_64, aarch64).  Left out on purpose: open, socket,
# connect, execve, clone, fork, kill, ptrace, unlink, rename, prlimit64 and everything new.
_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "dup": (32, 23),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "fcntl": (72, 25),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "newfstatat": (262, 79),
    "getrandom": (318, 278),
}


class SeccompUnavailable(Exception):
    """This kernel, container or processor does not take the filter; the message says why."""


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def build_filter(machine: str) -> bytes:
    """The BPF program for `machine` ('x86_64' or 'aarch64'): listed numbers pass, the rest get
    EPERM.

    The architecture is checked first, since a 32-bit call would use other numbers for the same
    registers; x32 numbers carry a high bit and so are on no list.
    """
    if machine not in _AUDIT_ARCHITECTURE:
        raise SeccompUnavailable(f"no list of system calls for {machine}")
    column = 0 if machine == "x86_64" else 1
    numbers = [pair[column] for pair in _ALLOWED.values()]
    program = [
        (_LOAD_WORD, 0, 0, _OFFSET_OF_ARCHITECTURE),
        # A jump counts the instructions to leap over: refused is just after the list.
        (_JUMP_IF_EQUAL, 0, len(numbers) + 1, _AUDIT_ARCHITECTURE[machine]),
        (_LOAD_WORD, 0, 0, _OFFSET_OF_NUMBER),
    ]
    for position, number in enumerate(numbers):
        program.append((_JUMP_IF_EQUAL, len(numbers) - position, 0, number))
    program.append((_RETURN, 0, 0, _SECCOMP_RET_ERRNO | errno.EPERM))
    program.append((_RETURN, 0, 0, _SECCOMP_RET_ALLOW))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def confine() -> None:
    """Put the filter on the calling thread, for good.  Call it before any second thread exists.

    Raises SeccompUnavailable where it cannot be had; the process is then unchanged, except that
    it can gain no privileges.
    """
    instructions = build_filter(platform.machine())
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    program = _Program(len(instructions) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise SeccompUnavailable(f"no_new_privs: {os.strerror(ctypes.get_errno())}")
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise SeccompUnavailable(f"seccomp: {os.strerror(ctypes.get_errno())}")
