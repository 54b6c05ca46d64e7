"""Conversion of SentencePiece's pieces to words with their punctuation marks.

A piece that begins with '▁' stands behind a space.  Without a space pieces belong together as far
as they are of a script that writes spaces (Latin with its digits and signs, Hangul): '▁ga', 'te',
'way' are one word, and so are "don't", '3.5' and '85,000'.  Chinese and Japanese stay piece by
piece.  A mark goes to the word before it, an opening bracket to the word behind it.

FunASR joins letters of English only: marks, apostrophes, digits and the pieces of a Korean word
each become a word of their own there, with times, and a first word keeps its '▁'.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from shared.transcripts.values import Word
from worker.engine.family import CONFIDENCE_DIGITS
from worker.engine.networks.heard_token import HeardToken

SPACE = "▁"

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
"""A piece for a byte of UTF-8: where a model has them, they spell what no other piece does."""

_ASCII_MARKS = frozenset(",.?!;:")
_OPENING = frozenset({"Ps", "Pi"})
"""Categories of Unicode: opening brackets, opening quotes."""
_FULL_WIDTH_OR_IDEOGRAPHIC = (
    ("\u2e80", "\u303f"),  # radicals, and the marks 、。「」
    ("\u3040", "\u312f"),  # kana, bopomofo
    ("\u31c0", "\u4dbf"),  # strokes, kana's extensions, ideographs
    ("\u4e00", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\ufe30", "\ufe4f"),
    ("\uff00", "\uff9f"),  # ，？！ and the kana of half width
    ("\U00020000", "\U0003ffff"),
)


@dataclass(slots=True)
class _OpenWord:
    text: str
    tokens: list[HeardToken] = field(default_factory=list)
    marks: str = ""

    def word(self) -> Word:
        probability = math.prod(token.probability for token in self.tokens)
        return Word(
            self.text + self.marks,
            self.tokens[0].start_ms / 1000,
            self.tokens[-1].end_ms / 1000,
            round(min(1.0, probability), CONFIDENCE_DIGITS),
        )


def words_from_pieces(pieces: Iterable[tuple[str, HeardToken]]) -> tuple[Word, ...]:
    """Words with seconds from the start of the span; tags and unknown pieces left out beforehand.

    A word lasts from its first piece to its last one, its mark not counted, and its confidence is
    the product of their probabilities.  Marks before the first word are dropped.
    """
    words: list[_OpenWord] = []
    space_before = False
    for piece, token in _spelt(pieces):
        space_before |= piece.startswith(SPACE)
        text = piece.replace(SPACE, "")
        if not text:
            continue
        if all(map(_is_mark, text)):
            if words:
                words[-1].marks += text
        elif words and not space_before and _belongs(words[-1], text):
            before = words[-1]
            before.text += before.marks + text
            before.marks = ""
            before.tokens.append(token)
        else:
            words.append(_OpenWord(text, [token]))
        space_before = False
    return tuple(word.word() for word in words)


def _spelt(pieces: Iterable[tuple[str, HeardToken]]) -> Iterator[tuple[str, HeardToken]]:
    """The pieces, bytes that follow each other joined into the characters that they spell; '\ufffd'
    for those that spell none."""
    spelling: list[tuple[int, HeardToken]] = []
    for piece, token in pieces:
        if byte := _BYTE.fullmatch(piece):
            spelling.append((int(byte[1], 16), token))
            continue
        if spelling:
            yield _character(spelling)
            spelling = []
        yield piece, token
    if spelling:
        yield _character(spelling)


def _character(spelling: list[tuple[int, HeardToken]]) -> tuple[str, HeardToken]:
    text = bytes(byte for byte, _ in spelling).decode(errors="replace")
    first, last = spelling[0][1], spelling[-1][1]
    probability = math.prod(token.probability for _, token in spelling)
    return text, HeardToken(first.token, first.start_ms, last.end_ms, probability)


def _belongs(before: _OpenWord, text: str) -> bool:
    """Return whether `text`, with no space before it, belongs to the same word."""
    if all(map(_opens, before.text)) and not before.marks:
        return True
    written = before.text[-1] + before.marks + text[0]
    return not any(map(_is_full_width, written))


def _is_mark(character: str) -> bool:
    """Return whether a character is a mark that belongs to the text before it, with a space or
    without."""
    if character in _ASCII_MARKS:
        return True
    if _opens(character) or not _is_full_width(character):
        return False
    return unicodedata.category(character).startswith("P")


def _opens(character: str) -> bool:
    return unicodedata.category(character) in _OPENING


def _is_full_width(character: str) -> bool:
    return any(first <= character <= last for first, last in _FULL_WIDTH_OR_IDEOGRAPHIC)
