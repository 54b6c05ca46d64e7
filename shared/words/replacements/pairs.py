"""Pairs of what the recogniser writes and what is meant, and files of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from shared.models import MOST_PAIRS as MOST_PAIRS
from shared.text_folding import composed, fold
from shared.words.replacements.errors import (
    ListFull,
    ListUnreadable,
    NoPair,
    PairTwice,
    UnusablePair,
)

LONGEST = 100
"""Characters of either side."""

MAX_FILE_BYTES = 2 * 2**20
"""The limit of a file. Real ones of so many pairs have a twentieth."""

_SEPARATOR = re.compile("=>|→")


class Pair(NamedTuple):
    """`wrong` is written as `right`. Equal sides keep the words as they are, where a shorter pair
    or everybody's list would change them."""

    wrong: str
    right: str

    @property
    def key(self) -> str:
        """Text that is searched for: `wrong` without the difference of case and of width."""
        return fold(self.wrong)


def checked_pair(wrong: str, right: str, *, line: int | None = None) -> Pair:
    """A pair as it is stored, with single spaces. Raises UnusablePair."""
    return Pair(_checked("wrong", wrong, line), _checked("right", right, line))


def _checked(side: str, text: str, line: int | None) -> str:
    text = " ".join(composed(text).split())  # a NUL is a space of composed text
    fits = len(text) <= LONGEST and text.isprintable() and any(map(str.isalnum, text))
    if not fits or len(fold(text)) != len(text):
        raise UnusablePair(line=line, param=None if line else side)
    return text


def read_pairs(file: bytes) -> list[Pair]:
    """Read a list from a text file, a pair a line: wrong, a tab or =>, right.

    Empty lines and those that begin with # are passed over; behind a tab, # begins a side.  The
    file is in UTF-8, or in GB18030 as editors on a Chinese Windows save it.  Raises PairRefused,
    with the line where there is one.
    """
    if len(file) > MAX_FILE_BYTES:
        raise ListUnreadable
    found: dict[str, Pair] = {}
    for number, line in enumerate(_decoded(file).splitlines(), start=1):
        is_note = line.lstrip().startswith("#") and not line.startswith("\t")
        if is_note or not line.strip():
            continue
        pair = _read_line(number, line)
        if found.setdefault(pair.key, pair).right != pair.right:
            raise PairTwice(line=number)
        if len(found) > MOST_PAIRS:
            raise ListFull(line=number)
    return list(found.values())


def write_pairs(pairs: Iterable[Pair]) -> str:
    """The text of a file that `read_pairs` reads back."""
    return "".join(map(_line_of, pairs))


def _line_of(pair: Pair) -> str:
    begin = "\t" if pair.wrong.startswith("#") else ""
    return f"{begin}{pair.wrong}\t{pair.right}\n"


def _read_line(number: int, line: str) -> Pair:
    # A tab separates whatever else stands in the line: => as a part of a side, for instance.
    parts = line.split("\t") if "\t" in line.strip() else _SEPARATOR.split(line)
    sides = [part for part in parts if part.strip()]
    if len(sides) != 2:
        raise NoPair(line=number)
    return checked_pair(*sides, line=number)


def _decoded(file: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return file.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ListUnreadable
