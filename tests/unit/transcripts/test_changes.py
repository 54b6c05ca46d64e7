"""Which recognised sentence one that is split off was a part of."""

from __future__ import annotations

import random
from typing import Any

from shared.transcripts.changes import _Said


def sentence(start: float, end: float) -> dict[str, Any]:
    return {"text": "好", "start": start, "end": end}


def said(sentences: list[dict[str, Any]]) -> _Said:
    return _Said(dict(enumerate(sentences)))


def test_it_is_the_one_that_has_most_in_common_or_is_nearest() -> None:
    chance = random.Random(7)
    for _ in range(300):
        starts = [chance.randrange(60) for _ in range(chance.randrange(1, 12))]
        spans = [(start, start + chance.randrange(1, 20)) for start in starts]
        begin = chance.randrange(-10, 90)
        end = begin + chance.randrange(1, 30)
        shared = [min(last, end) - max(first, begin) for first, last in spans]
        found = said([sentence(*span) for span in spans]).between(begin, end)
        assert shared[found] == max(shared), (spans, begin, end)


def test_many_are_found_in_a_long_transcript() -> None:
    long = said([sentence(n, n + 0.9) for n in range(20_000)])
    assert [long.between(n + 0.4, n + 0.6) for n in range(10_000)] == list(range(10_000))
    assert long.between(30_000, 30_001) == 19_999
