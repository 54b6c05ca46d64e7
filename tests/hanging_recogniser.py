"""For `celery worker --include tests.hanging_recogniser`: the stub in place of the model, in real
worker processes, hanging where the environment says.

HANG_IN_BATCH: the batch, counted from 1 in each process, that never ends (0: none).
HANG_IN: recognise, holding_the_lock (a C call that keeps the interpreter to itself), listen (voice
    activity, on a thread of its own) or punctuate.
HANG_ONCE: a file; while it is not there, hanging makes it, and then nothing hangs any more.
BATCH_TAKES_S: how long each batch takes.
BATCHES_TRIED: a file to which each batch adds a line: the process and what it was given.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.settings import Settings
from shared.transcript import Word
from tests.stub_recogniser import StubRecogniser, StubVoiceActivity
from worker import process
from worker.recogniser import Pcm, Recogniser, SpeechSpan


def _hang_if(place: str) -> None:
    if os.environ.get("HANG_IN") != place:
        return
    once = os.environ.get("HANG_ONCE")
    if once is not None:
        try:
            Path(once).touch(exist_ok=False)
        except FileExistsError:
            return
    while place == "holding_the_lock":
        ctypes.PyDLL(None).pause()  # unlike CDLL, it keeps the interpreter's lock
    while True:
        time.sleep(3600)


class HangingVoiceActivity(StubVoiceActivity):
    def feed(self, pcm: Pcm) -> list[SpeechSpan]:
        _hang_if("listen")
        return super().feed(pcm)


class HangingRecogniser(StubRecogniser):
    def voice_activity(self) -> StubVoiceActivity:
        return HangingVoiceActivity(self.options)

    def recognise(self, speech: Sequence[Pcm]) -> list[tuple[Word, ...]]:
        given = hashlib.sha256(b"".join(pcm.tobytes() for pcm in speech)).hexdigest()
        with Path(os.environ["BATCHES_TRIED"]).open("a") as tried:
            tried.write(f"{os.getpid()} {given}\n")
        if len(self.batches) + 1 == int(os.environ.get("HANG_IN_BATCH", "0")):
            _hang_if("recognise")
            _hang_if("holding_the_lock")
        return super().recognise(speech)

    def punctuate(self, words: Sequence[str]) -> list[str]:
        _hang_if("punctuate")
        return super().punctuate(words)


def _load(settings: Settings, **_: Any) -> Recogniser:
    return HangingRecogniser(delay_s=float(os.environ.get("BATCH_TAKES_S", "0.05")))


process.load_configured_recogniser = _load
