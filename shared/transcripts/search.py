"""Finding jobs by their names and by what was said.

No index: PostgreSQL has none for pieces of Chinese without an extension, and SQLite's know no two
characters.  Plain comparison through 2,000 transcripts of an hour each takes 0.07 to 0.3 s
(tests/bench/test_list_page.py).  Pieces of text are compared as they are: there are no wildcards,
and so nothing to escape.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Integer

from shared.folding import composed, fold
from shared.models import Job, Recording, SearchText
from shared.states import JobStatus
from shared.transcripts.values import Sentence

MAX_TERMS = 8
"""More words than that narrow nothing down any more."""

_BEFORE, _SHOWN = 24, 90
"""Characters of a sentence that are shown before the match, and altogether."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """The place in a transcript that has the words asked for."""

    sentence: int
    """Counted from 0."""
    pieces: tuple[tuple[str, bool], ...]
    """The text in order; True with what was asked for."""


def index_text(session: Session, job_id: str, sentences: Iterable[Sentence]) -> None:
    """Make these the searched text of a job, in the transaction that stores them."""
    text = "\n".join(_line(sentence.text) for sentence in sentences)
    session.execute(
        delete(SearchText)
        .where(SearchText.job_id == job_id)
        .execution_options(synchronize_session=False)
    )
    session.execute(insert(SearchText).values(job_id=job_id, folded=fold(text), text=text))


def index_sentence(session: Session, job_id: str, n: int, text: str) -> None:
    """Make this the searched text of sentence `n`, in the transaction that corrects it."""
    row = session.execute(
        select(SearchText.text)
        .where(SearchText.job_id == job_id)
        .with_for_update()  # or a correction of another sentence at this moment would be lost
    ).one_or_none()
    if row is None:
        return  # finished by a worker of a version that indexed nothing
    lines = row.text.split("\n")
    lines[n] = _line(text)
    whole = "\n".join(lines)
    session.execute(
        update(SearchText)
        .where(SearchText.job_id == job_id)
        .values(folded=fold(whole), text=whole)
        .execution_options(synchronize_session=False)
    )


def _line(text: str) -> str:
    return composed(" ".join(text.split()))


def terms_of(query: str | None) -> list[str]:
    """The pieces of text that a job must have, each in its name or its transcript.

    >>> terms_of(" 预算  GPU ")
    ['预算', 'gpu']
    """
    return list(dict.fromkeys(fold(query or "").split()))[:MAX_TERMS]


def find_jobs(
    session: Session, owner_id: str, terms: Collection[str]
) -> list[tuple[str, JobStatus]]:
    """Ids and states of an owner's jobs that have all of `terms`, newest first."""
    name = func.coalesce(Recording.folded_name, func.lower(Recording.filename))
    rows = session.execute(
        select(Job.id, Job.status)
        .join(Recording, Recording.id == Job.recording_id)
        .outerjoin(SearchText, SearchText.job_id == Job.id)
        .where(
            Job.owner_id == owner_id,
            and_(*(or_(_has(name, term), _has(SearchText.folded, term)) for term in terms)),
        )
        .order_by(Job.id.desc())
    )
    return [(row.id, JobStatus(row.status)) for row in rows]


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
    first = min(place for term in terms if (place := lines[best].find(term)) >= 0)
    start = max(0, first - _BEFORE)
    end = min(len(line), start + _SHOWN)
    pieces = _pieces(line[start:end], lines[best][start:end], terms)
    if start:
        pieces.insert(0, ("…", False))
    if end < len(line):
        pieces.append(("…", False))
    return Snippet(best, tuple(pieces))


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


def _has(text: Any, term: str) -> ColumnElement[bool]:
    return _place_of(text, term) > 0


class _place_of(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """The SQL function for where in its first argument the second begins, counted from 1; 0 if
    nowhere."""

    type = Integer()
    inherit_cache = True


@compiles(_place_of, "sqlite")
def _sqlite_place(element: _place_of, compiler: Any, **kwargs: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kwargs)})"


@compiles(_place_of, "postgresql")
def _postgresql_place(element: _place_of, compiler: Any, **kwargs: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kwargs)})"
