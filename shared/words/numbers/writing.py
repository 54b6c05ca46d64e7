"""Writing the numbers of a text in digits."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from shared.words.numbers.finding import NumberKind, spoken_numbers
from shared.words.text_joining import rewritten

_DIGITS = str.maketrans("零〇幺一二两三四五六七八九", "0011223456789")

_SINGLE = re.compile("零?[零一二两三四五六七八九]")
"""Pattern of one digit, or of a minute as 零五: the grammar leaves these as they are."""

_WRITTEN = re.compile(r"\d+(?:\.\d+)?(?:亿|万)?(?:\d+万?)?%?")


def written_numbers(text: str) -> str:
    """The text with its numbers in digits. All else stays as it is.

    >>> written_numbers("二零二六年三月五号，预算八十五万元，涨了百分之三点五，万一不够再说。")
    '2026年3月5号，预算85万元，涨了3.5%，万一不够再说。'
    """
    return rewritten(text, _changes(text))


def _changes(text: str) -> Iterator[tuple[int, int, str]]:
    for number in spoken_numbers(text):
        digits = _in_digits(number.spoken, number.kind)
        if digits is not None:
            yield number.start, number.end, digits


_one_at_a_time = threading.Lock()
"""Lock of the grammar: nothing says that several threads may ask it at once."""


@lru_cache(maxsize=4096)
def _in_digits(spoken: str, kind: NumberKind) -> str | None:
    """A number in digits; None where the grammar does not know it."""
    if kind is NumberKind.DIGITS:
        return spoken.translate(_DIGITS)
    tail = ""
    if kind is NumberKind.AMOUNT and spoken[-1] in "万亿":
        # Alone, 八十五万 is 850000 to the grammar, and before 元 it is 85万: the latter is read.
        spoken, tail = spoken[:-1], spoken[-1]
    if kind is NumberKind.AMOUNT and _SINGLE.fullmatch(spoken):
        return spoken.translate(_DIGITS) + tail
    with _one_at_a_time:
        found = _grammar().normalize(spoken)
    return found + tail if _WRITTEN.fullmatch(found) else None


@cache
def _grammar() -> Any:
    from wetext import Normalizer  # takes half a second and 25 MB: only who asks pays for it

    return Normalizer(lang="zh", operator="itn")
