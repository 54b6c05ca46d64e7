"""Answers of the API about a recording's file; the OpenAPI document is made from them too."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from shared.transcripts.recording_report import ChannelUse, RecordingWarningCode, TrackUse


class TrackOut(BaseModel):
    """A sound track of the file."""

    model_config = ConfigDict(from_attributes=True)

    number: int = Field(description="From 1, among the sound tracks.")
    codec: str = Field(description="FFmpeg's name of the coding, `aac` for instance.")
    channels: int
    sample_rate: int = Field(description="Hz.")
    language: str | None = Field(description="As the file writes it, mostly ISO 639-2.")
    title: str | None
    use: TrackUse = Field(
        description="`mixed` with others or heard alone, `separate` as a person of its own or "
        "because only it was asked for, or `left_out`."
    )
    channel_use: ChannelUse = Field(
        description="How its channels became one: `mixed`, `inverted` (some were turned over, for "
        "they cancel each other), `selected` (those without speech were left out) or `separate`."
    )
    starts_s: float = Field(description="Where it begins.")
    decoded_s: float = Field(description="Sound decoded from it, without filled silence.")
    level_dbfs: float | None = Field(
        description="Of its speech, as recorded; null where none was found."
    )


class SpanOut(BaseModel):
    """A stretch of the recording."""

    at: float
    seconds: float


class ClockJumpOut(BaseModel):
    """The file's clock ran on, or back where `seconds` is negative, without sound."""

    at: float
    seconds: float
    believed: bool = Field(description="Whether the times follow it.")


class RecordingWarningOut(BaseModel):
    """Fact to know before trusting the transcript."""

    code: RecordingWarningCode
    seconds: float | None = Field(description="How much it concerns, where that is known.")
    at: float | None = Field(description="Where it first occurs.")
    message: str = Field(description="The same for a person.")


class RecordingOut(BaseModel):
    """Contents of the file and how they were decoded.

    Times are seconds of the recording as its player shows them.
    """

    container: str = Field(description="FFmpeg's name of it, `matroska,webm` for instance.")
    announced_s: float | None = Field(description="The length that the file tells, if it does.")
    decoded_s: float = Field(description="The length decoded, filled silence included.")
    tracks: list[TrackOut]
    parts: int = Field(description="How many recordings were joined in the file.")
    picture: str | None = Field(
        description="FFmpeg's name of the coding of its moving picture, `h264` for instance; null "
        "where it has none, or where the transcript is older than this field."
    )
    level_dbfs: float | None = Field(
        description="Of the speech, as recorded; null where none was found."
    )
    peak_dbfs: float | None = Field(description="Of all sound, as recorded; null for silence.")
    gain_db: float = Field(description="The largest change of level applied, up or down.")
    damaged: list[SpanOut] = Field(description="What could not be decoded; the first 100.")
    damaged_s: float | None = Field(description="All of it; null where that is not known.")
    filled: list[SpanOut] = Field(description="Gaps filled with silence; the first 100.")
    filled_s: float = Field(description="All of them.")
    clock_jumps: list[ClockJumpOut] = Field(description="The first 100.")
    clock_drift_s: float = Field(
        description="How far the file's clock and its sound had drifted apart at the end; the "
        "times follow the clock."
    )
    warnings: list[RecordingWarningOut]
