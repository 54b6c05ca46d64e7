"""Resampling of one track's decoded frames to records of 16 kHz float samples."""

from __future__ import annotations

from collections.abc import Callable

from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from worker.audio.decoder.records import (
    HOLE_S,
    MOST_CHANNELS,
    MOST_SAMPLES,
    VALUE_BYTES,
    RecordHeader,
)

SAMPLE_RATE = 16_000
"""Samples a second that leave the child; `worker.audio.decode` checks it against the
recogniser's."""

_GATHER_S = 1.0
"""Frames are resampled in pieces of so many seconds: a call costs as much as resampling a frame.
The samples do not depend on it."""


class TrackOutput:
    """Gathers, resamples and gives away the frames of track `index`."""

    def __init__(self, index: int, write: Callable[[RecordHeader, list[memoryview]], None]) -> None:
        self.samples = 0
        """Given away so far, of each channel."""
        self._index = index
        self._write = write
        self._fifo = AudioFifo()
        self._resampler: AudioResampler | None = None
        self._source: tuple[str, str, int] | None = None
        self._heard = 0.0
        """Time at which the first gathered sample is played, in seconds."""
        self._expected = 0.0
        """Time at which the next frame is played, in seconds, if the clock does not jump."""
        self._most = 0

    def add(self, frame: AudioFrame, heard: float) -> None:
        """Take the next frame, which is heard from the second `heard` on.

        Raises av.FFmpegError or ValueError where it cannot be converted.
        """
        source = (frame.format.name, frame.layout.name, frame.sample_rate)
        jump = heard - self._expected
        if source != self._source or jump >= HOLE_S:
            # Joined recordings and broadcasts change format midway.
            self.finish()
            self._begin(frame, source)
        elif abs(jump) > 1e-3:
            self._resample()
        if self._fifo.samples == 0:
            self._heard = heard
        length = frame.samples / frame.sample_rate
        frame.pts = None  # or the fifo wants it to go on from the last one
        self._fifo.write(frame)
        self._expected = heard + length
        if self._fifo.samples >= self._most:
            self._resample()

    def finish(self) -> None:
        """Give away all that is gathered, and what the resampler still holds."""
        self._resample()
        resampler, self._resampler, self._source = self._resampler, None, None
        if resampler is not None:
            for frame in resampler.resample(None):
                self._give(frame, self._expected - frame.samples / SAMPLE_RATE)

    def _begin(self, frame: AudioFrame, source: tuple[str, str, int]) -> None:
        self._fifo = AudioFifo()
        self._resampler = AudioResampler(format="fltp", layout=frame.layout, rate=SAMPLE_RATE)
        self._source = source
        self._most = max(1, int(_GATHER_S * frame.sample_rate))

    def _resample(self) -> None:
        if self._resampler is None or self._fifo.samples == 0:
            return
        gathered = self._fifo.read()
        heard = self._heard
        for frame in self._resampler.resample(gathered):
            self._give(frame, heard)
            heard += frame.samples / SAMPLE_RATE

    def _give(self, frame: AudioFrame, heard: float) -> None:
        # As many as there are channels: PyAV looks for the end of the planes, which FFmpeg does not
        # mark from eight on, and gives planes of memory that is not the frame's.
        count = min(frame.layout.nb_channels, MOST_CHANNELS)
        # A plane is padded for alignment beyond the samples.
        planes = [
            memoryview(plane)[: VALUE_BYTES * frame.samples].cast("B")
            for plane in frame.planes[:count]
        ]
        for begin in range(0, frame.samples, MOST_SAMPLES):
            count = min(MOST_SAMPLES, frame.samples - begin)
            piece = slice(VALUE_BYTES * begin, VALUE_BYTES * (begin + count))
            self._write(
                RecordHeader(self._index, len(planes), count, heard + begin / SAMPLE_RATE),
                [plane[piece] for plane in planes],
            )
            self.samples += count
