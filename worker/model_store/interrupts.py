"""Ctrl-C while the main thread waits for another one."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_LOOK_EVERY_S = 0.25


@contextmanager
def prompt_interrupts() -> Iterator[None]:
    """Let Ctrl-C end a wait in the main thread at most 0.25 s later, whenever it was pressed.

    Python's signal handler sets a flag, and the main thread raises KeyboardInterrupt at its next
    instruction. Where Ctrl-C comes just before a lock is waited for, that instruction is the one
    after the wait, and a hub's client waits without a limit for its own threads: the download
    would run on. The ticks of a timer end the wait's system call, whereupon Python looks.

    For the main thread, and while nothing else uses SIGALRM. The program is taken to end when it is
    interrupted: from then on it does not print what goes wrong in destructors.
    """
    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if raises:
        signal.signal(signal.SIGINT, _interrupt)
    former = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY_S, _LOOK_EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
        if raises:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    # The progress bar of a hub's client that was being made has not all that closing it needs, and
    # Python would print the traceback of it beside the line that says what to do.
    sys.unraisablehook = lambda _: None
    signal.default_int_handler(number, frame)
