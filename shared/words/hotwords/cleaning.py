"""Cleaning of hotwords that people give: a list of words, or a text with one a line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from shared.words.hotwords.bounds import LONGEST_WORD as LONGEST_WORD
from shared.words.hotwords.bounds import MOST_WORDS as MOST_WORDS
from shared.words.hotwords.errors import HotwordTooLong, TooManyHotwords, UnreadableHotword

_WEIGHTED = re.compile(r"(.*\S)\s+[0-9]{1,3}")
"""A line of FunASR's lists: a word, and how much it is preferred."""

_LONGEST_TEXT = 2**21
"""Characters of a text, six times those of the most and longest words."""

_LONGEST_GIVEN = 10 * LONGEST_WORD
"""Characters that a word is looked at with: NFKC makes at most 18 of one, and mostly fewer."""


@dataclass(frozen=True, slots=True)
class ReadWords:
    """Words as they were read from a text."""

    words: tuple[str, ...]
    """Words, sorted, each once."""
    weights: int = 0
    """Number of lines that had a weight, which was taken off."""


def read_words(text: str, *, kept: Collection[str] = ()) -> ReadWords:
    """Read a text with one word a line; `kept` are the words of the list that it was made from.

    Where every line ends in a whole number, as in FunASR's lists, these are weights and are taken
    off; in any other text, and in one with a line of `kept`, a number is part of its word
    ('Windows 11').  Raises what `clean_words` raises.

    >>> read_words("达摩院 20\\n阿里巴巴 30\\n")
    ReadWords(words=('达摩院', '阿里巴巴'), weights=2)
    >>> read_words("Windows 11\\n阿里巴巴").words
    ('Windows 11', '阿里巴巴')
    """
    if len(text) > _LONGEST_TEXT:
        raise TooManyHotwords(param="hotwords")
    lines = [line for line in map(str.strip, text.lstrip("\ufeff").splitlines()) if line]
    weighted = [_WEIGHTED.fullmatch(line) for line in lines]
    bare = [found[1] for found in weighted if found]
    if bare and len(bare) == len(lines) and not set(lines).intersection(kept):
        return ReadWords(clean_words(bare), len(bare))
    return ReadWords(clean_words(lines))


def clean_words(given: Iterable[str]) -> tuple[str, ...]:
    """Bring words into one form: NFKC, white space as one space and none around, nothing that
    cannot be seen; sorted, each once.  What has no letter and no digit is no word and is left out.

    Raises TooManyHotwords, HotwordTooLong or UnreadableHotword.
    """
    words: set[str] = set()
    for one in dict.fromkeys(given):  # a million times the same costs nothing
        word = _clean(one)
        if word:
            words.add(word)
        if len(words) > MOST_WORDS:
            raise TooManyHotwords(param="hotwords")
    return tuple(sorted(words))


def _clean(given: str) -> str:
    if len(given) > _LONGEST_GIVEN:
        raise _too_long(given)
    try:
        given.encode()
    except UnicodeEncodeError:
        raise UnreadableHotword(param="hotwords") from None
    composed = unicodedata.normalize("NFKC", given)
    seen = "".join(_visible(character) for character in composed)
    word = " ".join(seen.split())
    if len(word) > LONGEST_WORD:
        raise _too_long(word)
    return word if any(map(str.isalnum, word)) else ""


def _visible(character: str) -> str:
    """The character; a space for a control, and nothing for what only steers the display."""
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if category == "Cf" else character


def _too_long(word: str) -> HotwordTooLong:
    return HotwordTooLong(
        f"The hotword '{word[:20]}…' has more than {LONGEST_WORD} characters. Write one word or "
        "name a line.",
        param="hotwords",
    )
