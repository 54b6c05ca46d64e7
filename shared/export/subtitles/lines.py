"""A subtitle's units in lines: few, balanced, broken where it reads well."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise

from shared.export.subtitles.units import Unit


def line_ends(units: Sequence[Unit], width: int) -> list[int]:
    """For each unit, the index after the last that fits on a line which begins with it."""
    ends: list[int] = []
    end = used = 0
    for start, first in enumerate(units):
        if end <= start:
            end, used = start, 0
        while end < len(units):
            more = units[end].width + (units[end].gap if end > start else 0)
            if end > start and used + more - units[end].hanging > width:
                break
            used += more
            end += 1
        ends.append(end)
        # The next line begins without its space.
        used -= first.width + (units[start + 1].gap if start + 1 < end else 0)
    return ends


def in_lines(
    units: Sequence[Unit], costs: Sequence[float], width: int, max_lines: int
) -> list[Sequence[Unit]]:
    """Cut `units` into at most `max_lines` lines of `width`, one if they fit on one.

    The lines are of about the same length, as far as places where a break reads well allow.
    `costs` are those of a break after each unit. The units must fit; what does not, a word longer
    than a line, stands out.
    """
    ends = line_ends(units, width)
    count, at = 0, 0
    while at < len(units):
        at = ends[at]
        count += 1
    return _cut(units, costs, width, min(count, max_lines))


def _cut(
    units: Sequence[Unit], costs: Sequence[float], width: int, count: int
) -> list[Sequence[Unit]]:
    """The best of all ways to cut into `count` lines; there are few, a subtitle is short."""
    until = [0, *accumulate(unit.width + unit.gap for unit in units)]
    even = (until[-1] - units[0].gap - units[-1].hanging) / count

    @cache
    def best(start: int, left: int) -> tuple[float, tuple[int, ...]]:
        """The cost of the units from `start` on in `left` lines, and where these end."""
        if left == 1:
            return badness(start, len(units)), (len(units),)
        ways = []
        for end in range(start + 1, len(units) - left + 2):
            cost, ends = best(end, left - 1)
            ways.append((badness(start, end) + costs[end - 1] + cost, (end, *ends)))
        return min(ways)

    def badness(start: int, end: int) -> float:
        cells = until[end] - until[start] - units[start].gap - units[end - 1].hanging
        # A third of a line off balance is as bad as a break inside a clause.
        return 1000.0 * max(0, cells - width) + 450.0 * ((cells - even) / width) ** 2

    ends = best(0, count)[1]
    return [units[start:end] for start, end in pairwise((0, *ends))]
