"""Ctrl-C while the main thread waits for another one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_LOOK_EVERY_S = 0.25


@contextmanager
def prompt_interrupts() -> Iterator[None]:
    """Let Ctrl-C end a wait in the main thread at most 0.25 s later, whenever it was pressed.

    Python's signal handler sets a flag, and the main thread raises KeyboardInterrupt at its next
    instruction. Where Ctrl-C comes just before a lock is waited for, that instruction is the one
    after the wait, and a hub's client waits without a limit for its own threads: the download
    would run on. The ticks of a timer end the wait's system call, whereupon Python looks.

    For the main thread, and while nothing else uses SIGALRM.
    """
    former = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY_S, _LOOK_EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
