"""The grams of a text: what the search index keeps of it, each as a number.

Chinese has no spaces to tell words by, so every two characters that stand side by side are a gram,
and every single one, for a search may be for one character.  Two Latin letters stand side by side
in nearly every text, so of letters and signs below the Chinese ones three are a gram too.  No gram
has a space in it, for no word that is searched has one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import pairwise
from operator import add
from zlib import crc32

_NARROW = re.compile("[\x21-\u2e7f]{3,}")
"""Latin letters, digits, signs and the other alphabets, up to where Chinese signs begin."""

_PAIR_BITS, _TRIPLE_BITS = 21, 14
_TRIPLE, _OWNER = 1 << 42, 1 << 43

_MOST_ASKED = 24
"""Grams of one query. More narrow down nothing further, and each is a list to read."""


def grams_of(texts: Iterable[str]) -> set[int]:
    """Set of all grams of these folded texts."""
    found: set[str] = set()
    for text in texts:
        for piece in text.split():
            found.update(piece)
            found.update(map(add, piece, piece[1:]))
            for run in _NARROW.findall(piece):
                found.update(map(add, map(add, run, run[1:]), run[2:]))
    return set(map(_number, found))


def grams_needed(terms: Collection[str]) -> list[int]:
    """Grams that each text has in which all of these folded words, without spaces, occur."""
    needed = dict.fromkeys(_number(gram) for term in terms for gram in _covering(term))
    if len(needed) <= _MOST_ASKED:
        return list(needed)
    step = len(needed) / _MOST_ASKED
    kept = list(needed)
    return [kept[int(n * step)] for n in range(_MOST_ASKED)]


def gram_of_owner(owner_id: str) -> int:
    """A gram that every job of an owner has, beside those of its texts."""
    return _OWNER | crc32(owner_id.encode())


def _covering(term: str) -> list[str]:
    """The longest grams of a word that together have all of its characters, in order."""
    if len(term) == 1:
        return [term]
    triples = {
        start for run in _NARROW.finditer(term) for start in range(run.start(), run.end() - 2)
    }
    grams = []
    for start, (first, second) in enumerate(pairwise(term)):
        if start in triples:
            grams.append(term[start : start + 3])
        elif start - 1 not in triples:
            grams.append(first + second)
    return grams


def _number(gram: str) -> int:
    if len(gram) == 1:
        return ord(gram)
    if len(gram) == 2:
        return ord(gram[0]) << _PAIR_BITS | ord(gram[1])
    first, second, third = map(ord, gram)
    return _TRIPLE | first << 2 * _TRIPLE_BITS | second << _TRIPLE_BITS | third
