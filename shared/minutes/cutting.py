"""Transcripts in parts that fit into a model's window, cut between sentences."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from shared.minutes.tokens import MOST_OF_A_CHARACTER, estimated_tokens
from shared.transcripts.values import Transcript

_LEAST_PIECE = 20
"""Characters of a piece of a sentence that alone is larger than a part."""


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence as the model reads it, or a piece of one that is very long."""

    n: int
    """Place of the sentence in the transcript."""
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive lines that are asked about at once."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def sentences(self) -> frozenset[int]:
        """The places of its sentences."""
        return frozenset(line.n for line in self.lines)

    def halves(self) -> tuple[Part, Part] | None:
        """Divide into two parts of about half the tokens each; None of a single line."""
        if len(self.lines) < 2:
            return None
        half = sum(line.tokens for line in self.lines) / 2
        middle, so_far = 1, self.lines[0].tokens
        while middle < len(self.lines) - 1 and so_far < half:
            so_far += self.lines[middle].tokens
            middle += 1
        return Part(self.lines[:middle]), Part(self.lines[middle:])


def cut(transcript: Transcript, most_tokens: int) -> list[Part]:
    """The transcript in as few parts of at most `most_tokens` as it takes, of about equal size.
    Sentences without text are left out and keep their numbers."""
    lines = list(_lines(transcript, most_tokens))
    total = sum(line.tokens for line in lines)
    wanted = ceil(total / max(1, ceil(total / most_tokens)))
    parts: list[Part] = []
    held: list[Line] = []
    tokens = 0
    for line in lines:
        if held and (tokens + line.tokens > most_tokens or tokens >= wanted):
            parts.append(Part(tuple(held)))
            held, tokens = [], 0
        held.append(line)
        tokens += line.tokens
    if held:
        parts.append(Part(tuple(held)))
    return parts


def _lines(transcript: Transcript, most_tokens: int) -> Iterator[Line]:
    for place, sentence in enumerate(transcript.in_order().sentences):
        n = place if sentence.n is None else sentence.n
        text = " ".join(sentence.text.split())
        if not text:
            continue
        said = f"[{n}] {sentence.speaker}: " if sentence.speaker else f"[{n}] "
        whole = said + text
        if estimated_tokens(whole) + 1 <= most_tokens:
            yield _line(n, whole)
            continue
        # In pieces that are within bounds whatever they are made of.
        room = most_tokens - estimated_tokens(said) - 2
        length = max(_LEAST_PIECE, int(room / MOST_OF_A_CHARACTER))
        for start in range(0, len(text), length):
            yield _line(n, said + text[start : start + length])


def _line(n: int, text: str) -> Line:
    return Line(n, text, estimated_tokens(text) + 1)  # the line break


def transcript_digest(transcript: Transcript) -> str:
    """Digest of a transcript's text and speakers, by which minutes are known to be made from
    them."""
    said: Sequence[tuple[str, str | None]] = [(s.text, s.speaker) for s in transcript.sentences]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
