"""Counting of the words that occur in a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from shared.text_folding import fold

MOST_FOUND = 1_000
"""Words that are listed of those that were found; all are counted."""

_WITHIN = re.compile(r"[\s·・'’“”\"-]+|(?<=[0-9a-z])[.,:](?=[0-9a-z])")
"""Characters that may stand within a name: 'Node.js', '张·三丰'."""

_BETWEEN = re.compile(r" *[，。？！、；：,.?!;:]+ *")
"""Marks that end a clause, over which no word goes."""

_IDEOGRAPHIC = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_SPACE_BESIDE_IDEOGRAPH = re.compile(f"(?<=[{_IDEOGRAPHIC}]) | (?=[{_IDEOGRAPHIC}])")
_IS_IDEOGRAPH = re.compile(f"[{_IDEOGRAPHIC}]")


def count_found(words: Iterable[str], texts: Iterable[str]) -> list[tuple[str, int]]:
    """Count how often each word occurs in the texts, the most frequent first.

    Case and the width of letters do not count.  A word in letters stands by itself:
    'API' is not found in 'rapid'.  The time grows with the length of the texts, whatever the
    number of words.
    """
    by_key: dict[str, str] = {}
    lengths: dict[str, set[int]] = {}
    """Lengths of the words that begin alike: how many do costs nothing, for each length is looked
    up."""
    for word in words:
        key = _searched(word)
        if key:
            by_key.setdefault(key, word)
            lengths.setdefault(key[:2], set()).add(len(key))
    counts: Counter[str] = Counter()
    for text in texts:
        _count(by_key, lengths, _searched(text), counts)
    return sorted(counts.items(), key=lambda found: (-found[1], found[0]))


def _searched(text: str) -> str:
    """The text as it is compared: one clause a line, with what stands within a name as one space,
    and none beside a Chinese character."""
    spaced = _BETWEEN.sub("\n", _WITHIN.sub(" ", fold(text))).strip()
    return _SPACE_BESIDE_IDEOGRAPH.sub("", spaced)


def _count(
    by_key: dict[str, str], lengths: dict[str, set[int]], text: str, counts: Counter[str]
) -> None:
    free_from: dict[str, int] = {}
    """Place from which the next finding of a word may begin: one that lies over another is not
    counted."""
    for at in range(len(text)):
        for start in {text[at : at + 2], text[at]}:
            for length in lengths.get(start, ()):
                end = at + length
                key = text[at:end]
                if (
                    key in by_key
                    and at >= free_from.get(key, 0)
                    and not _cuts(text, at)
                    and not _cuts(text, end)
                ):
                    counts[by_key[key]] += 1
                    free_from[key] = end


def _cuts(text: str, at: int) -> bool:
    """Return whether a word of letters or digits goes on across this place."""
    return 0 < at < len(text) and _in_letters(text[at - 1]) and _in_letters(text[at])


def _in_letters(character: str) -> bool:
    return character.isalnum() and not _IS_IDEOGRAPH.match(character)
