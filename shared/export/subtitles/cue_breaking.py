"""Choice of the places where subtitle cues are broken.

The breaks of a whole stretch of speech are chosen together, as Knuth and Plass choose those of a
paragraph's lines: of all divisions that fit the screen, the one with the least total cost of its
breaks, lengths and silences. So a short "好。" joins its neighbour, and a long sentence is broken
at commas, then at pauses, and only then within a clause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from shared.export.options import ExportOptions
from shared.export.subtitles.break_costs import SENTENCE, break_costs
from shared.export.subtitles.kept_together import keep_together
from shared.export.subtitles.line_breaking import break_into_lines, line_ends
from shared.export.subtitles.unbreakable_units import Unit, units
from shared.export.typography.punctuation import without_end_mark, without_punctuation
from shared.transcripts.values import Transcript

READ_CELLS_PER_S = 20.0
"""Comfortable reading speed: 10 Chinese characters or 20 letters a second. A cue is shown for the
time that this takes if silence follows."""

_APART_MS = 1_500
"""A silence after a sentence that always ends the cue."""

_PER_CUE = 10.0
"""Cost of each cue, so that fewer cues are better."""
_TWO_SENTENCES = 14.0
_SILENCE_FREE_MS = 700
_SILENCE = 0.03
"""Cost of each millisecond of a silence inside a cue beyond the first _SILENCE_FREE_MS."""
_FULLNESS = 12.0
"""Cost of a full cue. It grows with the square of the fullness, so that a long sentence is divided
into cues of similar length."""
_TOO_SHORT = 400.0
"""Cost of a cue that cannot be shown for the minimum time, by the missing part; higher than that
of any break."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A subtitle, shown from `start` to `end` in milliseconds."""

    start: int
    end: int
    lines: tuple[str, ...]
    speaker: str | None = None
    """Speaker of the whole cue, where that is known."""


def break_into_cues(
    transcript: Transcript, options: ExportOptions, names: Iterable[str] = ()
) -> list[Cue]:
    """Divide a transcript into cues, in order, without overlap and within the recording; no line
    and no cue is broken within one of `names`, where that fits on a line."""
    pieces = units(transcript, options)
    # Of as many pieces as were said, so that no end moves because some are joined.
    spoken = len(pieces)
    pieces = keep_together(pieces, names, options.line_width)
    # A recording has at least a millisecond for each piece, whatever it says of itself.
    limit = max(int(transcript.duration * 1000), spoken)
    costs = break_costs(pieces)
    speakers = [sentence.speaker for sentence in transcript.sentences]
    ranges = [
        (start + first, start + after)
        for start, end in _separate_stretches(pieces, costs, speakers)
        for first, after in _best_cues(
            pieces[start:end], costs[start:end], options, limit, pieces[end : end + 1]
        )
    ]
    cues = _timed_cues(pieces, costs, ranges, options, limit)
    return [
        replace(cue, speaker=speakers[pieces[first].sentence]) if any(speakers) else cue
        for cue, (first, _) in zip(cues, ranges, strict=True)
    ]


def _separate_stretches(
    pieces: Sequence[Unit], costs: Sequence[float], speakers: Sequence[str | None]
) -> Iterator[tuple[int, int]]:
    """Ranges of units at whose ends a cue ends in any case: long silences, changes of speaker."""
    begin = 0
    for at, (before, after) in enumerate(pairwise(pieces)):
        apart = costs[at] == SENTENCE and after.start - before.end >= _APART_MS
        if apart or speakers[before.sentence] != speakers[after.sentence]:
            yield begin, at + 1
            begin = at + 1
    if pieces:
        yield begin, len(pieces)


def _best_cues(
    pieces: Sequence[Unit],
    costs: Sequence[float],
    options: ExportOptions,
    limit: int,
    following: Sequence[Unit],
) -> list[tuple[int, int]]:
    """Find the division of a stretch into cues with the least cost, as ranges of its pieces.

    Dynamic programming: `best[n]` is the least cost of the first n pieces, `begin[n]` where the
    last cue of that division begins.
    """
    count = len(pieces)
    shortest, longest = options.min_seconds * 1000, options.max_seconds * 1000
    fits = line_ends(pieces, options.line_width)
    starts = [piece.start for piece in pieces]
    until = [*starts[1:], following[0].start if following else limit]  # the next has the screen
    cells = [0, *accumulate(piece.width + piece.space_before for piece in pieces)]
    inner = [0.0, *accumulate(_costs_within_cue(pieces, costs))]
    per_cell = 1 / (options.line_width * options.max_lines)
    best = [0.0] + [float("inf")] * count
    begin = [0] * (count + 1)
    for first in range(count):
        after = first
        for _ in range(options.max_lines):
            after = fits[after] if after < count else count
        base, start = best[first] + _PER_CUE, starts[first]
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


def _costs_within_cue(pieces: Sequence[Unit], costs: Sequence[float]) -> Iterator[float]:
    """The cost of keeping each unit and its successor in one cue."""
    for at, (before, after) in enumerate(pairwise(pieces)):
        silence = after.start - before.end - _SILENCE_FREE_MS
        yield _TWO_SENTENCES * (costs[at] == SENTENCE) + max(0.0, silence * _SILENCE)


def _timed_cues(
    pieces: Sequence[Unit],
    costs: Sequence[float],
    ranges: Sequence[tuple[int, int]],
    options: ExportOptions,
    limit: int,
) -> Iterator[Cue]:
    """Make each range a cue, with its lines and times."""
    shortest, longest = round(options.min_seconds * 1000), round(options.max_seconds * 1000)
    free = 0  # where the screen is free again
    for number, (first, after) in enumerate(ranges):
        inside = pieces[first:after]
        start = inside[0].start
        latest = pieces[ranges[number + 1][0]].start if number + 1 < len(ranges) else limit
        width = sum(piece.width + piece.space_before for piece in inside)
        wanted = max(shortest, round(width / READ_CELLS_PER_S * 1000), inside[-1].end - start)
        end = min(start + min(wanted, longest), latest)
        # At the end of the recording: show the cue early rather than too short.
        start = max(free, min(start, end - shortest))
        free = end
        lines = [
            _line_text(line, options)
            for line in break_into_lines(
                inside, costs[first:after], options.line_width, options.max_lines
            )
        ]
        yield Cue(start, end, tuple(line for line in lines if line) or (_EMPTY_CUE_TEXT,))


_EMPTY_CUE_TEXT = "…"


def _line_text(line: Sequence[Unit], options: ExportOptions) -> str:
    text = "".join(
        " " * (piece.space_before and at > 0) + piece.text for at, piece in enumerate(line)
    )
    if not options.punctuation:
        text = without_punctuation(text)
    elif not options.end_marks:
        text = without_end_mark(text)
    return text.replace("-->", "→")
