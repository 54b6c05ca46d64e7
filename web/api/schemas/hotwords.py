"""Requests and answers of the API of hotwords."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from shared.strict_json import read_json
from shared.words.hotwords import LONGEST_WORD, MOST_FOUND, MOST_WORDS, clean_words, read_words

MOST_BYTES = 2 * 2**20
"""The limit of a JSON body with hotwords: as many and as long ones as there may be, each character
escaped."""


def _words(value: object) -> tuple[str, ...]:
    """Cleaned words, from a list of them or from a text. Raises ValueError and what `clean_words`
    raises."""
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return read_words(value).words
        try:
            value = read_json(value)
        except ValueError:
            raise ValueError(
                "must be a JSON list of texts, or a text with one word a line"
            ) from None
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError("must be a list of texts, or a text with one word a line")
    return clean_words(value)


HotwordsField = Annotated[
    tuple[str, ...],
    BeforeValidator(_words),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "array",
                    "items": {"type": "string", "maxLength": LONGEST_WORD},
                    "maxItems": MOST_WORDS,
                },
                {"type": "string"},
            ],
            "default": [],
        }
    ),
]
"""Words, which a form gives as a text with one a line."""


def _true_or_false(value: object) -> bool:
    """A choice, which a form gives as text. Raises ValueError."""
    if isinstance(value, bool):
        return value
    said = value.lower() if isinstance(value, str) else ""
    if said not in ("true", "false"):
        raise ValueError("must be true or false")
    return said == "true"


HotwordListsField = Annotated[bool, BeforeValidator(_true_or_false)]
"""True if the words of the lists are passed."""


class HotwordsIn(BaseModel):
    """A list in place of the one that is kept."""

    model_config = ConfigDict(extra="forbid")

    words: HotwordsField = Field(
        description=f"At most {MOST_WORDS} of at most {LONGEST_WORD} characters, or a text with "
        "one a line. None ends the list."
    )
    revision: str | None = Field(
        None,
        max_length=64,
        description="The revision that this change is made from; without it any list is replaced.",
    )


class HotwordsOut(BaseModel):
    """A list that is kept for all jobs."""

    words: list[str] = Field(description="Sorted, each once, as they are passed.")
    revision: str = Field(description="Names this state of the list; empty for the empty list.")
    changed_at: datetime | None
    editor: str | None = Field(description="The id of who changed it last.")


class FoundWordOut(BaseModel):
    word: str
    times: int


class JobHotwordsOut(BaseModel):
    """The words that a job was given when it was submitted, and what became of them."""

    job_id: str
    passed: bool | None = Field(
        description="Whether the model was given the words: false where it takes none. Null until "
        "an attempt began, and for a job without words."
    )
    words: int = Field(description="How many it was given, each word counted once.")
    named: list[str] = Field(description="Those that were named with the job.")
    own: list[str] = Field(description="Those of its owner's list.")
    groups: list[str] = Field(description="Those of the lists of groups that its owner was in.")
    everybodys: list[str] = Field(description="Those of everybody's list.")
    left_out: int = Field(
        description=f"Words of the lists beyond the {MOST_WORDS} that a job takes."
    )
    found: list[FoundWordOut] | None = Field(
        description="Which stand in the recognised text and how often, the most frequent first, at "
        f"most {MOST_FOUND}. Null until the job is completed."
    )
    found_words: int = Field(description="How many stand there, with those beyond that number.")
