"""A sandboxed process that somebody has taken over: it confines itself as those do and then tries
what an attacker would.

`python -m tests.support.doubles.hostile_child ROLE VICTIM_PID FILE` prints {attempt: outcome} as
JSON: the name of the error, or "allowed".  Descriptor 9 is one that should not have been inherited.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import resource
import signal
import socket
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

from worker.audio.sandbox import resource_limits, seccomp
from worker.audio.sandbox.system_calls import ALLOWED, Role

MOST_CALLS = 600
"""Number of system calls that are tried, more than any kernel has numbers for."""

OF_THE_KERNELS_PROBES = (335, 336) if platform.machine() == "x86_64" else ()
"""uretprobe and uprobe, which kernels from 6.11 on pass by every filter, and which kill whoever
calls them from anywhere but a probe."""

X32_BIT = 0x40000000

_I386_CALL = bytes.fromhex("53 89f8 89f3 31c9 31d2 cd80 5b c3")
"""push rbx; mov eax, edi; mov ebx, esi; xor ecx, ecx; xor edx, edx; int 0x80; pop rbx; ret"""

LIBC = ctypes.CDLL(None, use_errno=True)


def system_call(number: int, *arguments: int) -> str:
    """The name of the error that the kernel gives, or "allowed"."""
    given = [ctypes.c_long(number), *(ctypes.c_long(value) for value in arguments)]
    if LIBC.syscall(*given, *(ctypes.c_long(0) for _ in range(6 - len(arguments)))) >= 0:
        return "allowed"
    return errno.errorcode[ctypes.get_errno()]


def outcome(attempt: Callable[[], object]) -> str:
    try:
        returned = attempt()
    except (OSError, ValueError) as error:
        return errno.errorcode.get(getattr(error, "errno", None) or 0, str(error))
    return returned if isinstance(returned, str) else "allowed"


def i386_call() -> Callable[[int, int], int] | None:
    """A function that makes a 32-bit call; None on processors that have none."""
    if platform.machine() != "x86_64":
        return None
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(_I386_CALL)
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)
    made = kind(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    return lambda number, first: int(made(number, first))


def attempts(victim: int, file: Path, existing: socket.socket) -> dict[str, Callable[[], object]]:
    """Forbidden actions to try, by name; `existing` is a socket that was open before."""
    numbers = ALLOWED[Role.DECODER]
    by_name = {
        name: call.x86_64 if platform.machine() == "x86_64" else call.aarch64
        for name, call in numbers.items()
    }
    page = mmap.mmap(-1, mmap.PAGESIZE)
    at = ctypes.addressof(ctypes.c_char.from_buffer(page))
    executable = mmap.PROT_READ | mmap.PROT_EXEC
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return {
        "open": lambda: os.open("/etc/hostname", os.O_RDONLY),
        "make a file": lambda: os.open(file.with_name("new"), os.O_WRONLY | os.O_CREAT),
        "list a folder": lambda: os.listdir("/"),
        "stat by path": lambda: os.stat("/etc/hostname"),
        "lstat by path": lambda: os.lstat(file),
        "access": lambda: os.access("/etc/hostname", os.R_OK) or "EPERM",
        "readlink": lambda: os.readlink("/proc/self/exe"),
        "getcwd": os.getcwd,
        "chdir": lambda: os.chdir("/tmp"),
        "unlink": lambda: os.unlink(file),
        "rename": lambda: os.rename(file, file.with_name("new")),
        "chmod": lambda: os.chmod(file, 0),
        "truncate": lambda: os.truncate(file, 0),
        "write to what was inherited": lambda: os.write(9, b"x"),
        "pwrite to what was inherited": lambda: os.pwrite(9, b"x", 0),
        "truncate what was inherited": lambda: os.ftruncate(9, 0),
        "copy what was inherited": lambda: os.dup(9),
        "put it in the place of its own": lambda: os.dup2(9, 1),
        "make a socket": socket.socket,
        "connect": lambda: existing.connect(("127.0.0.1", 9)),
        "send": lambda: existing.send(b"x"),
        "execve": lambda: os.execv("/bin/true", ["true"]),
        "fork": os.fork,
        "vfork and exec": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "memfd": lambda: os.memfd_create("x"),
        "pipe": os.pipe,
        "kill the victim": lambda: os.kill(victim, signal.SIGKILL),
        "kill a group": lambda: os.killpg(victim, signal.SIGKILL),
        "look whether it is there": lambda: os.kill(victim, 0),
        "signal by a pidfd": lambda: os.pidfd_open(victim),
        "own signals of a descriptor": lambda: fcntl.fcntl(1, fcntl.F_SETOWN, victim),
        "choose that signal": lambda: fcntl.fcntl(1, fcntl.F_SETSIG, signal.SIGKILL),
        "send it": lambda: fcntl.fcntl(1, fcntl.F_SETFL, os.O_ASYNC),
        "the same by ioctl": lambda: fcntl.ioctl(1, termios.FIOASYNC, b"\1\0\0\0"),
        "own it by FIOSETOWN": lambda: fcntl.ioctl(1, 0x8901, victim.to_bytes(4, "little")),
        "own it by SIOCSPGRP": lambda: fcntl.ioctl(1, 0x8902, victim.to_bytes(4, "little")),
        "type into a terminal": lambda: fcntl.ioctl(1, termios.TIOCSTI, b"x"),
        "lock a descriptor": lambda: fcntl.flock(9, fcntl.LOCK_EX),
        "signal by a timer": lambda: signal.setitimer(signal.ITIMER_REAL, 0.001),
        "handle a signal": lambda: signal.signal(signal.SIGXCPU, signal.SIG_IGN),
        "hold a signal back": lambda: signal.pthread_sigmask(
            signal.SIG_BLOCK, {signal.SIGXCPU, signal.SIGTERM}
        ),
        "raise limits": lambda: resource.prlimit(
            0, resource.RLIMIT_NOFILE, (resource_limits.OPEN_FILES, resource_limits.OPEN_FILES)
        ),
        "limit the victim": lambda: resource.prlimit(victim, resource.RLIMIT_CPU, (1, 1)),
        "change its priority": lambda: os.setpriority(os.PRIO_PROCESS, victim, 19),
        "read its processor clock": lambda: time.clock_gettime((~victim << 3) | 2),
        "read its processors": lambda: os.sched_getaffinity(victim),
        "executable memory": lambda: system_call(
            by_name["mmap"], 0, mmap.PAGESIZE, executable, private, -1, 0
        ),
        "make memory executable": lambda: system_call(
            by_name["mprotect"], at, mmap.PAGESIZE, executable
        ),
    }


def main(role: Role, victim: int, file: Path) -> None:
    call_32 = i386_call()
    resource_limits.die_with_parent(os.getppid())
    resource_limits.limit_resources(1 << 30, 20)
    with socket.socket() as existing:
        tried = attempts(victim, file, existing)
        allowed = {
            call.x86_64 if platform.machine() == "x86_64" else call.aarch64
            for call in ALLOWED[role].values()
        }
        go, said = threading.Event(), list[str]()
        other = threading.Thread(
            target=lambda: (go.wait(), said.append(outcome(tried["kill the victim"])))
        )
        other.start()
        seccomp.confine(role)
        found = {name: outcome(attempt) for name, attempt in tried.items()}
        go.set()
        other.join()
        found["kill from a thread that was there before"] = said[0]
        for number in range(MOST_CALLS):
            if number in OF_THE_KERNELS_PROBES:
                continue
            if number not in allowed:
                found[f"call {number}"] = system_call(number)
            found[f"x32 call {number}"] = system_call(number | X32_BIT)
        os.write(1, json.dumps(found).encode() + b"\n")
        if call_32 is not None:
            # Last, and in a line of its own: a kernel without these calls ends the process.
            more = {f"i386 call {n}": -call_32(n, victim) for n in range(MOST_CALLS)}
            names = {name: errno.errorcode.get(code, "allowed") for name, code in more.items()}
            os.write(1, json.dumps(names).encode() + b"\n")
    os._exit(0)


if __name__ == "__main__":
    main(Role(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
