"""The fields of a submission."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from shared.speakers import SpeakerCount
from shared.speakers.names import OPTION as SPEAKERS
from shared.strict_json import MAX_DEPTH, UnwritableJson, read_json, require_writable
from shared.transcripts.sound_selection import MOST_NUMBER, SoundSelection, parse_choice
from shared.words.hotwords import LISTS_OPTION
from shared.words.numbers.choice import OPTION as NUMBERS
from shared.words.numbers.choice import Numbers
from shared.words.replacements.job_replacements import OFF
from shared.words.replacements.job_replacements import OPTION as REPLACEMENTS
from web.api.schemas.hotwords import HotwordListsField, HotwordsField
from web.api.schemas.speakers.job_speakers import COUNT_SCHEMAS

MAX_METADATA_BYTES = 16 * 1024

SoundChoiceField = Annotated[
    Literal["mix", "each"] | Annotated[int, Field(ge=1, le=MOST_NUMBER)],
    BeforeValidator(parse_choice),
]
"""A `SoundChoice`, of which a form gives the number as text."""


def _speakers_choice(value: object) -> str:
    """'off', or what `SpeakerCount` asks for as it writes it. Raises ValueError."""
    if value == "off":
        return "off"
    try:
        return str(SpeakerCount.parse(value))
    except ValueError as error:
        raise ValueError(str(error).replace("must be ", "must be 'off', ", 1)) from None


SpeakersField = Annotated[
    str,
    BeforeValidator(_speakers_choice),
    WithJsonSchema({"anyOf": [{"type": "string", "enum": ["off", "auto"]}, *COUNT_SCHEMAS]}),
]
"""Number of speakers to tell apart. A number is given as such or as text, and shown as text."""


class SubmitOptions(BaseModel):
    """The fields of a submission beside its `file`."""

    model_config = ConfigDict(extra="forbid")

    priority: int = Field(
        0,
        ge=-10,
        le=10,
        description="Higher is taken first. With accounts, above 0 is for administrators.",
    )
    metadata: dict[str, Any] = Field(
        default_factory=dict,
        description="A JSON object that is given back with the job. At most "
        f"{MAX_METADATA_BYTES} bytes and {MAX_DEPTH} levels, with whole numbers of 64 bits.",
    )
    tracks: SoundChoiceField = Field(
        "mix",
        description="Which sound tracks are heard: all together (`mix`), each by itself as a "
        "person of its own (`each`), or one only, by its number from 1.",
    )
    channels: SoundChoiceField = Field(
        "mix", description="Likewise which channels of a track, the sides of a call for instance."
    )
    speakers: SpeakersField = Field(
        "off",
        description="Whether speakers are told apart by their voices: as many as are heard "
        "(`auto`), so many (`3`), or from so many to so many (`2-5`). Not with `tracks` or "
        "`channels` of `each`.",
    )
    hotwords: HotwordsField = Field(
        (),
        description="Words that are likely to be said, names most of all. A form gives them as a "
        "text with one a line. A model that takes none leaves them out, with the warning "
        "`hotwords_not_taken`.",
    )
    hotword_lists: HotwordListsField = Field(
        True,
        description="Whether the words of your list, of your groups' and of everybody's are passed "
        "too, as they are now.",
    )

    replacements: Literal["on", "off"] = Field(
        "on",
        description="Whether the lists of wrong and right words change the transcript, yours, your "
        "groups' and everybody's as they stand now.",
    )
    model: Annotated[str, Field(max_length=255)] | None = Field(
        None,
        description="The only model that may recognise it, by a name of `GET /api/v1/models`; "
        "without one, the worker that comes first takes it with its own.",
    )

    numbers: Numbers = Field(
        Numbers.SPOKEN,
        description="`written` has spoken numbers in digits, 85万元 for 八十五万元. The recognised "
        "text is kept.",
    )

    @property
    def stored(self) -> dict[str, Any]:
        """Options to store with the job: those that differ from their defaults, without the
        hotwords, the priority and the model."""
        chosen: dict[str, Any] = {"metadata": self.metadata} if self.metadata else {}
        if self.speakers != "off":
            chosen[SPEAKERS] = self.speakers
        if self.replacements == OFF:
            chosen[REPLACEMENTS] = OFF
        if self.numbers is not Numbers.SPOKEN:
            chosen[NUMBERS] = self.numbers.value
        if not self.hotword_lists:
            chosen[LISTS_OPTION] = False
        return chosen | SoundSelection(self.tracks, self.channels).to_options()

    @field_validator("model", mode="before")
    @classmethod
    def _none_is_chosen(cls, value: object) -> object:
        return None if value == "" else value  # as a form sends it

    @field_validator("speakers")
    @classmethod
    def _speakers_are_not_known_already(cls, value: str, info: ValidationInfo) -> str:
        if value != "off" and "each" in (info.data.get("tracks"), info.data.get("channels")):
            raise ValueError(
                "each track or channel is a person of its own already; leave out speakers"
            )
        return value

    @field_validator("metadata", mode="before")
    @classmethod
    def _metadata_is_a_json_object(cls, value: object) -> object:
        as_json = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if len(as_json.encode("utf-8", "surrogatepass")) > MAX_METADATA_BYTES:
            raise ValueError(f"must be at most {MAX_METADATA_BYTES} bytes")
        try:
            metadata = read_json(as_json) if isinstance(value, str) else value
        except UnwritableJson:
            raise
        except ValueError:
            metadata = None
        if not isinstance(metadata, dict):
            raise ValueError('must be a JSON object, for instance {"room": "3A"}')
        require_writable(metadata)
        return metadata


def _as_before(schema: dict[str, Any]) -> None:
    for name, field in schema["properties"].items():
        if name != "priority":
            field.pop("default", None)


class AgainOptions(SubmitOptions):
    """A submission of a recording that is here. What is left out is as the job before had it, but
    for the priority; so no default stands in its schema."""

    model_config = ConfigDict(json_schema_extra=_as_before)


class UploadSubmission(SubmitOptions):
    """A submission of what was uploaded in pieces."""

    upload_id: UUID = Field(description="The last part of the upload's address.")
