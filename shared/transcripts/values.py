"""A transcript as plain values, the one shape that the worker writes and the exports read.

Times are seconds from the start of the recording.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import accumulate
from math import inf
from typing import Any

SAMPLE_RATE = 16_000
"""Samples a second of all audio here, in and out; what Paraformer and FSMN-VAD expect."""
SAMPLE_BYTES = 2
DECODED_BYTES_A_SECOND = SAMPLE_RATE * SAMPLE_BYTES
"""Bytes of a second of a recording in the work folder."""


class Version(StrEnum):
    """Version of a transcript's text."""

    CURRENT = "current"
    """Text with what people have corrected."""
    RECOGNISED = "recognised"
    """Text as the model wrote it, for good."""


class Rule(StrEnum):
    """Rule that changes a finished transcript without a person."""

    REPLACEMENTS = "replacements"
    """The lists of wrong and right words."""
    NUMBERS = "numbers"
    """Spoken numbers, written in digits."""


@dataclass(frozen=True, slots=True)
class Word:
    """Chinese character or English word, with the time in which it is spoken, in seconds."""

    word: str
    start: float
    end: float
    confidence: float | None = None
    """The probability that the network gave it, 0 to 1; None for what a person wrote, and in
    transcripts from before there was one."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Speech of one speaker up to a full stop, question mark or long pause.

    Corrections do not change its place: `n` counts the recognised sentences from 0, then those that
    people split off, and is known of one that was read from the database.  `revision` 0 is the
    recognised text.  A sentence without text was removed by a correction, and a later one may bring
    it back.
    """

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()
    speaker: str | None = None
    n: int | None = field(default=None, compare=False)
    revision: int = 0
    corrected: bool = False
    """True if its text differs from the recognised one."""
    rule: Rule | None = None
    """Rule that made its present text; None for the recognised one and for what a person wrote."""
    origin: int | None = None
    """Recognised sentence that a sentence which was split off belonged to."""
    retimed: bool = False
    """A person said when it begins and ends."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """The result of a job. `text` is one sentence a line when written as plain text."""

    duration: float
    language: str
    model: str
    sentences: tuple[Sentence, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    low_confidence_share: float | None = None
    """Share of the recognised words whose confidence is below LONGSCRIBE_LOW_CONFIDENCE; None
    without words, and where the recogniser gives no confidence."""
    at_once: tuple[tuple[float, float], ...] | None = None
    """Times at which two or more speak at once, in order, as (start, end) in seconds; None where
    nobody was heard by himself."""

    @property
    def text(self) -> str:
        return join_text(sentence.text for sentence in self.sentences)

    def in_order(self) -> Transcript:
        """Put the sentences in the order in which they are said, where people split or moved some;
        without those that became part of another."""
        moved = sorted((s.start, s.end) for s in self.sentences if s.retimed and s.text)
        if not moved and all(s.origin is None for s in self.sentences):
            return self
        ends = list(accumulate((end for _, end in moved), max))

        def became_part(sentence: Sentence) -> bool:
            """Return whether all of a sentence's time belongs to one that was moved."""
            begun = bisect_right(moved, (sentence.start, inf))
            return begun > 0 and ends[begun - 1] >= sentence.end

        kept = [s for s in self.sentences if s.text or not (s.origin is not None or became_part(s))]
        return replace(self, sentences=tuple(sorted(kept, key=lambda s: s.start)))

    def without_removed(self) -> Transcript:
        """Leave out the sentences that a correction removed, as files and copies do, and put the
        others in order."""
        return replace(self, sentences=tuple(s for s in self.in_order().sentences if s.text))

    def to_json(self) -> dict[str, Any]:
        """The value stored in SQL, and the body of `transcript?format=json` less its job id."""
        return {
            "duration": self.duration,
            "language": self.language,
            "model": self.model,
            "text": self.text,
            "sentences": [
                {
                    "start": sentence.start,
                    "end": sentence.end,
                    "text": sentence.text,
                    "speaker": sentence.speaker,
                    "words": [_word_to_json(word) for word in sentence.words],
                }
                for sentence in self.sentences
            ],
            "warnings": list(self.warnings),
            "low_confidence_share": self.low_confidence_share,
            "at_once": None if self.at_once is None else [[*times] for times in self.at_once],
        }

    @classmethod
    def read(cls, stored: str, *, words: bool = True) -> Transcript:
        """Read the JSON text of what `to_json` gave; without the words where only text is wanted.

        Each word is made or dropped as it is parsed: of six hours the dictionaries of all words
        would take as much memory as everything else that a web process holds of a transcript.
        """
        hook = _word_or_other if words else _nothing_or_other
        return cls.from_json(json.loads(stored, object_hook=hook))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Transcript:
        return cls(
            duration=value["duration"],
            language=value["language"],
            model=value["model"],
            sentences=tuple(
                Sentence(
                    start=sentence["start"],
                    end=sentence["end"],
                    text=sentence["text"],
                    speaker=sentence.get("speaker"),
                    words=tuple(
                        word if isinstance(word, Word) else _word(word)
                        for word in sentence["words"]
                        if word is not None
                    ),
                    n=n,
                )
                for n, sentence in enumerate(value["sentences"])
            ),
            warnings=tuple(value["warnings"]),
            low_confidence_share=value.get("low_confidence_share"),
            at_once=None
            if (at_once := value.get("at_once")) is None
            else tuple((start, end) for start, end in at_once),
        )


def _word_to_json(word: Word) -> dict[str, Any]:
    """A word as JSON, without a confidence where there is none."""
    value = {"word": word.word, "start": word.start, "end": word.end}
    if word.confidence is not None:
        value["confidence"] = word.confidence
    return value


_ONE_OBJECT_EACH = {n / 100: n / 100 for n in range(101)}
"""Confidences as they are kept, so that the words of six hours do not hold a float each."""


def _word(value: dict[str, Any]) -> Word:
    confidence = value.get("confidence")
    shared = _ONE_OBJECT_EACH.get(confidence, confidence) if confidence is not None else None
    # By place: a page of five hours makes 60,000 of them.
    return Word(value["word"], value["start"], value["end"], shared)


def _word_or_other(value: dict[str, Any]) -> Word | dict[str, Any]:
    return _word(value) if "word" in value else value


def _nothing_or_other(value: dict[str, Any]) -> dict[str, Any] | None:
    return None if "word" in value else value


CHINESE = frozenset({"zh", "yue"})
"""Codes of languages that Chinese readers read."""


def is_hangul(character: str) -> bool:
    """Return whether a character is a Korean syllable or letter. Korean is written with spaces."""
    return "\uac00" <= character <= "\ud7a3" or "\u3131" <= character <= "\u318e"


def _is_spaced(character: str) -> bool:
    """Return whether a character belongs to words that are separated by spaces."""
    if character.isascii():
        return character.isalnum() or character in "'-_"
    return is_hangul(character)


def join_text(pieces: Iterable[str]) -> str:
    """Glue pieces of text as they are written: a space between two words that are English or
    Korean, none else.

    >>> join_text(["我", "们", "用", "API", "gateway", "吧"])
    '我们用API gateway吧'
    >>> join_text(["오늘", "API를", "씁니다."])
    '오늘 API를 씁니다.'
    """
    text = ""
    for piece in pieces:
        if text and piece and _ends_spaced(text) and _is_spaced(piece[0]):
            text += " "
        text += piece
    return text


def _ends_spaced(text: str) -> bool:
    # ASCII punctuation after an English word still wants a space before the next one.
    return _is_spaced(text[-1]) or text[-1] in ".,?!;:"
