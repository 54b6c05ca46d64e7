"""Names and terms that are known of a recording, within which no line is broken."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby

from shared.export.subtitles.unbreakable_units import Unit
from shared.export.typography.spacing import HAN
from shared.text_folding import fold

_SPACE = re.compile(r"\s+")
_HAN = re.compile(f"[{HAN}]")

_Span = tuple[int, int]
"""The first and the last unit of a name."""


def keep_together(units: Sequence[Unit], names: Iterable[str], width: int) -> list[Unit]:
    """Make each of `names` that is said one unit, whatever its case and its spaces.

    One that is wider than a line of `width` cells may be broken, and is left as it is.  The times
    stay those of the first and the last of the units that are joined.
    """
    squeezed = [_squeezed(unit.text) for unit in units]
    whole = "".join(squeezed)
    # The longest first, and each order alike: what is joined depends on the names alone.
    known = sorted(
        {key for name in names if len(key := _squeezed(name)) > 1 and key in whole},
        key=lambda key: (-len(key), key),
    )
    if not known:
        return list(units)
    joined: list[Unit] = []
    for _, group in groupby(range(len(units)), key=lambda at: units[at].sentence):
        inside = list(group)
        said = [units[at] for at in inside]
        spans = _spans(said, [squeezed[at] for at in inside], known, width)
        joined += _with_joined(said, spans)
    return joined


def _squeezed(text: str) -> str:
    return _SPACE.sub("", fold(text))


def _spans(
    units: Sequence[Unit], squeezed: Sequence[str], names: Sequence[str], width: int
) -> list[_Span]:
    """The units to join, in order, none of them twice."""
    whole = "".join(squeezed)
    starts = [0, *accumulate(map(len, squeezed))]
    found = set()
    for name in names:
        at = whole.find(name)
        while at >= 0:
            end = at + len(name)
            first, last = bisect_right(starts, at) - 1, bisect_right(starts, end - 1) - 1
            within = _goes_on(whole, at, starts[first]) or _goes_on(whole, end, starts[last + 1])
            if first < last and not within and _width(units, first, last) <= width:
                found.add((first, last))
            at = whole.find(name, at + 1)
    spans: list[_Span] = []
    for first, last in sorted(found, key=lambda span: (span[0], -span[1])):
        if not spans or first > spans[-1][1]:
            spans.append((first, last))
        elif _width(units, spans[-1][0], max(last, spans[-1][1])) <= width:
            spans[-1] = spans[-1][0], max(last, spans[-1][1])
    return spans


def _goes_on(whole: str, place: int, edge: int) -> bool:
    """Return whether a Latin word or a number goes on across a place, towards the `edge` of its
    unit."""
    if place in (0, len(whole), edge):
        return False
    beside = whole[place - 1 : place + 1]
    return beside.isalnum() and not _HAN.search(beside)


def _width(units: Sequence[Unit], first: int, last: int) -> int:
    """The cells of these units on a line that they end."""
    some = units[first : last + 1]
    cells = sum(unit.width + unit.space_before for unit in some)
    return cells - units[first].space_before - units[last].hanging_width


def _with_joined(units: Sequence[Unit], spans: Sequence[_Span]) -> Iterator[Unit]:
    at = 0
    for first, last in spans:
        yield from units[at:first]
        some = units[first : last + 1]
        text = some[0].text + "".join(" " * unit.space_before + unit.text for unit in some[1:])
        cells = sum(unit.width + unit.space_before for unit in some) - some[0].space_before
        yield Unit(
            text,
            some[0].space_before,
            some[0].start,
            some[-1].end,
            some[0].sentence,
            cells,
            some[-1].hanging_width,
        )
        at = last + 1
    yield from units[at:]
