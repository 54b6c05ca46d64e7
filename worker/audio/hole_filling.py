"""Placement of each track's samples in the spool: holes of the recording get silence."""

from __future__ import annotations

from dataclasses import dataclass

from shared.transcripts.recording_report import MOST_SPANS, Span
from shared.transcripts.values import SAMPLE_RATE
from worker.audio.decoder.records import HOLE_S
from worker.audio.player_clock import PlayerClock


@dataclass(slots=True)
class _Track:
    begun: bool = False
    end: int = 0
    """Sample at which the next sound goes, if nothing jumps."""
    heard_end_s: float = 0.0
    """Time at which that sample is played, in seconds, if the clock does not jump."""


class Placement:
    """Places the pieces of all tracks; the first track is the one whose clock counts.

    filled, filled_s: holes behind the beginning of the first track that were filled with silence,
    in seconds of the player: the first of them, and the sum of all.
    starts_s: when each track is first heard; None while it was not.
    """

    def __init__(self, tracks: int) -> None:
        self.clock = PlayerClock()
        self.filled: list[Span] = []
        self.filled_s = 0.0
        self.starts_s: list[float | None] = [None] * tracks
        self.samples = [0] * tracks
        """Samples of sound that each track gave."""
        self._tracks = [_Track() for _ in range(tracks)]

    def end(self, track: int) -> int:
        """Position of the next sample of `track`, if its clock does not jump."""
        return self._tracks[track].end

    def place(self, track: int, samples: int, heard_s: float) -> int:
        """Take a piece of `samples` that is heard from `heard_s` on; where its first one goes."""
        state = self._tracks[track]
        jump_s = heard_s - state.heard_end_s
        if track > 0:
            reference = self._tracks[0]
            target = heard_s + reference.end / SAMPLE_RATE - reference.heard_end_s
            jump_s = target - state.end / SAMPLE_RATE
        at = state.end
        if not state.begun:
            at = max(0, state.end + round(jump_s * SAMPLE_RATE))
            self.starts_s[track] = max(0.0, heard_s)
        elif jump_s >= HOLE_S:
            at += round(jump_s * SAMPLE_RATE)
            if track == 0:
                self._fill(state.heard_end_s, jump_s)
        if track == 0:
            self.clock.note(at, heard_s)
        state.begun = True
        self.samples[track] += samples
        state.end = at + samples
        state.heard_end_s = heard_s + samples / SAMPLE_RATE
        return at

    def _fill(self, at_s: float, seconds: float) -> None:
        self.filled_s += seconds
        if len(self.filled) < MOST_SPANS:
            self.filled.append(Span(round(at_s, 3), round(seconds, 3)))
