"""Recordings of one kind that follow each other in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from worker.audio.decoder.sections import Section


@dataclass(frozen=True, slots=True)
class Run:
    """Recordings of one kind, at least one, in order.

    end: where something else begins that is a recording; the file's size without any.
    has_end_mark: False where the kind marks its end and the last recording has no such mark.
    is_cut: whether the structure of the last reaches beyond its end.
    """

    sections: tuple[Section, ...]
    end: int
    has_end_mark: bool = True
    is_cut: bool = False


def sections_of(starts: Sequence[int], end: int, bytes_unheard: int = 0) -> tuple[Section, ...]:
    """Sections that begin at `starts`, each up to the next and the last up to `end`; of the last,
    `bytes_unheard` are not heard."""
    last = len(starts) - 1
    return tuple(
        Section(begin, to, bytes_unheard=bytes_unheard if index == last else 0)
        for index, (begin, to) in enumerate(zip(starts, [*starts[1:], end], strict=True))
    )
