"""System calls that a sandboxed process keeps, and their permitted arguments.

Numbers are an ABI and never change: (x86_64, aarch64), as in the kernel's own tables.  Whatever is
not named here is refused: opening, asking about and naming files (`newfstatat` too, which takes a
path), sockets, processes and threads, signals to anybody (`kill`, and `fcntl`, which can send
them), handlers for them, `ioctl`, other processes' memory, executable memory, and everything that
kernels yet to come will bring.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

_PROT_EXEC = 4

_OWN_CLOCKS = tuple(range(8))
"""CLOCK_REALTIME to CLOCK_BOOTTIME. Negative numbers are the clocks of other processes."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition on an argument, by its number from 0; its lower 32 bits are looked at, which is all
    that the kernel takes of these.

    one_of: the values that pass; empty: any.  without: no bit of this may be set.
    """

    argument: int
    one_of: tuple[int, ...] = ()
    without: int = 0


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A call that passes where all of its conditions hold."""

    x86_64: int
    aarch64: int
    conditions: tuple[Condition, ...] = ()


class Role(Enum):
    """Role of a sandboxed process. Its descriptors are 0, 1 and 2 and no others.

    decoder: reads the recording from 0, writes sound to 1 and words to 2.
    encoder: reads sound from 0, makes a file of 1, writes words to 2.
    """

    DECODER = "decoder"
    ENCODER = "encoder"


_EVERYBODY = {
    "read": SystemCall(0, 63),
    "write": SystemCall(1, 64, (Condition(0, one_of=(1, 2)),)),
    "close": SystemCall(3, 57),
    "fstat": SystemCall(5, 80),
    "mmap": SystemCall(9, 222, (Condition(2, without=_PROT_EXEC),)),
    "mprotect": SystemCall(10, 226, (Condition(2, without=_PROT_EXEC),)),
    "munmap": SystemCall(11, 215),
    "brk": SystemCall(12, 214),
    "pread64": SystemCall(17, 67),
    "sched_yield": SystemCall(24, 124),
    "mremap": SystemCall(25, 216),
    "madvise": SystemCall(28, 233),
    "getpid": SystemCall(39, 172),
    "exit": SystemCall(60, 93),
    "gettimeofday": SystemCall(96, 169),
    "gettid": SystemCall(186, 178),
    "futex": SystemCall(202, 98),
    "sched_getaffinity": SystemCall(204, 123, (Condition(0, one_of=(0,)),)),
    "restart_syscall": SystemCall(219, 128),
    "clock_gettime": SystemCall(228, 113, (Condition(0, one_of=_OWN_CLOCKS),)),
    "clock_nanosleep": SystemCall(230, 115, (Condition(0, one_of=_OWN_CLOCKS),)),
    "exit_group": SystemCall(231, 94),
    "getrandom": SystemCall(318, 278),
}

_MAKES_A_FILE = {
    "pwrite64": SystemCall(18, 68, (Condition(0, one_of=(1,)),)),
}

ALLOWED = {
    Role.DECODER: _EVERYBODY,
    Role.ENCODER: _EVERYBODY | _MAKES_A_FILE,
}
