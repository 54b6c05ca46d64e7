"""Lives of `longscribe watch`, each of which ends by SIGKILL at a chosen step or at any time.

Imports once and forks a process for each life.  Prints a JSON object with the number of kills at
each step.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from shared.cli.remote import commands, move_processed, notes, transcripts, watch

ANY_TIME = "any time"
REQUESTS = ("begin upload", "send", "ask how much is there", "submit", "ask", "fetch transcript")
WRITES = ("note", "transcript", "reason")
MOVES = ("note", "transcript", "recording")
STEPS = [
    f"{when} {what}"
    for when in ("before", "after")
    for what in (
        *REQUESTS,
        *(f"writing a {name}" for name in WRITES),
        *(f"moving a {name}" for name in MOVES),
    )
]
"""Steps that leave a trace outside of the process."""

_LONGEST_LIFE_S = 0.4
"""Longest life in seconds of those that end at any time."""


def main() -> None:
    """Arguments: the folder to watch, one whose files are dropped into it by and by, the server's
    address, the seed, how often each step is killed at and how often that is done at any time."""
    inbox, coming = Path(sys.argv[1]), Path(sys.argv[2])
    chosen = random.Random(int(sys.argv[4]))
    ends = STEPS * int(sys.argv[5]) + [ANY_TIME] * int(sys.argv[6])
    chosen.shuffle(ends)
    left = sorted(coming.iterdir(), reverse=True)
    kills: Counter[str] = Counter()
    for lives_before, end in enumerate(ends):
        share = -(-len(left) // (len(ends) - lives_before))
        for _ in range(share):
            (dropped := left.pop()).rename(inbox / dropped.name)
        # Of a share some fail, and what comes of those is as rare.
        nth = chosen.randint(1, max(1, share // 4))
        kills[end] += _live(inbox, end, nth, chosen.uniform(0, _LONGEST_LIFE_S)) == -signal.SIGKILL
    last = _live(inbox, "", 0, 0)
    print(json.dumps({"kills": kills, "last": last}))


def _live(inbox: Path, end: str, nth: int, life_s: float) -> int:
    """Watch in a fork until it is killed or nothing is left; its exit status."""
    pid = os.fork()
    if pid == 0:
        if end in STEPS:
            _die_at(end, nth)
        try:
            commands.app(_command(inbox), standalone_mode=True)
        except SystemExit as exit_:
            sys.stdout.flush()
            os._exit(int(exit_.code or 0))
        os._exit(70)
    if end == ANY_TIME:
        time.sleep(life_s)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _command(inbox: Path) -> list[str]:
    return [
        *("watch", str(inbox), "--once", "--json", "--server", sys.argv[3]),
        *("--every", "0.1", "--settled", "0"),
    ]


def _die_at(step: str, nth: int) -> None:
    """Have this process killed when it comes to a step for the `nth` time."""
    count = itertools.count(1)

    def reach(reached: str) -> None:
        if reached == step and next(count) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def around(what: str) -> Iterator[None]:
        reach(f"before {what}")
        yield
        reach(f"after {what}")

    def watched(do: Callable[..., Any], what: Callable[..., str]) -> Callable[..., Any]:
        def done(*args: Any, **kwargs: Any) -> Any:
            with around(what(*args)):
                return do(*args, **kwargs)

        return done

    for module in (notes, transcripts, watch):
        module.write_durably = watched(  # type: ignore[attr-defined]
            notes.write_durably, lambda path, _: f"writing a {_kind(path)}"
        )
    for name in ("rename", "replace"):
        moved = watched(getattr(Path, name), lambda path, _: f"moving a {_kind(path)}")
        setattr(Path, name, moved)
    sent = watched(httpx2.HTTPTransport.handle_request, lambda _, request: _request(request))
    httpx2.HTTPTransport.handle_request = sent  # type: ignore[method-assign]


def _kind(path: Path) -> str:
    if path.name.endswith(move_processed.REASON):
        return "reason"
    if path.parent.name == ".longscribe":
        return "note"
    return "transcript" if path.name.endswith(".part") else "recording"


def _request(request: httpx2.Request) -> str:
    path = request.url.path
    if path.endswith("/transcript"):
        return "fetch transcript"
    of_upload = {"POST": "begin upload", "PATCH": "send", "HEAD": "ask how much is there"}
    of_job = {"POST": "submit", "GET": "ask"}
    return (of_upload if "/uploads" in path else of_job)[request.method]


if __name__ == "__main__":
    main()
