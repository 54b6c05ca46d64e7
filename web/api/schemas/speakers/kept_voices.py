"""Requests and answers of the API of voices kept under a name."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.speakers.kept.voices import MOST_VOICES
from shared.speakers.names import LONGEST_NAME
from shared.speakers.suggestions.suggest import LEAST_SPEECH_S

_LARGEST = 2**31 - 1
_Number = Annotated[int, Field(ge=1, le=_LARGEST)]
_Revision = Annotated[int, Field(ge=0, le=_LARGEST)]
_Uuid = Annotated[UUID, Field(strict=False)]

_OF_SPEAKERS = "The `revision` of the speakers that you saw."


class KeepingIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    on: bool = Field(
        description="On: voices may be kept, of recordings that end from now on. Off: none are, "
        "and all that is kept of voices is deleted."
    )


class KeepIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    job_id: _Uuid
    speaker: _Number = Field(description="The number of a speaker who has a name.")
    revision: _Revision = Field(description=_OF_SPEAKERS)


class VoiceNameIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(
        min_length=1,
        max_length=LONGEST_NAME,
        description="At most so many visible characters. No other of your voices has it.",
    )


class AnswerIn(BaseModel):
    """Fields of every answer to a suggestion."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: str
    speaker: _Number
    voice: _Uuid


class ConfirmIn(AnswerIn):
    """Say that the speaker is the person of the voice: a change of the speakers gives the name, and
    the recording gives to the voice."""

    kind: Literal["confirm"]
    revision: _Revision = Field(description=_OF_SPEAKERS)


class RefuseIn(AnswerIn):
    """Say that the speaker is not: the voice is suggested for this speaker of this job no more."""

    kind: Literal["refuse"]


ANSWERS: dict[str, type[AnswerIn]] = {"confirm": ConfirmIn, "refuse": RefuseIn}
"""The body of an answer, by its `kind`."""


class EnrolmentOut(BaseModel):
    """Speech of one recording by which a voice is known."""

    job_id: str
    filename: str
    seconds: float = Field(description="Speech that the voice is known by from it.")
    encoder: str = Field(
        description="The revision of the network that heard it; voices of different ones are not "
        "compared."
    )


class VoiceOut(BaseModel):
    """A kept voice."""

    id: str
    name: str
    seconds: float = Field(description="Speech that it stands on in all.")
    recordings: list[EnrolmentOut] = Field(description="It is gone with the last of these.")


class VoicesOut(BaseModel):
    """State of voice keeping and the kept voices."""

    allowed: bool = Field(description="Whether the operator allows that voices are kept.")
    on: bool = Field(description="Whether you let voices be kept.")
    voices: list[VoiceOut] = Field(description=f"By name, at most {MOST_VOICES}.")


class SuggestionOut(BaseModel):
    """A kept voice that a speaker may be the person of."""

    voice: str = Field(description="Its id.")
    name: str
    likeness: float = Field(description="The cosine between both, at most 1.")


class SpeakerBesideVoicesOut(BaseModel):
    """A speaker beside the kept voices."""

    speaker: int
    name: str
    seconds: float = Field(
        description="Clear speech that the voice is known by; 0 where it is not known. A voice is "
        f"kept and compared from {LEAST_SPEECH_S:g} on."
    )
    can_be_kept: bool = Field(description="It has a name, and enough of the voice is known.")
    kept_as: str | None = Field(description="The id of the voice that this recording gives to.")
    suggestion: SuggestionOut | None


class SuggestionsOut(BaseModel):
    """The speakers of a job beside the kept voices of its owner."""

    job_id: str
    revision: int = Field(description="Of the speakers; send it with what you confirm or keep.")
    on: bool = Field(description="Whether you let voices be kept, and the operator allows it.")
    known: bool = Field(
        description="Whether the voices of this recording are stored: it was transcribed with "
        "`speakers` while keeping was on."
    )
    speakers: list[SpeakerBesideVoicesOut]
