"""Input formats and summary of a mix, and the grid on which it is made.

Samples are 1/16,000 s.  A block, of 100 ms, is what levels are measured on; a hop, of 1 s, the
shortest time in which a channel's share may change; a piece, of 5 s, what is decided at once.  All
lie on the common timeline, so that nothing depends on how the sound arrived.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.transcripts.recording_report import ChannelUse as ChannelUse
from worker.recogniser import SAMPLE_RATE

BLOCK = SAMPLE_RATE // 10
HOP = SAMPLE_RATE
HOPS = 5
PIECE = HOPS * HOP
BLOCKS = PIECE // BLOCK
HOP_S = HOP / SAMPLE_RATE
BLOCK_S = BLOCK / SAMPLE_RATE

SILENCE_DBFS = -150.0
"""Level that digital silence counts as."""


@dataclass(frozen=True, slots=True)
class TrackFormat:
    """Sound track as its decoder gives it."""

    channels: int
    integer: bool
    """The source's samples are integers: nothing lies above full scale, and what reaches it was
    cut off there."""


@dataclass(frozen=True, slots=True)
class TrackMix:
    """Summary of one track in the mix."""

    level_dbfs: float | None
    """Level of its speech, as recorded, in its loudest channel; None where none was found."""
    channel_use: ChannelUse
    out_of_phase_at_s: float | None
    """Second at which channels first cancelled each other; None: never."""
    out_of_phase_s: float
    late_s: float
    """Seconds that came when the mix had gone on without them."""


@dataclass(frozen=True, slots=True)
class MixSummary:
    """Summary of the mix of a recording."""

    tracks: tuple[TrackMix, ...]
    level_dbfs: float | None
    """Level of the speech, as recorded, in the loudest track; None where none was found."""
    peak_dbfs: float | None
    """Peak of all sound, as recorded; None where all is silence."""
    gain_db: float
    """The largest change of level, up or down; 0.0 where all stayed as it was."""
    quiet_at_s: float | None
    """Second at which the sound was first amplified a lot; None: never."""
    quiet_s: float
    clipped_at_s: float | None
    """Second at which the sound is first cut off at the top of its range; None: never."""
    clipped_s: float
