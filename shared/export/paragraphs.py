"""Sentences grouped for reading, at pauses and before they grow too long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.export.options import ExportOptions
from shared.export.punctuation import goes_on_after_space, without_marks
from shared.export.sanitise import printable
from shared.export.spacing import spaced
from shared.export.width import cells
from shared.transcripts.values import Sentence, Transcript

LONG_PAUSE_S = 3.0
"""A silence after which something else begins, whatever was before."""

PAUSE_S = 0.8
"""A breath between two thoughts; enough to end a paragraph that has its length."""

ENOUGH_CELLS = 200
"""A hundred Chinese characters, about five lines of a page: a paragraph may end at a pause."""

MOST_CELLS = 560
"""And ends after the sentence that passes this, a third of a page, though nobody paused."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`first` is the index of its first sentence; times in seconds."""

    first: int
    sentences: tuple[Sentence, ...]

    @property
    def start(self) -> float:
        return self.sentences[0].start

    @property
    def end(self) -> float:
        return self.sentences[-1].end


def paragraphs(transcript: Transcript, options: ExportOptions) -> Iterator[Paragraph]:
    """The sentences in groups, or each alone where no paragraphs are asked for."""
    group: list[Sentence] = []
    first = length = 0
    for number, sentence in enumerate(transcript.sentences):
        if group and (not options.paragraphs or _ends(group[-1], sentence, length)):
            yield Paragraph(first, tuple(group))
            group, first, length = [], number, 0
        group.append(sentence)
        length += cells(sentence.text)
    if group:
        yield Paragraph(first, tuple(group))


def _ends(before: Sentence, after: Sentence, length: int) -> bool:
    pause = after.start - before.end
    return (
        before.speaker != after.speaker
        or pause >= LONG_PAUSE_S
        or length >= MOST_CELLS
        or (length >= ENOUGH_CELLS and pause >= PAUSE_S)
    )


def written(sentences: Sequence[Sentence], options: ExportOptions) -> str:
    """Sentences on one line, as the options want their text."""
    return polished(_joined(printable(sentence.text) for sentence in sentences), options)


def polished(text: str, options: ExportOptions) -> str:
    """One line of text with or without marks and spacing."""
    if not options.punctuation:
        text = without_marks(text)
    return spaced(text) if options.spacing else text


def _joined(texts: Iterable[str]) -> str:
    line = ""
    for text in filter(None, texts):
        line += " " * bool(line and goes_on_after_space(line, text)) + text
    return line
