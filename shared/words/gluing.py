"""Putting what a rule writes between what it leaves."""

from __future__ import annotations

from shared.transcripts.realign import is_han_or_kana


def glued(left: str, right: str) -> str:
    """Both, with a space between two words that would become one."""
    apart = left and right and _spells_words(left[-1]) and _spells_words(right[0])
    return f"{left} {right}" if apart else left + right


def _spells_words(character: str) -> bool:
    return character.isalnum() and not is_han_or_kana(character)
