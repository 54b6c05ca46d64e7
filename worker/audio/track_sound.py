"""Records of the decoder's process as arrays, track by track, none of them believed unchecked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.errors import NoAudio, UnsupportedMedia
from worker.audio.decoder.claims import TrackClaim
from worker.audio.decoder.process import DecoderProcess
from worker.audio.decoder.records import (
    HEADER_BYTES,
    MOST_CHANNELS,
    MOST_SAMPLES,
    VALUE_BYTES,
    unpack,
)
from worker.recogniser import SAMPLE_RATE

Sound = NDArray[np.float32]

_LOUDEST = 1e10
"""200 dB above full scale; what is beyond is damage, not sound.  Integers of 32 bits, written into
floats as they are, come to 187 dB."""


class TrackSoundReader:
    """Reads the sound of `heard` tracks from `child`.

    channel: the number of the one channel to keep, from 1, in every track; None: all of them.
    Raises NoAudio where no track has that channel.
    """

    def __init__(
        self,
        child: DecoderProcess,
        heard: Sequence[TrackClaim],
        max_samples: int,
        channel: int | None = None,
    ) -> None:
        if channel is not None and channel > max(track.channels for track in heard):
            raise NoAudio(
                "This recording has fewer channels than the number asked for. Submit it again "
                "without the choice of a channel, or with a lower number."
            )
        self._child = child
        self._channel = channel
        self._latest_s = max_samples / SAMPLE_RATE + 1.0
        self.tracks = [(track, 1 if channel is not None else track.channels) for track in heard]
        """Tracks, each with the number of channels of the arrays that come of it."""

    def read(self, samples: int) -> tuple[int, float, Sound] | None:
        """The next piece: its track, when it is heard, samples [channels, n]; None at the end.

        `samples` are decoded by now.  Raises UnsupportedMedia where the records make no sense.
        """
        header = bytearray(HEADER_BYTES)
        got = self._child.read(memoryview(header), samples)
        if got == 0:
            return None
        if got < HEADER_BYTES:
            self._child.raise_failure()
        track, channels, count, heard_s = unpack(header)
        if (
            track >= len(self.tracks)
            or not 1 <= channels <= MOST_CHANNELS
            or not 1 <= count <= MOST_SAMPLES
            or not math.isfinite(heard_s)
        ):
            raise _lost()
        sound = np.empty((channels, count), dtype=np.float32)
        wanted = channels * count * VALUE_BYTES
        if self._child.read(sound.data.cast("B"), samples) < wanted:
            self._child.raise_failure()
        # Damaged floating-point samples are infinite or NaN, and so would be every mean.
        with np.errstate(over="ignore", invalid="ignore"):
            finite = bool(np.isfinite(sound.sum()))
        if not finite or np.abs(sound).max() > _LOUDEST:
            sound = np.nan_to_num(sound, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
            np.clip(sound, -_LOUDEST, _LOUDEST, out=sound)
        # Later than that is too long anyway; the bound keeps positions small.
        return track, min(heard_s, self._latest_s + 1.0), self._as_declared(track, sound)

    def _as_declared(self, track: int, sound: Sound) -> Sound:
        """Give a sound as many channels as the track is said to have: a part may have others."""
        if self._channel is not None:
            row = min(self._channel, len(sound)) - 1
            return sound[row : row + 1]
        wanted = self.tracks[track][1]
        if len(sound) == wanted:
            return sound
        if len(sound) < wanted:
            mean = sound.mean(axis=0, keepdims=True)
            return np.concatenate([sound, np.repeat(mean, wanted - len(sound), axis=0)])
        rest = sound[wanted - 1 :].mean(axis=0, keepdims=True)
        return np.concatenate([sound[: wanted - 1], rest])


def _lost() -> UnsupportedMedia:
    return UnsupportedMedia("The decoder lost its place in this file. Convert it to WAV.")
