"""Minutes as their owner leaves them."""

from __future__ import annotations

from dataclasses import replace

from shared.errors import InvalidRequest
from shared.minutes.answers import line_of
from shared.minutes.contents import LONGEST_NAME, LONGEST_TEXT, Minutes, Point


def as_left(given: Minutes, before: Minutes, sentence_count: int) -> Minutes:
    """Minutes as an owner edited `before`: texts in one line, sentences in order. A point that is
    as it was keeps its marks; for one that a person wrote, the person answers.

    Raises InvalidRequest for a text that is empty, and for a sentence that the transcript does not
    have.
    """
    marks = {
        _key(section, p): p.unverified for section, points in before.sections() for p in points
    }

    def checked(section: str, point: Point) -> Point:
        text = line_of(point.text, LONGEST_TEXT)
        if not text:
            raise InvalidRequest("minutes: a point has a text.", param="minutes")
        if any(n >= sentence_count for n in point.sentences):
            raise InvalidRequest(
                f"minutes: the transcript has {sentence_count} sentences, numbered from 0.",
                param="minutes",
            )
        todo = section == "todos"
        left = Point(
            text=text,
            sentences=tuple(sorted(set(point.sentences))),
            owner=line_of(point.owner, LONGEST_NAME) if todo else "",
            due=line_of(point.due, LONGEST_NAME) if todo else "",
        )
        return replace(left, unverified=marks.get(_key(section, left), ()))

    return given.mapped(checked)


def _key(section: str, point: Point) -> tuple[str, str, str, str, tuple[int, ...]]:
    return section, point.text, point.owner, point.due, point.sentences
