"""Places in a transcript where the searched words are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.models import SearchText
from shared.text_folding import composed, fold, seen

_BEFORE, _SHOWN = 24, 90
"""Characters of a sentence that are shown before the match, and altogether."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """The place in a transcript that has the words asked for."""

    sentence: int
    """Number of the sentence, counted from 0."""
    pieces: tuple[tuple[str, bool], ...]
    """The text in order; True with what was asked for."""
    count: int = 1
    """Number of times that the words asked for are in the transcript."""
    term: str = ""
    """The first of it in this sentence, folded."""


def snippets(
    session: Session, job_ids: Collection[str], terms: Collection[str]
) -> dict[str, Snippet]:
    """The sentence that has most of `terms`, by job; none for a transcript without any."""
    rows = session.execute(select(SearchText).where(SearchText.job_id.in_(job_ids))).scalars()
    found = {row.job_id: _snippet(row.text, row.folded, terms) for row in rows}
    return {job_id: snippet for job_id, snippet in found.items() if snippet is not None}


def _snippet(text: str, folded: str, terms: Collection[str]) -> Snippet | None:
    lines = folded.split("\n")
    if not any(term in folded for term in terms):
        return None
    best = max(range(len(lines)), key=lambda n: sum(term in lines[n] for term in terms))
    line = text.split("\n")[best]
    first, found = min((place, term) for term in terms if (place := lines[best].find(term)) >= 0)
    start = max(0, first - _BEFORE)
    end = min(len(line), start + _SHOWN)
    pieces = _pieces(line[start:end], lines[best][start:end], terms)
    if start:
        pieces.insert(0, ("…", False))
    if end < len(line):
        pieces.append(("…", False))
    count = sum(folded.count(term) for term in terms)
    return Snippet(best, tuple(pieces), count, found)


def marked(text: str, terms: Collection[str]) -> tuple[tuple[str, bool], ...]:
    """A text on one line in pieces; True with one of `terms`."""
    text = composed(seen(text))
    return tuple(_pieces(text, fold(text), terms))


def _pieces(shown: str, folded: str, terms: Collection[str]) -> list[tuple[str, bool]]:
    marked = [False] * len(shown)
    for term in terms:
        place = folded.find(term)
        while place >= 0:
            marked[place : place + len(term)] = [True] * len(term)
            place = folded.find(term, place + len(term))
    pieces: list[tuple[str, bool]] = []
    for character, is_match in zip(shown, marked, strict=True):
        if pieces and pieces[-1][1] == is_match:
            pieces[-1] = (pieces[-1][0] + character, is_match)
        else:
            pieces.append((character, is_match))
    return pieces
