"""From tokens to words, written as FunASR's `sentence_postprocess` writes them.

Chinese stays character by character, pieces of an English word ('ga@@', 'te@@', 'way') become one,
and letters said one after another become an acronym ('a', 'p', 'i' give 'API').  FunASR loses
count of the times after an unknown token and drops a word whose last piece is missing; here every
token carries its own time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.transcript import Word
from worker.engine.timestamps import Milliseconds

SPECIAL = frozenset({"<blank>", "<s>", "</s>", "<unk>", "<OOV>"})
CONTINUES = "@@"


def words_from_tokens(tokens: Sequence[str], times: Sequence[Milliseconds]) -> tuple[Word, ...]:
    """Words with seconds from the start of the span. One time for each token."""
    timed = [
        (token, start, end)
        for token, (start, end) in zip(tokens, times, strict=True)
        if token not in SPECIAL
    ]
    return tuple(
        Word(text, start / 1000, end / 1000) for text, start, end in _acronyms(_join_pieces(timed))
    )


Timed = tuple[str, int, int]


def _join_pieces(tokens: Iterable[Timed]) -> list[Timed]:
    words: list[Timed] = []
    is_open = False
    for token, start, end in tokens:
        piece = token.replace(CONTINUES, "").replace(" ", "")
        continues = is_open and _is_alphabetic(piece)
        if continues:
            text, start, _ = words.pop()
            piece = text + piece
        words.append((piece, start, end))
        is_open = CONTINUES in token
    return [word for word in words if word[0]]


def _acronyms(words: Sequence[Timed]) -> list[Timed]:
    joined: list[Timed] = []
    letters: list[Timed] = []

    def close() -> None:
        if len(letters) > 1:
            text = "".join(letter for letter, _, _ in letters).upper()
            joined.append((text, letters[0][1], letters[-1][2]))
        else:
            joined.extend(letters)
        letters.clear()

    for word in words:
        if len(word[0]) == 1 and word[0].isascii() and word[0].isalpha():
            letters.append(word)
            continue
        close()
        joined.append(word)
    close()
    return joined


def _is_alphabetic(piece: str) -> bool:
    return bool(piece) and all(c == "'" or (c.isalpha() and not _is_chinese(c)) for c in piece)


def _is_chinese(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"
