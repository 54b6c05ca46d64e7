"""Decoding and voice activity, on a thread beside the one that recognises.

The decoder is another process and the recogniser may be a GPU, so while a window of the recording
is recognised the next one is already being decoded.  The samples go to the spool on disk; only the
spans wait in memory.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.jobs import Waveform
from shared.transcripts.values import SAMPLE_BYTES
from worker.audio.decode import DecodeLimits, DecodeSummary, decode
from worker.audio.spool import AudioSpool
from worker.audio.waveform import LoudnessMeter
from worker.recogniser import SAMPLE_RATE, SpeechSpan, VoiceActivityDetector

_WAIT_S = 0.2
"""How long to wait for the decoder before asking again whether the attempt must stop."""


@dataclass(frozen=True, slots=True)
class SourceBlock:
    """One decoded block: the spans of speech now certain, and the seconds decoded by then."""

    spans: list[SpeechSpan]
    seconds: float


class _End:
    """Nothing follows: the recording has ended, or `error` has ended the decoding of it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class SpeechSource:
    """Fills `spool` from `recording`, a path or a descriptor, while it is entered.

    `expected_s` is the length that the recording's header claims, or None; it is known once
    `blocks` has yielded.  `require_space` is given the bytes that are still to be written and
    raises if there is no room.  With no `detector` there is only decoding, and no spans.
    """

    def __init__(
        self,
        recording: Path | int,
        spool: AudioSpool,
        detector: VoiceActivityDetector | None,
        *,
        limits: DecodeLimits,
        require_space: Callable[[int], None],
    ) -> None:
        self._recording = recording
        self._spool = spool
        self._detector = detector
        self._limits = limits
        self._require_space = require_space
        self._blocks: queue.SimpleQueue[SourceBlock | _End] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="speech source", daemon=True)
        self._summary: DecodeSummary | None = None
        self._loudness = LoudnessMeter()
        self.expected_s: float | None = None

    @property
    def waveform(self) -> Waveform | None:
        """What the recording looks like, after `blocks` has ended; None where there is no sound."""
        return self._loudness.waveform()

    @property
    def summary(self) -> DecodeSummary:
        """What came of decoding, after `blocks` has ended."""
        if self._summary is None:
            raise RuntimeError("the recording has not been decoded to its end")
        return self._summary

    def blocks(self, check: Callable[[], None]) -> Iterator[SourceBlock]:
        """The blocks in order, up to the recording's end; `check` is called before each wait.

        Raises what decoding, voice activity and the spool raise.
        """
        while True:
            check()
            try:
                item = self._blocks.get(timeout=_WAIT_S)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def _run(self) -> None:
        try:
            self._decode()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks
            self._blocks.put(_End(error))
        else:
            self._blocks.put(_End())

    def _decode(self) -> None:
        # Entered and read on this thread: the kernel kills the decoder with the thread it knows.
        with decode(self._recording, limits=self._limits, abandoned=self._stopped) as audio:
            self.expected_s = audio.duration_s
            self._require_space(self._expected_bytes())
            for block in audio:
                if self._stopped.is_set():
                    return
                self._require_space(0)
                self._spool.append(block)
                self._loudness.feed(block)
                spans = self._detector.feed(block) if self._detector else []
                self._blocks.put(SourceBlock(spans, self._spool.seconds))
            self._summary = audio.summary
        last = self._detector.finish() if self._detector else []
        self._blocks.put(SourceBlock(last, self._spool.seconds))

    def _expected_bytes(self) -> int:
        """What the decoded recording takes, if its header is right and it is not too long."""
        expected_s = min(self.expected_s or 0.0, self._limits.max_audio_s)
        return int(expected_s * SAMPLE_RATE) * SAMPLE_BYTES

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()
