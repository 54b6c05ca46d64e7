"""Schedule of Python's garbage collector in a process: seldom while it starts, then as Python does,
and not again when it ends."""

from __future__ import annotations

import atexit
import gc

WHILE_STARTING = 200_000
"""Objects made between two collections, from the first import of ours on.

A process makes hundreds of thousands before it is ready, almost none of which becomes garbage.
Python 3.11's 700 takes a fifth of the start.
"""

_USUALLY = gc.get_threshold()
"""Python's own, which differs between its versions: this is read before `shared` sets another."""


def collect_as_usual() -> None:
    """Collect as often as Python does from now on, without the objects that exist by now."""
    gc.freeze()
    gc.set_threshold(*_USUALLY)


def end_without_collecting() -> None:
    """Collect nothing when the interpreter ends.

    Python goes twice through all objects then, which takes a third of a short command's time; what
    they hold is the operating system's to take back. Files and connections are closed by those who
    opened them, not by luck at the end.
    """
    atexit.register(gc.freeze)
