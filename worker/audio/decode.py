"""Turn an uploaded recording into 16 kHz mono samples, without trusting it.

    with decode(recording) as audio:
        for block in audio:
            ...

FFmpeg is millions of lines of C that read what strangers send, so it runs in a child process of its
own: no credentials in its environment, limits on memory and processor time, and a filter on system
calls under which it can open and connect to nothing (`worker.audio.decoder`).  This side keeps the
clock, counts the samples and trusts nothing that the child says.

The child is a plain subprocess because Celery's pool processes are daemonic, which denies them
`multiprocessing`.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from shared.errors import AudioTooLong
from shared.transcripts.values import SAMPLE_BYTES
from worker.audio.decoder.limits import DecodeLimits, DecodeSummary
from worker.audio.decoder.process import Abandoned, DecoderProcess
from worker.recogniser import SAMPLE_RATE, Pcm

__all__ = ["BLOCK_S", "Abandoned", "DecodeLimits", "DecodeSummary", "DecodedAudio", "decode"]

BLOCK_S = 5.0
"""Seconds in a block: 160 kB, a few milliseconds of decoding, and a prompt answer to cancel."""


def decode(
    recording: Path | int,
    *,
    limits: DecodeLimits | None = None,
    block_s: float = BLOCK_S,
    abandoned: threading.Event | None = None,
) -> DecodedAudio:
    """Decode a recording, given as a path or a descriptor.

    Enter the result to start, iterate it for the sound.

    Another thread may set `abandoned` once the sound is not needed any more: the thread that waits
    for it here then gets Abandoned.

    Entering or iterating raises UnsupportedMedia, NoAudio, AudioTooLong or DecodeTimeout, which
    say what is wrong with the recording; WorkerLost when the child was killed from outside; and
    OSError when it cannot be opened at all.  Blocks that came before an error are good.
    """
    return DecodedAudio(
        recording, limits or DecodeLimits(), block_s, abandoned or threading.Event()
    )


class DecodedAudio:
    """A recording being decoded: an iterator of int16 blocks of 16 kHz mono.

    Each block has `block_s` seconds except the last; the samples do not depend on it.  Leaving
    the `with` block early, by an exception or not, kills the child and waits for it.  The
    kernel kills it too when the thread that entered ends, so keep both in one thread.
    """

    def __init__(
        self,
        recording: Path | int,
        limits: DecodeLimits,
        block_s: float,
        abandoned: threading.Event,
    ) -> None:
        self._recording = recording
        self._abandoned = abandoned
        self._limits = limits
        self._block_samples = max(1, round(block_s * SAMPLE_RATE))
        self._child: DecoderProcess | None = None
        self._samples = 0
        self._ended = False
        self._duration_s: float | None = None
        self._summary: DecodeSummary | None = None

    @property
    def duration_s(self) -> float | None:
        """Seconds that the header claims, for progress; None where it has none. May be untrue."""
        return self._duration_s

    @property
    def pid(self) -> int:
        """The child's process id, for logs."""
        return self._running().pid

    @property
    def summary(self) -> DecodeSummary:
        """What came of decoding. Raises RuntimeError before iteration has ended by itself."""
        if self._summary is None:
            raise RuntimeError("the recording has not been decoded to its end")
        return self._summary

    def __enter__(self) -> Self:
        if self._child is not None:
            raise RuntimeError("a recording is decoded once; call decode() again")
        self._child = DecoderProcess(self._recording, self._limits, self._abandoned)
        try:
            self._child.wait_for_header()
            if self._child.events.get("header") is None:
                self._child.raise_failure()
            duration = self._child.number("header", "duration_s")
            self._duration_s = duration if duration > 0 else None
        except BaseException:
            self._child.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the child if it still runs, and wait for it. May be called twice."""
        if self._child is not None:
            self._child.close()
        self._ended = True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Pcm:
        child = self._running()
        if self._ended:
            raise StopIteration
        allowed = self._limits.max_samples - self._samples
        # One sample beyond the cap tells a recording that ends there from one that does not.
        block = np.empty(min(self._block_samples, allowed + 1), dtype=np.int16)
        try:
            got = child.read(block.data.cast("B"), self._samples)
            if got > allowed * SAMPLE_BYTES:
                raise AudioTooLong
            samples, stray = divmod(got, SAMPLE_BYTES)
            self._samples += samples
            if samples == len(block):
                return block
            self._summary = child.finish(self._samples, stray)
        except BaseException:
            self.close()
            raise
        self.close()
        if samples == 0:
            raise StopIteration
        return block[:samples]

    def _running(self) -> DecoderProcess:
        if self._child is None:
            raise RuntimeError("enter decode() with a `with` statement first")
        return self._child
