"""Ctrl-C while a program imports what it needs, which takes up to seconds."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""Exit status of what Ctrl-C ended, as shells give it: 128 and SIGINT's number."""


@contextmanager
def interrupts_end_the_process() -> Iterator[None]:
    """Have Ctrl-C within end the process at once and in silence, with status 130.

    For imports alone, of which nothing is left behind. A KeyboardInterrupt would come with its
    traceback, or turn into another error of what is being imported. For the main thread; where
    SIGINT is ignored, as of a program that a shell started with `&`, it stays so.
    """
    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if raises:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        if raises:
            signal.signal(signal.SIGINT, signal.default_int_handler)
