"""The waveform in the player's time, of one take or of several that are heard together."""

from __future__ import annotations

import numpy as np

from shared.jobs import Waveform
from worker.audio.player_clock import PlayerClock
from worker.audio.waveform import LoudnessMeter
from worker.recogniser import SAMPLE_RATE, Pcm


class PlayerWaveform:
    """Takes the samples of each take in order."""

    def __init__(self) -> None:
        self._meters: list[LoudnessMeter] = []
        self._fed = 0
        """Samples of the player's time that the take is measured up to."""
        self._taken = 0
        """Samples of the take by now."""

    def begin_take(self) -> None:
        """Begin at the recording's start again, with another take."""
        self._meters.append(LoudnessMeter())
        self._fed = self._taken = 0

    def feed(self, block: Pcm, clock: PlayerClock) -> None:
        """Take the next samples of this take; where the player's clock runs slower than they do,
        some fall on the same moment, and the first of them count."""
        ahead = round(clock.heard_s(self._taken) * SAMPLE_RATE) - self._fed
        self._taken += len(block)
        if ahead < 0:
            block = block[-ahead:]
        elif ahead > 0:
            self._meters[-1].feed(np.zeros(ahead, np.int16))
            self._fed += ahead
        self._meters[-1].feed(block)
        self._fed += len(block)

    def waveform(self) -> Waveform | None:
        """The waveform of all that was taken by now; None if there is nothing."""
        found = [waveform for meter in self._meters if (waveform := meter.waveform())]
        if len(found) < 2:
            return found[0] if found else None
        longest = max(found, key=lambda waveform: waveform.duration_s)
        peaks = np.zeros(len(longest.peaks), np.uint8)
        for waveform in found:
            # Each bucket of a shorter one at its place in time.
            share = waveform.duration_s / longest.duration_s
            places = np.arange(len(waveform.peaks)) * share * len(peaks) / len(waveform.peaks)
            np.maximum.at(peaks, places.astype(int), np.frombuffer(waveform.peaks, np.uint8))
        return Waveform(longest.duration_s, peaks.tobytes())
