"""The stub recogniser in real worker processes, which fail where a test wants them to.

`celery worker --include tests.support.doubles.faulty_worker` puts it in place of the model.  No
torch is imported, so that a worker is there in two seconds.

FAULTS: the folder of faults (`tests.chaos.machinery.faults`).
STEP_LOG: the file to which each step adds a line (`tests.chaos.machinery.step_log`).
BATCH_TAKES_S: how long each batch takes.
VISIBILITY_TIMEOUT_S: after how long Redis hands a message out again that nobody acknowledged. The
    product derives it from the longest recording allowed; there is no setting for it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from shared import jobs
from shared.settings import Settings
from tests.chaos.machinery.faults import ANY, OF_A_BATCH, DeviceBroken, Faults, Step
from tests.chaos.machinery.step_log import READY, TRIGGERED, Entry, StepLog
from tests.support.doubles.stub_recogniser import (
    STUB_IDENTITY,
    StubRecogniser,
    StubVoiceActivity,
)
from worker import child_process
from worker.app import app
from worker.model_store.parts import served_model
from worker.recogniser import Pcm, RecognisedSpan, Recogniser, RecognitionRequest, SpeechSpan

_faults = Faults(Path(os.environ["FAULTS"]))
_step_log = StepLog(Path(os.environ["STEP_LOG"]))


@dataclass
class _Device:
    """Device that, once broken, stays so until the process ends."""

    broken: DeviceBroken | None = None

    def compute(self, step: Step, *, given: str = "") -> None:
        if self.broken is not None:
            raise self.broken
        try:
            _reach(step, given=given)
        except DeviceBroken as error:
            self.broken = error
            raise


_device = _Device()


@dataclass
class _Attempt:
    """The one that this child is on."""

    job_id: str = ""
    fence: int = 0
    filename: str = ANY
    batches: int = 0


_attempt = _Attempt()


def _reach(step: Step, *, given: str = "") -> None:
    if step is Step.RECOGNISING:
        _attempt.batches += 1
    of = {"pid": os.getpid(), "job_id": _attempt.job_id, "fence": _attempt.fence}
    if step is not Step.LISTENING:  # it is reached with every block
        _step_log.add(Entry(step, given=given, **of))  # type: ignore[arg-type]
    batch = _attempt.batches if step in OF_A_BATCH else 0
    due = _faults.due(step, filenames={_attempt.filename, ANY}, batch=batch)
    if due is not None:
        fault, filename = due
        _step_log.add(Entry(TRIGGERED, **of))  # type: ignore[arg-type]
        _faults.perform(fault.action, filename)


def _claiming(claim_next: Callable[..., jobs.Claim | None]) -> Callable[..., jobs.Claim | None]:
    @functools.wraps(claim_next)
    def with_steps(*args: Any, **values: Any) -> jobs.Claim | None:
        global _attempt
        _attempt = _Attempt()
        _reach(Step.CLAIMING)
        claim = claim_next(*args, **values)
        if claim is not None:
            _attempt = _Attempt(claim.job_id, claim.fence, claim.filename)
            _reach(Step.CLAIMED)
        return claim

    return with_steps


_writing = threading.local()
"""`step`: what this thread's next COMMIT is; the heartbeat's thread has commits of its own."""


@event.listens_for(Engine, "commit")
def _before_commit(connection: object) -> None:
    step = getattr(_writing, "step", None)
    if step is not None:
        _reach(step)


def _with_steps(
    write: Callable[..., Any], before: Step, within: Step, after: Step
) -> Callable[..., Any]:
    @functools.wraps(write)
    def with_steps(*args: Any, **values: Any) -> Any:
        _reach(before)
        _writing.step = within
        try:
            written = write(*args, **values)
        finally:
            _writing.step = None
        _reach(after)
        return written

    return with_steps


class FaultyVoiceActivity(StubVoiceActivity):
    def feed(self, pcm: Pcm) -> list[SpeechSpan]:
        _device.compute(Step.LISTENING)
        return super().feed(pcm)


class FaultyRecogniser(StubRecogniser):
    def device_works(self) -> bool:
        return _device.broken is None

    def voice_activity(self) -> StubVoiceActivity:
        return FaultyVoiceActivity(self.options)

    def recognise(self, speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        given = hashlib.sha256(b"".join(pcm.tobytes() for pcm in speech)).hexdigest()
        _device.compute(Step.RECOGNISING, given=given)
        return super().recognise(speech, request)

    def punctuate(self, words: Sequence[str]) -> list[str]:
        _device.compute(Step.PUNCTUATING)
        return super().punctuate(words)


def _load(settings: Settings, **_: Any) -> Recogniser:
    _step_log.add(Entry(READY, os.getpid()))
    # Where a test names another model than the usual one, the stub goes by its name.
    identity = (
        STUB_IDENTITY
        if settings.uses_demo_model
        else replace(STUB_IDENTITY, name=served_model(settings))
    )
    return FaultyRecogniser(
        delay_s=float(os.environ.get("BATCH_TAKES_S", "0.05")), identity=identity
    )


child_process.load_configured_recogniser = _load
jobs.claim_next = _claiming(jobs.claim_next)
jobs.save_batch = _with_steps(jobs.save_batch, Step.RECOGNISED, Step.COMMITTING, Step.COMMITTED)
jobs.finish = _with_steps(jobs.finish, Step.FINISHING, Step.COMPLETING, Step.FINISHED)

if "VISIBILITY_TIMEOUT_S" in os.environ:
    app.conf.broker_transport_options |= {
        "visibility_timeout": float(os.environ["VISIBILITY_TIMEOUT_S"]),
        "unacked_restore_interval": 1,
    }
