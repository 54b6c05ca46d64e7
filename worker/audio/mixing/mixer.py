"""The mixer: sound of all tracks in, one stream out, about 25 s later.

A piece is measured when it is closed, decided on and mixed when the pieces after it are known, and
leaves the limiter when the one after it is mixed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from worker.audio.mixing.alignment import Piece, Timeline
from worker.audio.mixing.decisions import Decisions, PieceMeasures, Shares
from worker.audio.mixing.examination import Examined, Examiner
from worker.audio.mixing.formats import PIECE, MixSummary, TrackFormat
from worker.audio.mixing.limiter import Limiter
from worker.audio.mixing.rendering import Renderer
from worker.audio.mixing.tally import Tally
from worker.recogniser import SAMPLE_RATE

_MOST_BYTES = 64 << 20
_PIECE_BYTES = 4 * PIECE
_MANY_CHANNELS = 24
_BEHIND = 5
"""Pieces before one that its decision takes in."""
_MOST_TAKEN = 240 * SAMPLE_RATE


class Mixer:
    """Mixes tracks into 16 kHz mono int16.

    The result depends on the sound and on the order in which the tracks' pieces of 5 s are filled,
    and on nothing else: not on how it is cut up, nor on when it is taken.  Memory is bounded as
    long as what is ready is taken.
    """

    def __init__(self, tracks: Sequence[TrackFormat]) -> None:
        """Prepare a mix of these tracks. Raises ValueError where there is no track, or one without
        channels."""
        if not tracks or any(track.channels < 1 for track in tracks):
            raise ValueError("a mix needs tracks, and a track channels")
        self._tracks = tuple(tracks)
        channels = sum(track.channels for track in tracks)
        # Pieces after one that are known when it is decided on.
        self._ahead = 2 if channels <= _MANY_CHANNELS else 1
        held = (self._ahead + 2) * channels * _PIECE_BYTES
        self._timeline = Timeline(tracks, max(_MOST_BYTES - held, 2 * channels * _PIECE_BYTES))
        self._examiner = Examiner(self._tracks)
        self._decisions = Decisions(self._tracks)
        self._renderer = Renderer(self._tracks)
        self._limiter = Limiter()
        self._tally = Tally(self._tracks)
        self._measured: deque[PieceMeasures] = deque()
        self._undecided: deque[Examined] = deque()
        self._next: tuple[Examined, Shares] | None = None
        self._samples = 0
        self._given = 0
        self._ready: deque[NDArray[np.int16]] = deque()

    def add(self, track: int, position: int, sound: NDArray[np.float32]) -> None:
        """Take sound [channels, samples] of a track, at a sample of the common timeline.

        A gap to what came before is silence.  Raises ValueError where it overlaps what the track
        gave before, or has not the track's channels.
        """
        self._mix(self._timeline.add(track, position, sound))

    def end(self, track: int) -> None:
        """The track gives nothing more."""
        self._mix(self._timeline.end(track))

    def take(self) -> NDArray[np.int16]:
        """Samples that are certain by now, four minutes at most; none if there are none yet."""
        return self._taken(_MOST_TAKEN)

    def finish(self) -> NDArray[np.int16]:
        """End the tracks that have not ended, and return the remaining samples."""
        for track in range(len(self._tracks)):
            self._mix(self._timeline.end(track))
        while self._undecided:
            self._decide()
        if self._next is not None:
            self._render(None)
        last = self._limiter.finish()
        if last is not None:
            self._give(last)
        return self._taken(self._samples)

    def summary(self) -> MixSummary:
        """Summary of the mix, of the whole recording once it is finished."""
        return self._tally.summary(self._limiter.lowest_db, self._timeline.late)

    def _mix(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            self._samples = piece.number * PIECE + piece.samples
            examined = self._examiner.examine(piece)
            self._tally.examined(examined)
            self._measured.append(examined.measures)
            self._undecided.append(examined)
            if len(self._undecided) > self._ahead:
                self._decide()

    def _decide(self) -> None:
        examined = self._undecided.popleft()
        now = len(self._measured) - len(self._undecided) - 1
        while now > _BEHIND:
            self._measured.popleft()
            now -= 1
        shares = self._decisions.decide(list(self._measured), now)
        self._tally.decided(examined, shares)
        if self._next is not None:
            self._render((examined, shares))
        self._next = (examined, shares)

    def _render(self, after: tuple[Examined, Shares] | None) -> None:
        assert self._next is not None
        mixed = self._renderer.render(*self._next, after)
        ready = self._limiter.feed(mixed)
        if ready is not None:
            self._give(ready)

    def _give(self, ready: NDArray[np.int16]) -> None:
        ready = ready[: self._samples - self._given]
        self._given += len(ready)
        self._ready.append(ready)

    def _taken(self, most: int) -> NDArray[np.int16]:
        taken: list[NDArray[np.int16]] = []
        while self._ready and most > 0:
            taken.append(self._ready.popleft())
            most -= len(taken[-1])
        return np.concatenate(taken) if taken else np.zeros(0, np.int16)
