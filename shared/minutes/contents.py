"""The shape of minutes: points of four kinds, each with the sentences that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

SECTIONS = ("summary", "decisions", "todos", "chapters")
"""The kinds of points, in the order in which they are shown."""

MOST_POINTS = 200
"""Points of a kind at most."""
LONGEST_TEXT = 1000
"""Characters of a point."""
LONGEST_NAME = 200
"""Characters of who does something, and of when it is due."""
MOST_SENTENCES = 50
"""Sentences that a point names at most."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the minutes. `sentences` are places in the transcript from 0; times follow from
    them and are written nowhere."""

    text: str
    sentences: tuple[int, ...] = ()
    """Places of the sentences that it rests on, from 0; empty: without source."""
    owner: str = ""
    """Person who does a to-do."""
    due: str = ""
    """Due time of a to-do, as it was said."""
    unverified: tuple[str, ...] = ()
    """Names and numbers in it that do not stand in those sentences."""

    def to_json(self) -> dict[str, Any]:
        """The point with all its fields."""
        return {
            "text": self.text,
            "sentences": list(self.sentences),
            "owner": self.owner,
            "due": self.due,
            "unverified": list(self.unverified),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Point:
        """Read what `to_json` gave."""
        return cls(
            text=value["text"],
            sentences=tuple(value["sentences"]),
            owner=value.get("owner", ""),
            due=value.get("due", ""),
            unverified=tuple(value.get("unverified", ())),
        )


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes as plain values."""

    summary: tuple[Point, ...] = ()
    decisions: tuple[Point, ...] = ()
    todos: tuple[Point, ...] = ()
    chapters: tuple[Point, ...] = ()
    """Chapters: each text is a title, and its one sentence the first of the chapter."""

    def sections(self) -> Iterator[tuple[str, tuple[Point, ...]]]:
        """Yield each section's name and its points."""
        for name in SECTIONS:
            yield name, getattr(self, name)

    def __len__(self) -> int:
        return sum(len(points) for _, points in self.sections())

    def to_json(self) -> dict[str, Any]:
        """The value stored in SQL."""
        return {name: [point.to_json() for point in points] for name, points in self.sections()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Minutes:
        """Read what `to_json` gave."""
        return cls(**{name: tuple(map(Point.from_json, value.get(name, ()))) for name in SECTIONS})

    def mapped(self, change: Callable[[str, Point], Point | None]) -> Minutes:
        """Apply `change` to each section and point; None drops the point."""
        return replace(
            self,
            **{
                name: tuple(kept for point in points if (kept := change(name, point)) is not None)
                for name, points in self.sections()
            },
        )


def joined(several: list[Minutes]) -> Minutes:
    """Concatenate several minutes, section by section."""
    return Minutes(
        **{
            name: tuple(point for one in several for point in getattr(one, name))
            for name in SECTIONS
        }
    )
