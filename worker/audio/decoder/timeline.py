"""Where a decoded frame belongs in the recording, when its container has holes.

A transcript's times have to match what a player shows.  A player honours the container's
timestamps: an audio track that starts two seconds into a video is heard at 0:02, and a stretch
lost by a recorder stays a silent stretch.  Decoded samples laid end to end would forget both.

Zero is where the container starts (its earliest stream), as players show it, so a transport
stream that counts from 26 hours starts at 0 all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

GAP_TOLERANCE_S = 0.05
"""Timestamps this much ahead are still contiguous.  Millisecond containers round by 0.5 ms,
packets of live recorders wander by a frame (20 ms), AAC without an edit list carries 21-46 ms
of priming.  A drifting clock is corrected each time it has come to this much."""

MAX_GAP_S = 3600.0
"""A longer jump is taken for a clock that was set, as when recordings are joined, and closed."""

RESET_S = 1.0
"""Timestamps this far behind mean that the clock was set back; the sound goes on without a gap.
Between here and 0 they are overlaps of a few frames, and no sound is dropped for them."""


@dataclass(slots=True)
class Timeline:
    """Follows the timestamps of one audio stream.  All times are seconds.

    `origin` is the timestamp that is to become 0; None takes the first frame's.  `position` is
    where the next frame goes, from 0; `silence` is how much was put in so far; `resets` counts
    jumps of the clock that were closed.
    """

    origin: float | None = None
    position: float = 0.0
    silence: float = 0.0
    resets: int = 0

    def place(self, start: float | None, length: float, following: float | None) -> float:
        """Take the next frame and give the silence owed before it, usually 0.

        `start` and `following` are the timestamps of this frame and of the one after it, where
        known.  A jump counts only if the next frame confirms it: one damaged timestamp must
        not move the rest of a recording.
        """
        owed = 0.0
        if start is not None:
            if self.origin is None:
                self.origin = start
            ahead = start - self.origin - self.position
            confirmed = following is not None and abs(following - start - length) <= GAP_TOLERANCE_S
            if confirmed and GAP_TOLERANCE_S < ahead <= MAX_GAP_S:
                owed = ahead
            elif confirmed and (ahead > MAX_GAP_S or ahead < -RESET_S):
                self.origin = start - self.position
                self.resets += 1
        self.position += owed + length
        self.silence += owed
        return owed
