"""What goes wrong in a worker, and where: decided by a test, done by the worker itself.

A fault is a file in a folder that the workers' children look into at each step of an attempt
(`tests.support.doubles.faulty_worker`), so a test can arm one while they run, for one recording or
for whichever comes next.  A fault is triggered once unless told otherwise, however many processes
look.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

ANY = "any"
"""Whichever recording comes first to the step."""


class Step(StrEnum):
    """The steps of an attempt, in the order in which they come."""

    CLAIMING = "claiming"
    """Moment before the claim: nobody knows yet which recording it will be."""
    CLAIMED = "claimed"
    LISTENING = "listening"
    """Voice activity, on a thread of its own."""
    RECOGNISING = "recognising"
    """Moment before the forward pass of a batch."""
    RECOGNISED = "recognised"
    """Moment after the forward pass, and before the transaction that stores the batch."""
    COMMITTING = "committing"
    """Moment in the transaction that stores the batch, all but its COMMIT done."""
    COMMITTED = "committed"
    PUNCTUATING = "punctuating"
    FINISHING = "finishing"
    """Moment before the transaction that stores the transcript."""
    COMPLETING = "completing"
    """Moment in the transaction that stores the transcript, all but its COMMIT done."""
    FINISHED = "finished"
    """Moment after that transaction, and before the doorbell is acknowledged."""


OF_A_BATCH = frozenset({Step.RECOGNISING, Step.RECOGNISED, Step.COMMITTING, Step.COMMITTED})


class Action(StrEnum):
    """What a fault does."""

    KILL_CHILD = "kill_child"
    KILL_MAIN = "kill_main"
    KILL_GROUP = "kill_group"
    FREEZE_CHILD = "freeze_child"
    """SIGSTOP, until the test thaws it."""
    HANG = "hang"
    """The step never ends; other threads of its process go on."""
    HANG_WITH_LOCK = "hang_with_lock"
    """A C call that keeps the interpreter to itself: every thread of the process hangs."""
    BREAK_DEVICE = "break_device"
    """Failure of this step and of all that comes after in its process, as an illegal access breaks
    a CUDA context."""
    HOLD = "hold"
    """The step waits until the test releases it."""


class DeviceBroken(RuntimeError):
    """What torch raises of a context that is broken."""


KILLS = (Action.KILL_CHILD, Action.KILL_MAIN, Action.KILL_GROUP)


@dataclass(frozen=True)
class Fault:
    """`action` at `step`; of a batch, at the `batch`th of its attempt, from 1 on."""

    step: Step
    action: Action
    batch: int = 1
    each_time: bool = False


class Faults:
    """The folder of faults, as the test and the workers see it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def arm(self, fault: Fault, *, filename: str = ANY) -> None:
        """For the recording of that name. One fault a name at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._triggered(filename).unlink(missing_ok=True)
        # Put there whole: a worker may be looking.
        draft = self.folder / f"{filename}.draft"
        draft.write_text(json.dumps(asdict(fault)))
        draft.rename(self._armed(filename))

    def disarm(self, *, filename: str = ANY) -> None:
        self._armed(filename).unlink(missing_ok=True)

    def has_triggered(self, *, filename: str = ANY) -> bool:
        return self._triggered(filename).exists()

    def release(self, *, filename: str = ANY) -> None:
        """Let go what HOLD holds."""
        self._triggered(filename).unlink(missing_ok=True)

    def due(self, step: Step, *, filenames: Iterable[str], batch: int) -> tuple[Fault, str] | None:
        """In a worker: the fault that is triggered now, and for which name it was armed."""
        for filename in filenames:
            with contextlib.suppress(FileNotFoundError):  # none, or another process was first
                read = json.loads(self._armed(filename).read_text())
                fault = Fault(
                    **read | {"step": Step(read["step"]), "action": Action(read["action"])}
                )
                if fault.step != step or (step in OF_A_BATCH and fault.batch != batch):
                    continue
                if fault.each_time:
                    self._triggered(filename).touch()
                else:
                    self._armed(filename).rename(self._triggered(filename))
                return fault, filename
        return None

    def perform(self, action: Action, filename: str) -> None:
        """In a worker's child: what the fault says. Returns from a freeze or a hold only."""
        match action:
            case Action.KILL_CHILD:
                os.kill(os.getpid(), signal.SIGKILL)
            case Action.KILL_MAIN:
                os.kill(os.getppid(), signal.SIGKILL)
            case Action.KILL_GROUP:
                kill_group(os.getppid())
            case Action.FREEZE_CHILD:
                os.kill(os.getpid(), signal.SIGSTOP)
                return
            case Action.HOLD:
                while self._triggered(filename).exists():
                    time.sleep(0.01)
                return
            case Action.BREAK_DEVICE:
                raise DeviceBroken("CUDA error: an illegal memory access was encountered")
            case Action.HANG_WITH_LOCK:
                while True:
                    ctypes.PyDLL(None).pause()  # unlike CDLL, it keeps the interpreter's lock
        while True:  # hanging, or about to die
            time.sleep(3600)

    def _armed(self, filename: str) -> Path:
        return self.folder / f"{filename}.armed"

    def _triggered(self, filename: str) -> Path:
        return self.folder / f"{filename}.triggered"


def kill_group(pid: int) -> None:
    """SIGKILL to `pid` and all of its group at once, which it must lead."""
    if os.getpgid(pid) != pid:
        raise ProcessLookupError(f"{pid} leads no group; the test itself may be in its group")
    os.killpg(pid, signal.SIGKILL)


def freeze(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)


def thaw(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def lives(pid: int) -> bool:
    """Whether the process is there and not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
