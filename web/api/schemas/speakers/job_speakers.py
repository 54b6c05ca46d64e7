"""Requests and answers of the API of a job's speakers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from shared.speakers import MOST_SPEAKERS, SpeakerCount
from shared.speakers.edits import EditKind
from shared.speakers.names import LONGEST_NAME
from shared.speakers.transcript_speakers import MOST_SPEAKERS_EDITED as _MOST_ASSIGNED
from web.api.schemas.errors import ErrorObject

MOST_SENTENCES = 20_000
"""Sentences that one edit gives to somebody: more than ten hours have."""

MOST_EDITS_SHOWN = 100

_LARGEST = 2**31 - 1

_Number = Annotated[int, Field(ge=1, le=_LARGEST)]

_COUNT = "([1-9]|[12][0-9]|30)"

COUNT_SCHEMAS: tuple[dict[str, Any], ...] = (
    {"type": "integer", "minimum": 1, "maximum": MOST_SPEAKERS},
    {"type": "string", "pattern": f"^{_COUNT}(-{_COUNT})?$"},
)
"""A number of speakers, or a range, in JSON Schema."""


def _assigned(value: object) -> object:
    if value is None or value == "new":
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_ASSIGNED:
        return value
    raise ValueError(f"must be a number from 1 to {_MOST_ASSIGNED}, 'new' or null")


class EditIn(BaseModel):
    """Fields of every change of speakers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: str

    revision: int = Field(
        ge=0, le=_LARGEST, description="The revision that this change is made from."
    )

    @property
    def detail(self) -> dict[str, Any]:
        """Fields that belong to this kind of change alone."""
        return self.model_dump(exclude={"revision", "kind"})


class RenameIn(EditIn):
    """Name a speaker."""

    kind: Literal["rename"]
    speaker: _Number
    name: str = Field(
        description=f"At most {LONGEST_NAME} visible characters, white space counting as one "
        "space. Empty: called by the number again."
    )


class MergeIn(EditIn):
    """Say that two speakers are one person."""

    kind: Literal["merge"]
    speaker: _Number = Field(description="This one's sentences become those of `into`.")
    into: _Number


class SplitIn(EditIn):
    """Say that a speaker is two people: the voices are told apart, and whoever says less is new."""

    kind: Literal["split"]
    speaker: _Number


class AssignIn(EditIn):
    """Say who speaks some sentences."""

    kind: Literal["assign"]
    sentences: list[Annotated[int, Field(ge=0, le=_LARGEST)]] = Field(
        min_length=1,
        max_length=MOST_SENTENCES,
        description="Their numbers: places in the recognised transcript, from 0, then those that "
        "were split off.",
    )
    speaker: Annotated[
        Literal["new"] | Annotated[int, Field(ge=1, le=_MOST_ASSIGNED)] | None,
        BeforeValidator(_assigned),
    ] = Field(
        description="A number, `new` for somebody who has none yet, or null for nobody in "
        "particular."
    )


class CountIn(EditIn):
    """Tell the voices apart again, into another number of speakers."""

    kind: Literal["count"]
    wanted: Annotated[
        str,
        BeforeValidator(lambda value: str(SpeakerCount.parse(value))),
        WithJsonSchema({"anyOf": [{"type": "string", "const": "auto"}, *COUNT_SCHEMAS]}),
    ] = Field(description=f"`auto`, a number from 1 to {MOST_SPEAKERS}, or a range such as `2-5`.")


class UndoIn(EditIn):
    """Undo a change, which may be an undoing itself."""

    kind: Literal["undo"]
    edit: _Number = Field(description="The `number` of the change.")


EDITS: dict[str, type[EditIn]] = {
    EditKind.RENAME.value: RenameIn,
    EditKind.MERGE.value: MergeIn,
    EditKind.SPLIT.value: SplitIn,
    EditKind.ASSIGN.value: AssignIn,
    EditKind.COUNT.value: CountIn,
    EditKind.UNDO.value: UndoIn,
}
"""The body of a change, by its `kind`."""


class SpeakerOut(BaseModel):
    number: int = Field(description="From 1, by first appearance.")
    name: str = Field(description="As every file writes it.")
    named: bool = Field(description="A person gave the name, or it is that of a track.")
    sentences: int
    seconds: float = Field(description="How long they speak.")
    share: float = Field(description="Of all that is spoken by somebody known, 0 to 1.")
    overlap: float | None = Field(
        description="Seconds of that in which somebody else speaks too. Null where that is not "
        "known: in sound in which all are heard together."
    )


class SpeakerEditOut(BaseModel):
    """A change as it was made."""

    number: int = Field(description="Counts the changes of a transcript from 1.")
    kind: EditKind
    detail: dict[str, Any] = Field(description="The fields of its kind.")
    undone: bool
    editor: str
    at: datetime


class SpeakersOut(BaseModel):
    """Speakers of a transcript."""

    job_id: str
    revision: int = Field(description="The number of changes so far; send it with the next.")
    wanted: str | None = Field(
        description="What the present number of speakers was asked for as: `auto`, a number or a "
        "range. Null where voices were not told apart."
    )
    can_count: bool = Field(
        description="Whether `count` and `split` are possible: the voices were told apart when it "
        "was recognised."
    )
    speakers: list[SpeakerOut]
    of_sentences: list[int | None] = Field(
        description="The speaker's number of each sentence of the recognised transcript, removed "
        "ones too, then of each that was split off; null: nobody in particular."
    )
    overlap: float | None = Field(
        description="Seconds in which two or more speak at once; null where that is not known."
    )
    edits: list[SpeakerEditOut] = Field(description=f"Newest first, at most {MOST_EDITS_SHOWN}.")


class SpeakersEditedMeanwhileOut(BaseModel):
    """The answer to a change that was made from an older revision. Nothing was written."""

    error: ErrorObject
    current: SpeakersOut = Field(description="Who speaks by now.")
