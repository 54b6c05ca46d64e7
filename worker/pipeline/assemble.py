"""Assembly of sentences from recognised words and their punctuation marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.speakers.names import default_name
from shared.transcripts.confidence import LOW_CONFIDENCE_SHARE, low_confidence_share
from shared.transcripts.overlap import times_at_once
from shared.transcripts.values import Sentence, Transcript, Word, is_hangul, join_text

SENTENCE_END = frozenset("。？！.?!")
"""Marks that end a sentence."""

_MARKS = "，。？！、；：,.?!;:"
"""Marks that a recogniser which punctuates puts at the end of a word."""

SENTENCE_PAUSE_S = 3.0
"""A silence this long ends a sentence even where the model puts no full stop: nobody reads a
subtitle that waits so long in the middle."""

READABLE_PAUSE_S = 0.6
"""Seconds of a pause that divides where there are no marks at all: long enough not to cut most
clauses, and shorter than the silence that ends a segment, so that lines are as long as people
breathe."""

_FULL_WIDTH = {",": "，", ".": "。", "?": "？", "!": "！"}
"""The model puts an ASCII mark after every English word, also after a term in a Chinese sentence,
where a full-width one is written."""

NO_SPEECH = "no_speech"
"""The warning of a recording in which nobody speaks."""

PUNCTUATION_FAILED = "punctuation_failed"
"""The warning of a transcript without marks."""


REPETITION_CUT = "repetition_cut"
"""The warning of a transcript in which a model that writes token after token lost its place."""

LOW_CONFIDENCE = "low_confidence"
"""The warning of a transcript that may be wrong in many places."""


def assemble(
    words: Sequence[Word],
    marks: Sequence[str] | None,
    *,
    turns: Sequence[tuple[int, str | None]] = (),
    speakers: Sequence[int | None] | None = None,
    duration: float,
    language: str,
    model: str,
    warnings: Sequence[str] = (),
    low_confidence: float = 0.0,
) -> Transcript:
    """Group words into sentences.

    `marks` has one entry a word: the punctuation after it, or ''.  Raises ValueError if not.
    None: there is no punctuation, and pauses alone divide.  A word whose confidence is below
    `low_confidence` counts as doubtful.  `turns`: the index of the first word of each speaker who
    was heard by himself, and his name; his words are in order of time, and the sentences of all
    are put in order.  `speakers`: who speaks each word, where voices were told apart; where another
    speaks, a sentence ends.
    """
    found = list(warnings)
    pause_s = SENTENCE_PAUSE_S
    if marks is None:
        found.append(PUNCTUATION_FAILED)
        marks = [""] * len(words)
        pause_s = READABLE_PAUSE_S
    if len(marks) != len(words):
        raise ValueError(f"{len(words)} words but {len(marks)} marks")
    if speakers is not None and len(speakers) != len(words):
        raise ValueError(f"{len(words)} words but {len(speakers)} speakers")
    names = _names(speakers, language)
    sentences: list[Sentence] = []
    begins = [index for index, _ in turns]
    speaker: str | None = None
    start = 0
    for index, word in enumerate(words):
        if index in begins:
            # The last of them: a speaker who says nothing begins where the next one does.
            speaker = [name for first, name in turns if first == index][-1]
        if names:
            speaker = names[index]
        last = index + 1 == len(words) or index + 1 in begins
        if (
            last
            or (names and names[index + 1] != speaker)
            or marks[index][-1:] in SENTENCE_END
            or words[index + 1].start - word.end >= pause_s
        ):
            ends = slice(start, index + 1)
            sentences.append(_sentence(words[ends], marks[ends], speaker))
            start = index + 1
    if len(turns) > 1:
        sentences.sort(key=lambda sentence: sentence.start)
    if not words:
        found.append(NO_SPEECH)
    doubtful = low_confidence_share(words, low_confidence)
    if doubtful is not None and doubtful >= LOW_CONFIDENCE_SHARE:
        found.append(LOW_CONFIDENCE)
    return Transcript(
        duration=duration,
        language=language,
        model=model,
        sentences=tuple(sentences),
        warnings=tuple(found),
        low_confidence_share=doubtful,
        at_once=_times_at_once(words, turns),
    )


def _times_at_once(
    words: Sequence[Word], turns: Sequence[tuple[int, str | None]]
) -> tuple[tuple[float, float], ...] | None:
    """Times at which two speak at once; None where they are not known because all are heard
    together."""
    if len(turns) < 2:
        return None
    ends = [*(first for first, _name in turns[1:]), len(words)]
    return times_at_once(
        (name, words[first:end]) for (first, name), end in zip(turns, ends, strict=True)
    )


def _names(speakers: Sequence[int | None] | None, language: str) -> list[str | None]:
    """Name of each word's speaker until a person gives one: by number, in the order in which their
    first words are said."""
    numbers: dict[int, int] = {}
    return [
        None
        if speaker is None
        else default_name(numbers.setdefault(speaker, len(numbers) + 1), language)
        for speaker in speakers or ()
    ]


def split_marks(words: Sequence[Word]) -> tuple[list[Word], list[str]]:
    """The words of a recogniser that punctuates without their marks, and the marks, '' for none."""
    bare = [word.word.rstrip(_MARKS) for word in words]
    marks = [word.word[len(text) :] for word, text in zip(words, bare, strict=True)]
    return [replace(word, word=text) for word, text in zip(words, bare, strict=True)], marks


def _is_written_in_full_width(word: Word) -> bool:
    """Return whether a word is Chinese or Japanese; Korean has the marks of English."""
    return not all(character.isascii() or is_hangul(character) for character in word.word)


def _sentence(words: Sequence[Word], marks: Sequence[str], speaker: str | None) -> Sentence:
    full_width = any(map(_is_written_in_full_width, words))
    pieces = []
    for index, (word, mark) in enumerate(zip(words, marks, strict=True)):
        english_goes_on = index + 1 < len(words) and words[index + 1].word.isascii()
        if full_width and not english_goes_on:
            mark = _FULL_WIDTH.get(mark, mark)
        pieces.append(word.word + mark)
    return Sentence(
        start=words[0].start,
        end=words[-1].end,
        text=join_text(pieces),
        words=tuple(words),
        speaker=speaker,
    )
