"""Minutes of parts, put together in groups that fit into a model's window."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace

from shared.minutes.contents import Minutes, Point, joined
from shared.minutes.tokens import estimated_tokens
from shared.transcripts.values import Sentence


def as_question(several: list[Minutes]) -> str:
    """Minutes as the model reads them when it merges them: one JSON object a line."""
    return "\n".join(json.dumps(_terse(one), ensure_ascii=False) for one in several)


def _terse(one: Minutes) -> dict[str, list[dict[str, object]]]:
    """Fields that are not empty, to save tokens of the window."""
    return {
        name: [
            {key: value for key, value in point.to_json().items() if value and key != "unverified"}
            for point in points
        ]
        for name, points in one.sections()
        if points
    }


def groups(several: list[Minutes], most_tokens: int) -> list[list[Minutes]]:
    """Consecutive minutes in groups whose question has at most `most_tokens`; one that is larger
    alone is a group of its own."""
    found: list[list[Minutes]] = []
    tokens = 0
    for one in several:
        more = estimated_tokens(as_question([one])) + 1
        if not found or tokens + more > most_tokens:
            found.append([])
            tokens = 0
        found[-1].append(one)
        tokens += more
    return found


def side_by_side(several: list[Minutes]) -> Minutes:
    """Points of all parts in the order of the meeting, where no model can merge them; a point that
    stands twice, word for word, is there once."""
    everything = joined(several)
    seen: dict[tuple[str, str, str, str], Point] = {}

    def once(section: str, point: Point) -> Point | None:
        key = (section, point.text, point.owner, point.due)
        if key in seen:
            return None
        seen[key] = point
        return point

    return everything.mapped(once)


def in_order(minutes: Minutes, sentences: Sequence[Sentence]) -> Minutes:
    """Decisions, to-dos and chapters in the order of the meeting, what has no source last; of
    chapters that begin with one sentence, the first. `sentences` are those of the transcript."""

    def begins(point: Point) -> float:
        return min((sentences[n].start for n in point.sentences), default=math.inf)

    def by_place(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple(sorted(points, key=begins))

    chapters: dict[int, Point] = {}
    for chapter in by_place(minutes.chapters):
        chapters.setdefault(min(chapter.sentences, default=-1), chapter)
    return replace(
        minutes,
        decisions=by_place(minutes.decisions),
        todos=by_place(minutes.todos),
        chapters=tuple(chapters.values()),
    )
