"""Part of a recording that is done, as a share of the job's progress bar."""

from __future__ import annotations

from shared import jobs
from shared.states import Stage
from worker.audio.spool import AudioSpool
from worker.recogniser import SAMPLE_RATE
from worker.supervision.retrying_store import RetryingStore

RECOGNISED = 0.97
"""Progress once every word is there."""

_DECODED = 0.1
"""Share of the progress bar that decoding moves; recognition moves the rest up to RECOGNISED."""

_WRITE_EVERY = 0.01
"""Share of the whole by which progress has to rise, while decoding, to be written again."""


class RecordingProgress:
    """The stage and the progress of an attempt from the first block to the last word."""

    def __init__(self, store: RetryingStore, spool: AudioSpool) -> None:
        self._store = store
        self._spool = spool
        self._stage = Stage.DECODING
        self._written = 0.0
        self.expected_s: float | None = None
        """Seconds that the recording's header claims; after its end, seconds that were decoded."""

    def decoded_block(self, expected_s: float | None) -> None:
        """Show progress while nothing is recognised yet; afterwards the batches show it."""
        self.expected_s = expected_s
        if expected_s is None or self._stage is not Stage.DECODING:
            return
        progress = self.share(0.0)
        if progress - self._written >= _WRITE_EVERY:
            self._written = progress
            self._store.write(jobs.set_stage, self._stage, progress=progress)

    def decoded_all(self, duration_s: float) -> None:
        """Store the recording's length as a player shows it; the header may have claimed another,
        and the spool holds more where tracks are heard one after another."""
        self.expected_s = self._spool.seconds
        self._store.write(jobs.set_stage, self._stage, duration_s=duration_s)

    def begin_recognition(self) -> None:
        """Change the stage, the first time that this is called."""
        if self._stage is Stage.DECODING:
            self._stage = Stage.RECOGNISING
            self._store.write(jobs.set_stage, self._stage)

    def share(self, recognised_to: float) -> float:
        """The job's progress, 0 to 1, when the text reaches to sample `recognised_to`."""
        length_s = max(self.expected_s or 0.0, self._spool.seconds)
        decoded = min(1.0, self._spool.seconds / length_s)
        recognised = min(1.0, recognised_to / SAMPLE_RATE / length_s)
        return _DECODED * decoded + (RECOGNISED - _DECODED) * recognised
