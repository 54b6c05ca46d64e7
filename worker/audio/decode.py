"""Turn an uploaded recording into 16 kHz mono samples, without trusting it.

    with decode(recording) as audio:
        for block in audio:
            ...
    audio.report

FFmpeg is millions of lines of C that read what strangers send, so it runs in a child process of its
own: no credentials in its environment, limits on memory and processor time, and a filter on system
calls under which it can open and connect to nothing (`worker.audio.decoder`).  This side keeps the
clock, counts the samples and trusts nothing that the child says.

The child gives every sound track with all of its channels; here they are put in their places
(`worker.audio.hole_filling`) and become one (`worker.audio.mixing`).

The child is a plain subprocess because Celery's pool processes are daemonic, which denies them
`multiprocessing`.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shared.errors import AudioTooLong
from shared.transcripts.recording_report import RecordingReport
from worker.audio.decoder.claims import HeaderClaim
from worker.audio.decoder.limits import DecodeLimits
from worker.audio.decoder.process import Abandoned, DecoderProcess
from worker.audio.hole_filling import Placement
from worker.audio.mixing.formats import TrackFormat
from worker.audio.mixing.mixer import Mixer
from worker.audio.player_clock import PlayerClock
from worker.audio.report import make_report
from worker.audio.track_sound import TrackSoundReader
from worker.recogniser import SAMPLE_RATE, Pcm

__all__ = ["BLOCK_S", "Abandoned", "DecodeLimits", "DecodedAudio", "decode"]

BLOCK_S = 5.0
"""Seconds in a block: 160 kB, a few milliseconds of decoding, and a prompt answer to cancel."""


_MOST_SILENCE = 60 * SAMPLE_RATE
"""Samples of silence that are mixed at once: a break of hours passes in a bounded space too."""


def decode(
    recording: Path | int,
    *,
    limits: DecodeLimits | None = None,
    block_s: float = BLOCK_S,
    abandoned: threading.Event | None = None,
    track: int | None = None,
    channel: int | None = None,
) -> DecodedAudio:
    """Decode a recording, given as a path or a descriptor.

    Enter the result to start, iterate it for the sound.

    Another thread may set `abandoned` once the sound is not needed any more: the thread that waits
    for it here then gets Abandoned.  `track` and `channel`, from 1, ask for that one alone;
    otherwise all are mixed.

    Entering or iterating raises UnsupportedMedia, NoAudio, AudioTooLong or DecodeTimeout, which
    say what is wrong with the recording; WorkerLost when the child was killed from outside; and
    OSError when it cannot be opened at all.  Blocks that came before an error are good.
    """
    return DecodedAudio(
        recording,
        limits or DecodeLimits(),
        block_s,
        abandoned or threading.Event(),
        track=track,
        channel=channel,
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
        *,
        track: int | None = None,
        channel: int | None = None,
    ) -> None:
        self._recording = recording
        self._abandoned = abandoned
        self._limits = limits
        self._track, self._channel = track, channel
        self._block_samples = max(1, round(block_s * SAMPLE_RATE))
        self._child: DecoderProcess | None = None
        self._mixed: list[Pcm] = []
        self._waiting = 0
        """Mixed samples that were not given away yet."""
        self._samples = 0
        self._ended = False
        self._too_long = False
        self._hole: tuple[int, int, int, NDArray[np.float32]] | None = None
        """A track, where silence is still to be put, up to where, and the sound behind it."""
        self._closed = False
        self._report: RecordingReport | None = None

    @property
    def header(self) -> HeaderClaim:
        """Claims of the container's header, once entered. They may be untrue."""
        return self._header

    @property
    def duration_s(self) -> float | None:
        """Seconds that the header claims, for progress; None where it has none. May be untrue."""
        return self._header.duration_s

    @property
    def clock(self) -> PlayerClock:
        """Times at which a player plays each sample decoded so far."""
        return self._placement.clock

    @property
    def pid(self) -> int:
        """The child's process id, for logs."""
        return self._running().pid

    @property
    def report(self) -> RecordingReport:
        """Report on the recording. Raises RuntimeError before iteration has ended by itself."""
        if self._report is None:
            raise RuntimeError("the recording has not been decoded to its end")
        return self._report

    @property
    def has_even_bit_rate(self) -> bool:
        """Return whether the packets of the first track were all of one size, after the end."""
        return self._has_even_bit_rate

    def __enter__(self) -> Self:
        if self._child is not None:
            raise RuntimeError("a recording is decoded once; call decode() again")
        self._child = DecoderProcess(self._recording, self._limits, self._abandoned, self._track)
        try:
            self._child.wait_for_header()
            self._header = self._child.header()
            heard = self._header.heard
            self._placement = Placement(len(heard))
            self._sound = TrackSoundReader(
                self._child, heard, self._limits.max_samples, self._channel
            )
            self._mixer = Mixer(
                [TrackFormat(channels, track.integer) for track, channels in self._sound.tracks]
            )
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
        self._closed = True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Pcm:
        self._running()
        if self._closed:
            raise StopIteration
        try:
            while not self._ended and self._waiting < self._block_samples:
                if self._hole is None:
                    self._read_on()
                else:
                    self._fill_hole()
        except BaseException:
            self.close()
            raise
        block = self._take_block()
        if len(block) == 0:
            self.close()
            if self._too_long:
                raise AudioTooLong
            raise StopIteration
        return block

    def _read_on(self) -> None:
        """Mix the next piece of sound; after the last, what is left, and write the account."""
        child = self._running()
        piece = self._sound.read(self._samples + self._waiting)
        if piece is None:
            done = child.finish(len(self._header.heard))
            self._drain()
            self._has_even_bit_rate = done.even_bit_rate
            self._report = make_report(
                self._header,
                done,
                self._placement,
                self._mixer.summary(),
                samples=self._samples + self._waiting,
                one_track=self._track is not None,
                one_channel=self._channel is not None,
            )
            child.close()
            return
        track, heard_s, sound = piece
        begin = self._placement.end(track)
        at = self._placement.place(track, sound.shape[1], heard_s)
        if at + sound.shape[1] > self._limits.max_samples:
            self._too_long = True
            self._drain()
            return
        if at - begin > _MOST_SILENCE:
            self._hole = (track, begin, at, sound)
            return
        self._mixer.add(track, at, sound)
        self._keep(self._mixer.take())

    def _fill_hole(self) -> None:
        """Mix a minute of the silence before the next piece, or that piece."""
        assert self._hole is not None
        track, begin, end, sound = self._hole
        count = min(_MOST_SILENCE, end - begin)
        if count:
            silence = np.zeros((sound.shape[0], count), np.float32)
            self._mixer.add(track, begin, silence)
            self._hole = (track, begin + count, end, sound)
        else:
            self._mixer.add(track, end, sound)
            self._hole = None
        self._keep(self._mixer.take())

    def _drain(self) -> None:
        """Mix the rest, after which nothing more is added."""
        self._keep(self._mixer.finish())
        self._ended = True

    def _keep(self, mixed: Pcm) -> None:
        if len(mixed):
            self._mixed.append(mixed)
            self._waiting += len(mixed)

    def _take_block(self) -> Pcm:
        wanted = min(self._block_samples, self._waiting)
        block = np.empty(wanted, dtype=np.int16)
        filled = 0
        while filled < wanted:
            piece = self._mixed[0]
            count = min(len(piece), wanted - filled)
            block[filled : filled + count] = piece[:count]
            filled += count
            if count == len(piece):
                self._mixed.pop(0)
            else:
                self._mixed[0] = piece[count:]
        self._waiting -= wanted
        self._samples += wanted
        return block

    def _running(self) -> DecoderProcess:
        if self._child is None:
            raise RuntimeError("enter decode() with a `with` statement first")
        return self._child
