"""The fields of a transcription request, read as OpenAI's clients send them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from werkzeug.datastructures import MultiDict

from shared.errors import InvalidRequest
from shared.strict_json import MAX_DEPTH
from shared.words.hotwords import clean_words
from web.api.parsing import parse
from web.api.schemas.submission import SubmitOptions

ResponseFormat = Literal["json", "text", "srt", "vtt", "verbose_json", "diarized_json"]

_LISTS = ("timestamp_granularities", "keywords")
"""Fields that may be given more than once, with or without [] behind their names."""

_PART_OF_METADATA = re.compile(r"metadata\[(.*)\]", re.DOTALL)
"""Name of a field by which the packages send a part of an object: `metadata[room]`."""

_WITHOUT_EFFECT = frozenset(
    {"temperature", "language", "languages", "include", "chunking_strategy", "stream_options"}
)
"""Fields that change nothing here: a model hears the languages that it hears, its text is always
the most likely one, and recordings of any length are cut where nobody speaks."""

_NOT_HERE = frozenset({"known_speaker_names", "known_speaker_references"})

_OF_ANOTHER = re.compile(r"(whisper|gpt)-[\w.-]+|default|")
"""Names of OpenAI's models, which stand for whichever model works here."""

_BETWEEN_NAMES = re.compile(r"[,，、;；\n]")
_LONGEST_NAME = 24
"""Characters of a part of a prompt that is taken for a name; a sentence has more."""


class TranscriptionFields(SubmitOptions):
    """Fields of a request for a transcription. All fields of a submission to `/api/v1/jobs` are
    taken beside OpenAI's."""

    response_format: ResponseFormat = "json"
    prompt: str = Field("", max_length=20_000)
    stream: bool = False
    timestamp_granularities: tuple[Literal["word", "segment"], ...] = ()
    keywords: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _asks_for_what_it_needs(self) -> Self:
        is_known_who_speaks = "each" in (self.tracks, self.channels) or self.speakers != "off"
        if self.response_format == "diarized_json" and not is_known_who_speaks:
            self.speakers = "auto"
        if not self.hotwords:
            self.hotwords = clean_words(self.keywords or names_in(self.prompt))
        if self.model is not None and is_of_another(self.model):
            self.model = None
        return self


def is_of_another(model: str) -> bool:
    """Return whether this is the name of an OpenAI model, for which any model here is used."""
    return _OF_ANOTHER.fullmatch(model) is not None


def names_in(prompt: str) -> tuple[str, ...]:
    """The names that a prompt lists, for a model that takes hotwords; none of any other prompt.

    >>> names_in("陈晓东, Zyntrix、达摩院")
    ('陈晓东', 'Zyntrix', '达摩院')
    >>> names_in("The meeting goes on, and Mr Chen explains the budget.")
    ()
    """
    parts = [part.strip() for part in _BETWEEN_NAMES.split(prompt)]
    parts = [part for part in parts if part]
    is_text = prompt.rstrip().endswith((".", "。", "?", "？", "!", "！"))
    if is_text or any(len(part) > _LONGEST_NAME for part in parts):
        return ()
    return tuple(dict.fromkeys(parts))


def read_fields(form: MultiDict[str, str], files: Sequence[str]) -> TranscriptionFields:
    """Read a form. Raises InvalidRequest."""
    for name in files:
        if name != "file":
            raise InvalidRequest(
                f"There is no file field '{name[:80]}' here; it is called 'file'.", param=name[:80]
            )
    given: MultiDict[str, Any] = MultiDict()
    metadata: dict[str, Any] = {}
    for name, values in form.lists():
        plain = (name or "").removesuffix("[]")
        if plain in _NOT_HERE:
            raise InvalidRequest(
                "Voices cannot be given here. Leave the field out: speakers are told apart by "
                "their voices and get numbers.",
                param=plain,
            )
        if plain.partition("[")[0] in _WITHOUT_EFFECT:
            continue
        if plain in _LISTS or name == "hotwords[]":
            given.setlist(plain, [tuple(values)])
        elif (part := _PART_OF_METADATA.fullmatch(name or "")) is not None:
            _put(metadata, part[1].split("]["), values)
            given.setlist("metadata", [metadata])
        else:
            given.setlist(plain, values)
    return parse(TranscriptionFields, given)


def _put(into: dict[str, Any], path: list[str], values: list[str]) -> None:
    """Put `values` where `path` leads; `[]` at its end makes a list, else there is one value. They
    are texts, as in any form. Raises InvalidRequest."""
    is_list = not path[-1]
    try:
        *above, last = path[:-1] if is_list else path
        for name in above:
            into = into.setdefault(name, {})
        if last in into or len(path) > MAX_DEPTH or (len(values) > 1 and not is_list):
            raise ValueError
        into[last] = values if is_list else values[0]
    except (AttributeError, TypeError, ValueError):
        raise InvalidRequest(
            'metadata: give it as a JSON object in a text, for instance {"room": "3A"}.',
            param="metadata",
        ) from None
