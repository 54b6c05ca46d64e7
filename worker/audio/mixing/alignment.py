"""The sound of every track, cut into the pieces of the common timeline.

Tracks of one file are mostly read seconds apart, of a badly written one minutes.  A piece is closed
once every track has passed it or has ended, and at the latest when so many whole pieces lie here
that memory is used up; what a track gives of a closed piece is late, counted and dropped.  Pieces
are counted at the moments in which one is filled, so that the same sound in the same order gives
the same pieces, however it was cut up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.audio.mixing.formats import PIECE, TrackFormat

Floats = NDArray[np.float32]

_TOO_LOUD = np.float32(1e10)
"""200 dB above full scale: no recording, but what a broken or hostile file may hold.  Programs that
write integers of 32 bits as they are into floats come to 187 dB."""

_BANG = 1e6
"""Sample that takes the place of an infinite one; full scale is 1."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Sound of all tracks in one piece."""

    number: int
    sound: tuple[Floats | None, ...]
    """Sound of each track [channels, PIECE]; None where it has none."""
    samples: int
    """Number of samples that lie before the end of the recording."""


@dataclass(slots=True)
class _Track:
    format: TrackFormat
    pieces: dict[int, Floats]
    end: int = 0
    ended: bool = False
    late: int = 0


class Timeline:
    """Takes sound, gives pieces in order. `most_bytes` bounds what waits in whole pieces."""

    def __init__(self, tracks: Sequence[TrackFormat], most_bytes: int) -> None:
        self._tracks = [_Track(track, {}) for track in tracks]
        self._most_bytes = most_bytes
        self._closed = 0  # pieces given

    @property
    def late(self) -> tuple[int, ...]:
        """Samples of each track that were dropped because they came too late."""
        return tuple(track.late for track in self._tracks)

    def add(self, number: int, position: int, sound: Floats) -> Iterator[Piece]:
        """Take sound [channels, samples] and give the pieces that it closes.

        Raises ValueError where it overlaps what the track gave before, or has other channels.
        """
        track = self._tracks[number]
        if track.ended or position < track.end:
            raise ValueError(f"track {number} is at {track.end}, not {position}")
        if sound.ndim != 2 or len(sound) != track.format.channels:
            raise ValueError(f"track {number} has {track.format.channels} channels")
        taken = 0
        while taken < sound.shape[1]:
            piece, first = divmod(position + taken, PIECE)
            part = sound[:, taken : taken + PIECE - first]
            taken += part.shape[1]
            passed = track.end // PIECE
            track.end = position + taken
            if piece < self._closed:
                track.late += part.shape[1]
            else:
                self._keep(track, piece, first, part)
            if track.end // PIECE > passed:
                yield from self._close()

    def end(self, number: int) -> Iterator[Piece]:
        """The track gives nothing more: give the pieces that waited for it."""
        self._tracks[number].ended = True
        yield from self._close()

    def _keep(self, track: _Track, piece: int, first: int, part: Floats) -> None:
        if piece not in track.pieces:
            track.pieces[piece] = np.zeros((track.format.channels, PIECE), np.float32)
        kept = track.pieces[piece][:, first : first + part.shape[1]]
        kept[...] = part
        highest = max(float(part.max()), -float(part.min()))
        if not highest <= (1.0 if track.format.integer else _TOO_LOUD):
            np.nan_to_num(kept, copy=False, nan=0.0, posinf=_BANG, neginf=-_BANG)
            top = np.float32(1.0) if track.format.integer else _TOO_LOUD
            np.clip(kept, -top, top, out=kept)

    def _close(self) -> Iterator[Piece]:
        while self._is_passed() or self._is_full():
            number = self._closed
            self._closed += 1
            end = max(track.end for track in self._tracks)
            sound = tuple(track.pieces.pop(number, None) for track in self._tracks)
            yield Piece(number, sound, min(PIECE, end - number * PIECE))

    def _is_passed(self) -> bool:
        behind = (self._closed + 1) * PIECE
        waiting = [track.end < behind for track in self._tracks if not track.ended]
        if waiting:
            return not any(waiting)
        return any(track.end > self._closed * PIECE for track in self._tracks)

    def _is_full(self) -> bool:
        whole = sum(
            array.nbytes
            for track in self._tracks
            for number, array in track.pieces.items()
            if (number + 1) * PIECE <= track.end
        )
        return whole > self._most_bytes
