"""Limits that a sandboxed process puts on itself before it touches the recording.

They are set by the process itself and not between fork and exec, because code that runs there can
deadlock in a parent with threads, and the worker has some.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1

OPEN_FILES = 32
"""Standard input and output, the demuxer's copy, and what importing PyAV opens meanwhile."""


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that started it ends.

    So a worker that is killed with SIGKILL leaves no decoder behind.  The parent may be gone
    before the request is made; the check afterwards closes that gap.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        sys.exit(1)


def limit_resources(memory_bytes: int, cpu_s: int, *, file_bytes: int = 0) -> None:
    """Bound address space and processor time; allow no core dump, and no file of more than
    `file_bytes`.  Signals do what the kernel does by itself: end the process.

    Memory beyond the limit fails as an allocation, which the decoder survives long enough to
    say so.  Processor time beyond it ends the process with SIGXCPU.
    """
    bounds = {
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
        resource.RLIMIT_CPU: (cpu_s, cpu_s + 1),
        # Writing to a pipe does not count.
        resource.RLIMIT_FSIZE: (file_bytes, file_bytes),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (OPEN_FILES, OPEN_FILES),
    }
    for kind, wanted in bounds.items():
        _, ceiling = resource.getrlimit(kind)
        if ceiling != resource.RLIM_INFINITY:
            # The operator's own limit may be lower, and cannot be raised.
            wanted = (min(wanted[0], ceiling), min(wanted[1], ceiling))
        resource.setrlimit(kind, wanted)
    # A reader that went away is a reason to stop, not to print a traceback; and returning from a
    # handler is a system call that the filter refuses.
    for number in (signal.SIGPIPE, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
