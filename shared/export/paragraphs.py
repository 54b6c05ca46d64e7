"""Paragraphs: sentences grouped at pauses and up to a maximum length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.export.options import ExportOptions
from shared.export.typography.display_width import display_width
from shared.export.typography.punctuation import needs_space_between, without_punctuation
from shared.export.typography.sanitise import printable
from shared.export.typography.spacing import spaced
from shared.transcripts.values import Sentence, Transcript

TOPIC_PAUSE_S = 3.0
"""A pause that ends a paragraph of any length, in seconds."""

PAUSE_S = 0.8
"""A pause that ends a paragraph of MIN_CELLS or more, in seconds."""

MIN_CELLS = 200
"""The length from which a short pause ends a paragraph: 100 Chinese characters, five lines."""

MAX_CELLS = 560
"""The length after which a paragraph ends without a pause: a third of a page."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences of one speaker; `first` is the index of the first one, times are in seconds."""

    first: int
    sentences: tuple[Sentence, ...]

    @property
    def start(self) -> float:
        return self.sentences[0].start

    @property
    def end(self) -> float:
        return self.sentences[-1].end

    @property
    def speaker(self) -> str | None:
        return self.sentences[0].speaker


def paragraphs(transcript: Transcript, options: ExportOptions) -> Iterator[Paragraph]:
    """Group the sentences, or yield each alone where the options ask for no paragraphs."""
    group: list[Sentence] = []
    first = length = 0
    for number, sentence in enumerate(transcript.sentences):
        if group and (not options.paragraphs or _ends(group[-1], sentence, length)):
            yield Paragraph(first, tuple(group))
            group, first, length = [], number, 0
        group.append(sentence)
        length += display_width(sentence.text)
    if group:
        yield Paragraph(first, tuple(group))


def _ends(before: Sentence, after: Sentence, length: int) -> bool:
    pause = after.start - before.end
    return (
        before.speaker != after.speaker
        or pause >= TOPIC_PAUSE_S
        or length >= MAX_CELLS
        or (length >= MIN_CELLS and pause >= PAUSE_S)
    )


def join_sentences(sentences: Sequence[Sentence], options: ExportOptions) -> str:
    """Join sentences to one line of text, with the options applied."""
    return styled(_joined(printable(sentence.text) for sentence in sentences), options)


def styled(text: str, options: ExportOptions) -> str:
    """Apply the options of punctuation and spacing to a line of text."""
    if not options.punctuation:
        text = without_punctuation(text)
    return spaced(text) if options.spacing else text


def _joined(texts: Iterable[str]) -> str:
    line = ""
    for text in filter(None, texts):
        line += " " * bool(line and needs_space_between(line, text)) + text
    return line
