"""Takes: parts of a recording (tracks or channels) that are recognised separately, one after
another, where a job asks for that.

Without a wish there is one take, of all tracks and channels together.  Where each track, or each
channel, is to be a person of its own, every one of them is a take.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from shared.transcripts.sound_selection import SoundSelection
from shared.transcripts.values import SAMPLE_RATE
from worker.audio.decoder.claims import HeaderClaim, TrackClaim
from worker.audio.player_clock import PlayerClock

MOST_TAKES = 32


@dataclass(frozen=True, slots=True)
class Take:
    """`track` and `channel` count from 1; None: all together. `speaker`: whose words these are."""

    track: int | None = None
    channel: int | None = None
    speaker: str | None = None


def single_take(selection: SoundSelection) -> Take | None:
    """The one take that is asked for; None where the number of takes depends on the recording."""
    if "each" in (selection.tracks, selection.channels):
        return None
    track = selection.tracks if isinstance(selection.tracks, int) else None
    channel = selection.channels if isinstance(selection.channels, int) else None
    return Take(track, channel)


def takes_of(selection: SoundSelection, header: HeaderClaim) -> tuple[Take, ...]:
    """The takes of a recording, at least one and at most MOST_TAKES; without a speaker where there
    is but one. A track that does not exist is left for the decoder to refuse."""
    single = single_take(selection)
    if single is not None:
        return (single,)
    tracks: list[TrackClaim | None] = [None]
    if selection.tracks == "each":
        decodable = [track for track in header.tracks if track.decodable]
        tracks = list(decodable) if len(decodable) > 1 else [None]
    elif isinstance(selection.tracks, int):
        tracks = [track for track in header.tracks if track.number == selection.tracks]
        if not tracks:
            return (Take(selection.tracks),)
    takes = [take for track in tracks for take in _channels(selection, track, header)]
    takes = takes[:MOST_TAKES]
    return tuple(takes) if len(takes) > 1 else (Take(takes[0].track, takes[0].channel),)


def _channels(
    selection: SoundSelection, track: TrackClaim | None, header: HeaderClaim
) -> list[Take]:
    number = track.number if track else None
    name = track.title or f"Track {track.number}" if track else ""
    if isinstance(selection.channels, int):
        return [Take(number, selection.channels, name)]
    if selection.channels == "each":
        among = (track,) if track else header.heard
        count = max(one.channels for one in among)
        if count > 1:
            return [
                Take(number, channel, f"{name} Channel {channel}".strip())
                for channel in range(1, count + 1)
            ]
    return [Take(number, None, name)]


@dataclass(frozen=True, slots=True)
class _Placed:
    start: int
    take: Take
    clock: PlayerClock


class TakesClock:
    """Take and time of playing of each sample of the spool.

    Written by the thread that decodes, in order of the samples; read by any.
    """

    def __init__(self) -> None:
        self._placed: list[_Placed] = []

    def begin(self, start: int, take: Take, clock: PlayerClock) -> None:
        """Note that from sample `start` on the spool holds `take`, whose own samples `clock`
        times."""
        self._placed.append(_Placed(start, take, clock))

    def heard_s(self, sample: int) -> float:
        """Time at which `sample` is played, in seconds of the player."""
        placed = self._at(sample)
        if placed is None:
            return sample / SAMPLE_RATE
        return placed.clock.heard_s(sample - placed.start)

    @property
    def starts(self) -> Sequence[tuple[int, str | None]]:
        """First sample and speaker of each take."""
        return [(placed.start, placed.take.speaker) for placed in self._placed]

    def _at(self, sample: int) -> _Placed | None:
        index = bisect_right(self._placed, sample, key=lambda placed: placed.start) - 1
        return self._placed[index] if index >= 0 else None
