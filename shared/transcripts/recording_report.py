"""Report of decoding on a recording: its contents and how they were used.

Times are seconds of the recording as its player shows them, unless a field says otherwise.  The
worker makes one report a job; the API and the page show it.  It is stored as JSON by `to_json`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

MOST_SPANS = 100
"""Spans, and jumps, that a report lists of each kind; the totals count those beyond too."""


class RecordingWarningCode(StrEnum):
    """Code of a fact that a person should know before trusting the transcript."""

    TRACKS_LEFT_OUT = "tracks_left_out"
    """A sound track was not heard: it cannot be decoded, it appeared behind the header, or it came
    too late to be mixed. Not where the job asked for one track."""
    CHANNELS_OUT_OF_PHASE = "channels_out_of_phase"
    """Channels cancel each other, so they were not added up as they are."""
    SHORTER_THAN_ANNOUNCED = "shorter_than_announced"
    """The container tells of more sound than it holds; `seconds` are missing, where known."""
    DAMAGED_AUDIO_SKIPPED = "damaged_audio_skipped"
    """Sound that could not be decoded was left out."""
    SILENCE_FILLED = "silence_filled"
    """Silence stands where the container has a hole."""
    CLOCK_RESET = "clock_reset"
    """The container's clock jumped by `seconds`, and the jump was not believed."""
    BYTES_AFTER_THE_END = "bytes_after_the_end"
    """Bytes behind the end that the header tells: `seconds` of them were sound, and are in the
    transcript, or `bytes_unheard` of them could not be read and are not."""
    VERY_QUIET = "very_quiet"
    """The speech was so quiet that it was amplified a lot."""
    CLIPPED = "clipped"
    """Much of the sound is cut off at the top of its range; words may be wrong."""


@dataclass(frozen=True, slots=True)
class RecordingWarning:
    """Warning about a recording; `at_s` is where it first occurs, `seconds` the length it
    concerns, and `bytes_unheard` how much of the file is not in the transcript, where it is not
    known how long that is."""

    code: RecordingWarningCode
    seconds: float | None = None
    at_s: float | None = None
    bytes_unheard: int | None = None


class TrackUse(StrEnum):
    """Use of a sound track."""

    MIXED = "mixed"
    """Heard together with others, or alone because there are no others."""
    SEPARATE = "separate"
    """Heard by itself, as a person of its own, or because the job asked for it only."""
    LEFT_OUT = "left_out"


class ChannelUse(StrEnum):
    """Way in which the channels of a track became one."""

    MIXED = "mixed"
    INVERTED = "inverted"
    """Mixed, with some channels turned over first, for they cancel each other."""
    SELECTED = "selected"
    """Mixed without the channels that had no speech beside others with speech, for a time at
    least."""
    SEPARATE = "separate"
    """Heard one by one, or one only because the job asked for it."""


@dataclass(frozen=True, slots=True)
class TrackReport:
    """Report on a sound track of the container."""

    number: int
    """Number among the sound tracks, from 1."""
    codec: str
    """FFmpeg's name of the coding, 'aac' for instance."""
    channels: int
    sample_rate: int
    """Sample rate in Hz."""
    language: str | None = None
    """Language as the container writes it, mostly ISO 639-2."""
    title: str | None = None
    use: TrackUse = TrackUse.MIXED
    channel_use: ChannelUse = ChannelUse.MIXED
    starts_s: float = 0.0
    decoded_s: float = 0.0
    """Seconds of sound decoded from it, without filled silence."""
    level_dbfs: float | None = None
    """Level of the track's speech, as recorded; None where none was found."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the recording."""

    at_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class ClockJump:
    """The container's clock ran on, or back if `seconds` is negative, without sound."""

    at_s: float
    seconds: float
    believed: bool
    """True if the times follow the jump."""


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """The account of one recording."""

    container: str
    """FFmpeg's name of the container, 'mov,mp4,m4a,3gp,3g2,mj2' for instance."""
    announced_s: float | None
    """Length that the container tells; None where it tells none."""
    decoded_s: float
    """Length that was decoded, filled silence included."""
    duration_s: float = 0.0
    """Length as a player shows it: less than decoded where the container's clock runs slower."""
    tracks: tuple[TrackReport, ...] = ()
    parts: int = 1
    """Number of recordings joined in the file."""
    picture: str | None = None
    """FFmpeg's name of the coding of its moving picture, 'h264' for instance; None where it has
    none, and in reports of a version before this was told."""
    level_dbfs: float | None = None
    """Level of the speech, as recorded, before any gain; None where none was found."""
    peak_dbfs: float | None = None
    """Peak of all sound, as recorded; None where all is silence."""
    gain_db: float = 0.0
    """The largest change of level that was applied, up or down."""
    damaged: tuple[Span, ...] = ()
    damaged_s: float | None = None
    """Seconds that could not be decoded; None where that is not known."""
    filled: tuple[Span, ...] = ()
    filled_s: float = 0.0
    clock_jumps: tuple[ClockJump, ...] = ()
    clock_drift_s: float = 0.0
    """Seconds by which the container's clock and the sound had drifted apart at the end; times
    follow the clock."""
    warnings: tuple[RecordingWarning, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object from which `from_json` makes an equal report."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what `to_json` gave, also of a version that had fewer or more fields.

        Raises KeyError, TypeError or ValueError where it is no report.
        """
        known = {name: stored[name] for name in cls.__dataclass_fields__ if name in stored}
        known["tracks"] = tuple(
            TrackReport(
                **_fields(TrackReport, track)
                | {
                    "use": TrackUse(track["use"]),
                    "channel_use": ChannelUse(track["channel_use"]),
                }
            )
            for track in stored.get("tracks", ())
        )
        for name in ("damaged", "filled"):
            known[name] = tuple(Span(**_fields(Span, span)) for span in stored.get(name, ()))
        known["clock_jumps"] = tuple(
            ClockJump(**_fields(ClockJump, jump)) for jump in stored.get("clock_jumps", ())
        )
        known["warnings"] = tuple(
            RecordingWarning(
                **_fields(RecordingWarning, warning)
                | {"code": RecordingWarningCode(warning["code"])}
            )
            for warning in stored.get("warnings", ())
        )
        return cls(**known)


def _fields(kind: Any, stored: dict[str, Any]) -> dict[str, Any]:
    return {name: stored[name] for name in kind.__dataclass_fields__ if name in stored}
