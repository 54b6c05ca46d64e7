"""Choice of the places where a cue is broken into lines: as few as possible, of similar length, at
good places."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise

from shared.export.subtitles.unbreakable_units import Unit


def line_ends(units: Sequence[Unit], width: int) -> list[int]:
    """The index after the last unit that fits on a line, for a line that begins with each unit."""
    ends: list[int] = []
    end = used = 0
    for start, first in enumerate(units):
        if end <= start:
            end, used = start, 0
        while end < len(units):
            more = units[end].width + (units[end].space_before if end > start else 0)
            if end > start and used + more - units[end].hanging_width > width:
                break
            used += more
            end += 1
        ends.append(end)
        # The next line begins without its space.
        used -= first.width + (units[start + 1].space_before if start + 1 < end else 0)
    return ends


def break_into_lines(
    units: Sequence[Unit], costs: Sequence[float], width: int, max_lines: int
) -> list[Sequence[Unit]]:
    """Cut `units` into at most `max_lines` lines of `width`, one if they fit on one.

    The lines are balanced as far as good places for a break allow; `costs` are those of a break
    after each unit. The caller makes sure that the units fit; a single word that is longer than
    a line exceeds it.
    """
    ends = line_ends(units, width)
    count, at = 0, 0
    while at < len(units):
        at = ends[at]
        count += 1
    return _split(units, costs, width, min(count, max_lines))


def _split(
    units: Sequence[Unit], costs: Sequence[float], width: int, count: int
) -> list[Sequence[Unit]]:
    """Try all divisions into `count` lines for the least cost; a cue has few of them."""
    until = [0, *accumulate(unit.width + unit.space_before for unit in units)]
    even = (until[-1] - units[0].space_before - units[-1].hanging_width) / count

    @cache
    def best(start: int, left: int) -> tuple[float, tuple[int, ...]]:
        """The least cost of the units from `start` on in `left` lines, and where these end."""
        if left == 1:
            return line_cost(start, len(units)), (len(units),)
        ways = []
        for end in range(start + 1, len(units) - left + 2):
            cost, ends = best(end, left - 1)
            ways.append((line_cost(start, end) + costs[end - 1] + cost, (end, *ends)))
        return min(ways)

    def line_cost(start: int, end: int) -> float:
        cells = until[end] - until[start] - units[start].space_before - units[end - 1].hanging_width
        # A third of a line off balance is as bad as a break inside a clause.
        return 1000.0 * max(0, cells - width) + 450.0 * ((cells - even) / width) ** 2

    ends = best(0, count)[1]
    return [units[start:end] for start, end in pairwise((0, *ends))]
