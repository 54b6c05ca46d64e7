"""Conversion of tokens to words, written as FunASR's `sentence_postprocess` writes them.

Chinese stays character by character, pieces of an English word ('ga@@', 'te@@', 'way') become one,
and letters said one after another become an acronym ('a', 'p', 'i' give 'API').  FunASR loses
count of the times after an unknown token, drops a word whose last piece is missing and leaves the
'@@' after a digit in the text; here every token carries its own time and no piece is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from shared.transcripts.values import Word
from worker.engine.family import CONFIDENCE_DIGITS
from worker.engine.networks.special_tokens import SPACED, is_special
from worker.engine.paraformer.timestamps import Milliseconds

CONTINUES = "@@"


def words_from_tokens(
    tokens: Sequence[str], times: Sequence[Milliseconds], probabilities: Sequence[float]
) -> tuple[Word, ...]:
    """Words with seconds from the start of the span. One time and one probability for each token.

    A word's confidence is the product of its tokens' probabilities: the network decides each token
    on its own.
    """
    pieces = [
        _Piece(token, start, end, probability)
        for token, (start, end), probability in zip(tokens, times, probabilities, strict=True)
        if token == SPACED or not is_special(token)
    ]
    words: list[_Piece] = []
    for is_space, between in groupby(pieces, lambda piece: piece.text == SPACED):
        if not is_space:
            words += _acronyms(_joined(between))
    return tuple(word.word() for word in words)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A token, or several that became one word. Times in milliseconds."""

    text: str
    start: int
    end: int
    probability: float

    def word(self) -> Word:
        confidence = round(min(1.0, self.probability), CONFIDENCE_DIGITS)
        return Word(self.text, self.start / 1000, self.end / 1000, confidence)


def _together(pieces: Sequence[_Piece], text: str) -> _Piece:
    """Pieces in their order as one."""
    probability = math.prod(piece.probability for piece in pieces)
    return _Piece(text, pieces[0].start, pieces[-1].end, probability)


def _joined(pieces: Iterable[_Piece]) -> list[_Piece]:
    """Pieces that continue ('wi@@', '-@@', 'fi') become one word."""
    words: list[_Piece] = []
    is_open = False
    for token in pieces:
        text = token.text.replace(CONTINUES, "").replace(" ", "")
        goes_on = CONTINUES in token.text
        if is_open and _belongs_to_a_word(text, goes_on=goes_on):
            before = words.pop()
            words.append(_together([before, token], before.text + text))
        else:
            words.append(_together([token], text))
        is_open = goes_on
    return [word for word in words if word.text]


def _acronyms(words: Sequence[_Piece]) -> list[_Piece]:
    """Single letters in a row become one word in capitals."""
    joined: list[_Piece] = []
    letters: list[_Piece] = []

    def close() -> None:
        if len(letters) > 1:
            text = "".join(letter.text for letter in letters).upper()
            joined.append(_together(letters, text))
        else:
            joined.extend(letters)
        letters.clear()

    for word in words:
        if len(word.text) == 1 and word.text.isascii() and word.text.isalpha():
            letters.append(word)
            continue
        close()
        joined.append(word)
    close()
    return joined


def _belongs_to_a_word(piece: str, *, goes_on: bool) -> bool:
    """Return whether a piece can stand behind 'x@@'. A sign alone, as the & of 'r@@', '&', 'd',
    only joins where it says that it goes on itself ('-@@')."""
    is_written = goes_on or any(character.isalnum() or character == "'" for character in piece)
    return is_written and not any(map(_is_chinese, piece))


def _is_chinese(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"
