"""Joining of the texts that rules write with the text around them."""

from __future__ import annotations

from collections.abc import Iterable

from shared.transcripts.realign import is_han_or_kana


def rewritten(text: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """The text with other words from a start to an end, from left to right, and a space between
    two words that would become one."""
    pieces: list[str] = []
    last = ""
    copied = 0
    for start, end, words in changes:
        for piece in (text[copied:start], words):
            if _run_together(last, piece[:1]):
                pieces.append(" ")
            pieces.append(piece)
            last = piece[-1:] or last
        copied = end
    rest = text[copied:]
    if _run_together(last, rest[:1]):
        pieces.append(" ")
    return "".join([*pieces, rest])


def _run_together(left: str, right: str) -> bool:
    return bool(left and right) and _spells_words(left) and _spells_words(right)


def _spells_words(character: str) -> bool:
    return character.isalnum() and not is_han_or_kana(character)
