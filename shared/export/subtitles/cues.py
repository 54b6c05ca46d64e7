"""Subtitles broken for reading.

Where a cue ends is chosen for a whole stretch of speech at once, as a paragraph's lines are by
Knuth and Plass: of all ways to cut it that fit the screen, the one whose breaks, lengths and
lingering over silences cost least together. So a short "好。" joins its neighbour, and a long
sentence ends its cues at commas, then at pauses, and only then within a clause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from shared.export.options import ExportOptions
from shared.export.punctuation import without_end_mark, without_marks
from shared.export.subtitles.breaks import SENTENCE, break_costs
from shared.export.subtitles.lines import in_lines, line_ends
from shared.export.subtitles.units import Unit, units
from shared.transcripts.values import Transcript

READ_CELLS_PER_S = 20.0
"""As fast as people read subtitles without haste: 10 Chinese characters or 20 letters a second.
A cue stays that long if silence follows."""

_APART_MS = 1_500
"""After this much silence at a sentence's end nothing is gained by one cue over both sides."""

_EACH = 10.0
"""So that fewer cues are better, all else equal."""
_TWO_SENTENCES = 14.0
_SILENCE_FREE_MS = 700
_SILENCE = 0.03
"""For each millisecond of a silence inside a cue beyond the free ones."""
_FULLNESS = 12.0
"""For a full cue; with the square, so that the parts of a long sentence are of like length."""
_TOO_SHORT = 400.0
"""For a cue that cannot be shown for the least time, by the part that is missing; more than any
break costs."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Text on the screen, from `start` to `end` in milliseconds."""

    start: int
    end: int
    lines: tuple[str, ...]


def cues(transcript: Transcript, options: ExportOptions) -> list[Cue]:
    """The transcript as subtitles, in order, never two at once, within the recording."""
    pieces = units(transcript, options)
    # A recording has at least a millisecond for each piece, whatever it says of itself.
    limit = max(int(transcript.duration * 1000), len(pieces))
    costs = break_costs(pieces)
    speakers = [sentence.speaker for sentence in transcript.sentences]
    ranges = [
        (start + first, start + after)
        for start, end in _stretches(pieces, costs, speakers)
        for first, after in _divided(
            pieces[start:end], costs[start:end], options, limit, pieces[end : end + 1]
        )
    ]
    return list(_shown(pieces, costs, ranges, options, limit))


def _stretches(
    pieces: Sequence[Unit], costs: Sequence[float], speakers: Sequence[str | None]
) -> Iterator[tuple[int, int]]:
    """Ranges of units between which a cue ends in any case."""
    begin = 0
    for at, (before, after) in enumerate(pairwise(pieces)):
        apart = costs[at] == SENTENCE and after.start - before.end >= _APART_MS
        if apart or speakers[before.sentence] != speakers[after.sentence]:
            yield begin, at + 1
            begin = at + 1
    if pieces:
        yield begin, len(pieces)


def _divided(
    pieces: Sequence[Unit],
    costs: Sequence[float],
    options: ExportOptions,
    limit: int,
    following: Sequence[Unit],
) -> list[tuple[int, int]]:
    """The best division of a stretch into ranges, each a cue."""
    count = len(pieces)
    shortest, longest = options.min_seconds * 1000, options.max_seconds * 1000
    fits = line_ends(pieces, options.line_width)
    starts = [piece.start for piece in pieces]
    until = [*starts[1:], following[0].start if following else limit]  # the next has the screen
    cells = [0, *accumulate(piece.width + piece.gap for piece in pieces)]
    inner = [0.0, *accumulate(_held_over(pieces, costs))]
    per_cell = 1 / (options.line_width * options.max_lines)
    best = [0.0] + [float("inf")] * count
    begin = [0] * (count + 1)
    for first in range(count):
        after = first
        for _ in range(options.max_lines):
            after = fits[after] if after < count else count
        base, start = best[first] + _EACH, starts[first]
        for end in range(first + 1, after + 1):
            if end > first + 1 and pieces[end - 1].end - start > longest:
                break
            cost = base + costs[end - 1] + inner[end - 1] - inner[first]
            cost += _FULLNESS * ((cells[end] - cells[first]) * per_cell) ** 2
            missing = shortest - (until[end - 1] - start)
            if missing > 0:
                cost += _TOO_SHORT * (0.25 + missing / shortest)
            if cost < best[end]:
                best[end], begin[end] = cost, first
    ranges = []
    end = count
    while end:
        ranges.append((begin[end], end))
        end = begin[end]
    return ranges[::-1]


def _held_over(pieces: Sequence[Unit], costs: Sequence[float]) -> Iterator[float]:
    """What it costs to go on in the same cue after each unit but the last."""
    for at, (before, after) in enumerate(pairwise(pieces)):
        silence = after.start - before.end - _SILENCE_FREE_MS
        yield _TWO_SENTENCES * (costs[at] == SENTENCE) + max(0.0, silence * _SILENCE)


def _shown(
    pieces: Sequence[Unit],
    costs: Sequence[float],
    ranges: Sequence[tuple[int, int]],
    options: ExportOptions,
    limit: int,
) -> Iterator[Cue]:
    """Each range as a cue with its lines and the time that it stays."""
    shortest, longest = round(options.min_seconds * 1000), round(options.max_seconds * 1000)
    free = 0  # where the screen is free again
    for number, (first, after) in enumerate(ranges):
        inside = pieces[first:after]
        start = inside[0].start
        latest = pieces[ranges[number + 1][0]].start if number + 1 < len(ranges) else limit
        width = sum(piece.width + piece.gap for piece in inside)
        wanted = max(shortest, round(width / READ_CELLS_PER_S * 1000), inside[-1].end - start)
        end = min(start + min(wanted, longest), latest)
        # Speech to the very end of the recording: rather a little early than too short.
        start = max(free, min(start, end - shortest))
        free = end
        lines = [
            _written(line, options)
            for line in in_lines(inside, costs[first:after], options.line_width, options.max_lines)
        ]
        yield Cue(start, end, tuple(line for line in lines if line) or (_NOTHING,))


_NOTHING = "…"


def _written(line: Sequence[Unit], options: ExportOptions) -> str:
    text = "".join(" " * (piece.gap and at > 0) + piece.text for at, piece in enumerate(line))
    if not options.punctuation:
        text = without_marks(text)
    elif not options.end_marks:
        text = without_end_mark(text)
    return text.replace("-->", "→")
