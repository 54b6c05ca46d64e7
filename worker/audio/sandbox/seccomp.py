"""Leave this process only the system calls that its role needs.

What it reads and writes reaches it as open descriptors, so from the moment the filter stands
nothing has to be opened, connected, started or signalled.  A demuxer that is talked into fetching
an address or reading the file next door gets EPERM from the kernel, whatever the file says and
whatever bug it found.  No privilege is needed for this (PR_SET_NO_NEW_PRIVS), and containers allow
it under their usual profiles.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

from worker.audio.sandbox.system_calls import ALLOWED, Condition, Role

_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_TSYNC = 1
_SECCOMP_CALL = {"x86_64": 317, "aarch64": 277}
_SECCOMP_RET_ALLOW = 0x7FFF0000
_SECCOMP_RET_ERRNO = 0x00050000

# <linux/bpf_common.h>: the instructions of a list of allowed numbers.
_LOAD_WORD = 0x20
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_ANY_BIT = 0x45
_RETURN = 0x06

# struct seccomp_data, on processors whose lower half comes first, which both of ours are.
_OFFSET_OF_NUMBER = 0
_OFFSET_OF_ARCHITECTURE = 4
_OFFSET_OF_ARGUMENTS = 16
_ARGUMENT_BYTES = 8

_AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_Instruction = tuple[int, int, int, int]
_ALLOW: _Instruction = (_RETURN, 0, 0, _SECCOMP_RET_ALLOW)
_REFUSE: _Instruction = (_RETURN, 0, 0, _SECCOMP_RET_ERRNO | errno.EPERM)


class SeccompUnavailable(Exception):
    """Refusal of the filter by this kernel, container or processor; the message says why."""


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def build_filter(machine: str, role: Role) -> bytes:
    """The BPF program for `machine` ('x86_64' or 'aarch64'): what `role` may pass, the rest gets
    EPERM.  Raises SeccompUnavailable for another machine.

    The architecture is checked first, since a 32-bit call would use other numbers for the same
    registers; x32 numbers carry a high bit and so are on no list.
    """
    if machine not in _AUDIT_ARCHITECTURE:
        raise SeccompUnavailable(f"no list of system calls for {machine}")
    program = [
        (_LOAD_WORD, 0, 0, _OFFSET_OF_ARCHITECTURE),
        # A jump counts the instructions to leap over.
        (_JUMP_IF_EQUAL, 1, 0, _AUDIT_ARCHITECTURE[machine]),
        _REFUSE,
        (_LOAD_WORD, 0, 0, _OFFSET_OF_NUMBER),
    ]
    for call in ALLOWED[role].values():
        number = call.x86_64 if machine == "x86_64" else call.aarch64
        judged = [step for condition in call.conditions for step in _judged(condition)]
        judged.append(_ALLOW)
        program += [(_JUMP_IF_EQUAL, 0, len(judged), number), *judged]
    program.append(_REFUSE)
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def _judged(condition: Condition) -> list[_Instruction]:
    """Go on behind these where the condition holds, and refuse where it does not."""
    argument = _OFFSET_OF_ARGUMENTS + _ARGUMENT_BYTES * condition.argument
    steps = [(_LOAD_WORD, 0, 0, argument)]
    if condition.without:
        steps += [(_JUMP_IF_ANY_BIT, 0, 1, condition.without), _REFUSE]
    values = condition.one_of
    steps += [(_JUMP_IF_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]
    return [*steps, _REFUSE] if values else steps


def confine(role: Role) -> None:
    """Put the filter on every thread of this process, for good.

    Raises SeccompUnavailable where it cannot be had; the process is then unchanged, except that
    it can gain no privileges.
    """
    machine = platform.machine()
    instructions = build_filter(machine, role)
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    program = _Program(len(instructions) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise SeccompUnavailable(f"no_new_privs: {os.strerror(ctypes.get_errno())}")
    # The call instead of prctl's way, which leaves out the threads that a library has started.
    refused = libc.syscall(
        ctypes.c_long(_SECCOMP_CALL[machine]),
        ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_ulong(_SECCOMP_FILTER_FLAG_TSYNC),
        ctypes.byref(program),
    )
    if refused > 0:
        raise SeccompUnavailable(f"seccomp: thread {refused} cannot be confined")
    if refused:
        raise SeccompUnavailable(f"seccomp: {os.strerror(ctypes.get_errno())}")
