"""Time at which a decoded frame is played: the container's clock as a player follows it.

A transcript's times have to match what a player shows.  A player honours the container's
timestamps: a track that starts two seconds into a video is heard at 0:02, a stretch lost by a
recorder stays a silent stretch, and where the clock runs slower than the samples, by a little all
the time or back by a step, a seek to a time finds what carries that time.  Decoded samples laid
end to end would forget all of it.  Docs: docs/recordings.md, "Where zero is".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

TOLERANCE_S = 0.05
"""Timestamps this far from the samples are still contiguous.  Millisecond containers round by
0.5 ms, packets of live recorders wander by a frame (20 ms), AAC without an edit list carries
21-46 ms of priming.  A drifting clock is followed each time it has come to this much."""

_ROUNDING_S = 0.01

MOST_BELIEVED_S = 3600.0
"""A longer jump ahead is taken for a clock that was set, as when recordings are joined, unless the
length that the container tells has room for it."""

RESET_S = 1.0
"""Timestamps this far behind mean that the clock was set back; the sound goes on without a gap.
Smaller steps back are a recorder's own, and players follow them."""

APART_S = 10.0
"""Sound of one time lies no further apart in a file whose tracks are beside each other."""

MOST_DRIFT, FREE_DRIFT_S = 0.1, 2.0
"""A clock that has drifted from the samples by more than this share of them, and these seconds, is
none: some containers give one timestamp to many frames. It is not looked at any more."""

MOST_JUMPS = 100
"""Jumps that are listed; a hostile file could make one a frame."""


@dataclass(slots=True)
class ContainerClock:
    """Follows the timestamps of one track.  All times are seconds.

    zero: the timestamp that is to become 0.
    offset: added to every position: where this part of the recording begins.
    has_clock: False where timestamps mean nothing; frames are then laid end to end.
    told_end: the position up to which the container tells that there is something; None if it
        does not tell.
    position: where the next frame is heard, if nothing jumps.
    jumps: (position, seconds, believed) of each jump over RESET_S; the first MOST_JUMPS.
    drift: sum of the corrections too small to be a hole; negative where the clock is slower.
    others_at: tells the position of the track that is heard latest so far, where tracks lie beside
        each other at the same time; None where they need not.
    """

    zero: float = 0.0
    offset: float = 0.0
    has_clock: bool = True
    told_end: float | None = None
    position: float = field(init=False)
    jumps: list[tuple[float, float, bool]] = field(default_factory=list)
    drift: float = 0.0
    others_at: Callable[[], float] | None = None
    _begun: bool = False
    _doubted: float | None = None
    """Seconds by which the last timestamp was ahead that no next frame could confirm; None: there
    is none."""

    def __post_init__(self) -> None:
        self.position = self.offset

    def place(self, start: float | None, length: float, following: float | None) -> float:
        """Take the next frame; the position at which it is heard.

        `start` and `following` are the timestamps of this frame and of the one after it, where
        known.  A jump counts only if the next frame confirms it: one damaged timestamp must
        not move the rest of a recording.
        """
        if self.has_clock and start is not None:
            ahead = start - self.zero + self.offset - self.position
            # Between the timestamps of a transport stream FFmpeg makes up those of the other
            # frames, after another rate has begun with lengths that are not theirs.
            exact = min(TOLERANCE_S, max(_ROUNDING_S, length / 2))
            if following is not None:
                confirmed, self._doubted = abs(following - start - length) <= exact, None
            else:
                # Where only every few frames have a timestamp, the next one that has tells.
                confirmed = self._doubted is not None and abs(ahead - self._doubted) <= TOLERANCE_S
                confirmed = confirmed or self._begins_beside_others(ahead)
                self._doubted = ahead
            takes_over = (confirmed or not self._begun) and self._takes_over(ahead)
            if abs(ahead) > TOLERANCE_S and confirmed and not takes_over:
                self._jump(ahead)
        self._begun = True
        heard = self.position
        self.position += length
        return heard

    def lose(self, seconds: float) -> None:
        """Pass over sound that could not be decoded, where no timestamp will tell of it: as long as
        its packet, if the length that the container tells has room for that."""
        if self.told_end is not None and self.position + seconds <= self.told_end + RESET_S:
            self.position += seconds

    def _begins_beside_others(self, ahead: float) -> bool:
        """Return whether the track begins where others are: that confirms its first timestamp."""
        if self._begun or self.others_at is None:
            return False
        return abs(self.position + ahead - self.others_at()) <= APART_S

    def _takes_over(self, ahead: float) -> bool:
        """Return whether this track goes on where others ended: files were joined, whose tracks are
        told apart, and the clock began anew. Then it is put there."""
        if self.others_at is None or (self._begun and ahead >= -RESET_S):
            return False
        others_at = self.others_at()
        if others_at - max(self.position, self.position + ahead) <= APART_S:
            return False
        if len(self.jumps) < MOST_JUMPS:
            self.jumps.append((others_at, self.position + ahead - others_at, False))
        self.zero += self.position + ahead - others_at
        self.position = others_at
        return True

    def _jump(self, ahead: float) -> None:
        believed = -RESET_S <= ahead <= MOST_BELIEVED_S or (
            ahead > 0.0
            and self.told_end is not None
            and self.position + ahead <= self.told_end + RESET_S
        )
        if abs(ahead) > RESET_S and self._begun and len(self.jumps) < MOST_JUMPS:
            self.jumps.append((self.position, ahead, believed))
        if not believed:
            self.zero += ahead
            return
        if abs(ahead) <= RESET_S and self._begun:
            self.drift += ahead
            if abs(self.drift) > FREE_DRIFT_S + MOST_DRIFT * (self.position - self.offset):
                ahead -= self.drift
                self.drift = 0.0
                self.has_clock = False
        self.position += ahead
