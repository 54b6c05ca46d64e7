"""Changing many sentences of a finished transcript at once: all of them, or none.

What splits a sentence, joins two, moves one in time or replaces a word everywhere is such a change,
and so is taking it back.  Each sentence gets a revision, as by a correction of it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import EditedMeanwhile, InvalidRequest, SentenceNotFound
from shared.models import Revision
from shared.search.texts import correct_texts
from shared.transcripts.corrections import (
    SentenceRevision,
    from_json,
    next_row,
    one_line,
    recognised_sentences,
    require_short,
    revised,
    unrevised,
)

MOST_CHANGED = 2000
"""Sentences of one change."""

MOST_SPLIT_OFF = 20_000
"""Sentences that people split off in one transcript: it has about as many after ten hours."""

_LONGEST_S = 60 * 60 * 24 * 7
_ATTEMPTS = 3
"""Others may correct the same sentences at the very moment."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of sentence `n`, made from `revision` of it; without an `n`, a sentence that is
    split off. The times are seconds; None: as they are."""

    n: int | None
    revision: int
    text: str
    start: float | None = None
    end: float | None = None


def change_sentences(
    db: Database, *, owner_id: str, job_id: str, changes: Sequence[Change]
) -> list[SentenceRevision]:
    """Make all changes or none; returns the sentences as they are then, in the order of `changes`.

    A text is treated as by `corrections.correct`, and a sentence that is as asked for already gets
    no revision.  Raises EditedMeanwhile with the first sentence whose newest revision is another
    than the one given; JobNotFound, SentenceNotFound, TranscriptNotReady, TranscriptUnreadable;
    InvalidRequest for what no sentence can be.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with db.writing() as session:
                return _change(session, owner_id, job_id, changes)
        except IntegrityError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _change(
    session: Session, owner_id: str, job_id: str, changes: Sequence[Change]
) -> list[SentenceRevision]:
    recognised = recognised_sentences(session, owner_id, job_id)
    named = [change.n for change in changes if change.n is not None]
    if len(set(named)) < len(named):
        raise InvalidRequest("sentences: each is named once in a change.", param="sentences")
    newest = _newest(session, job_id, recognised, named)
    numbers = _new_numbers(session, job_id, len(recognised))
    # A request that is repeated after its answer was lost must split nothing off again.
    splits = len(named) < len(changes)
    made: list[SentenceRevision] = []
    rows: list[dict[str, Any]] = []
    for change in changes:
        if change.n is None:
            before = _split_off(next(numbers), recognised, change)
        elif change.n in newest:
            before = newest[change.n]
        else:
            raise SentenceNotFound
        after = _after(before, change, may_stand=not splits)
        made.append(after)
        if after is not before:
            span = (after.start, after.end) if after.retimed else None
            rows.append(next_row(job_id, before, after.text, owner_id, span))
    if rows:
        session.execute(insert(Revision), rows)
        correct_texts(session, job_id, {row["sentence"]: row["text"] for row in rows})
    written = _newest(session, job_id, recognised, [one.n for one in made])
    return [written[one.n] for one in made]


def _after(before: SentenceRevision, change: Change, *, may_stand: bool) -> SentenceRevision:
    """A sentence as it is to be; `before` itself if it is so already, whatever revision is named if
    `may_stand`. Raises EditedMeanwhile, or InvalidRequest."""
    text = one_line(change.text)
    require_short(text, before.recognised_text)
    start, end = _moved(before.start, change.start), _moved(before.end, change.end)
    if not 0 <= start <= end <= _LONGEST_S:
        raise InvalidRequest(
            "start, end: seconds of the recording, and none ends before it starts.", param="start"
        )
    is_new = before.origin is not None and before.revision == 0
    stands = not is_new and (text, start, end) == (before.text, before.start, before.end)
    if stands and (may_stand or change.revision == before.revision):
        return before
    if change.revision > before.revision:
        raise InvalidRequest(
            f"revision: there is none {change.revision} of sentence {before.n}; the newest is "
            f"{before.revision}.",
            param="revision",
        )
    if change.revision < before.revision:
        raise EditedMeanwhile(current=before)
    moved = before.retimed or is_new or (start, end) != (before.start, before.end)
    return replace(before, text=text, start=start, end=end, retimed=moved)


def _moved(before: float, time: float | None) -> float:
    """A time to the millisecond; the one of before where that is the same."""
    return before if time is None or abs(time - before) < 0.0006 else round(time, 3)


def _split_off(n: int, recognised: Sequence[Any], change: Change) -> SentenceRevision:
    """What stands before a sentence that is split off: nothing. Raises InvalidRequest."""
    if change.start is None or change.end is None or not change.text.strip():
        raise InvalidRequest(
            "start, end: a sentence without a number is new, and needs a text and both times.",
            param="start",
        )
    spans = [from_json(number, value) for number, value in enumerate(recognised)]
    if not spans:
        raise SentenceNotFound
    origin = max(spans, key=lambda one: _shared(one, change.start or 0.0, change.end or 0.0))
    return SentenceRevision(
        n, 0, text="", recognised_text="", start=change.start, end=change.end, origin=origin.n
    )


def _shared(one: SentenceRevision, start: float, end: float) -> float:
    """Seconds that a sentence has in common with a span; less than none for one that is far."""
    return min(one.end, end) - max(one.start, start)


def _new_numbers(session: Session, job_id: str, recognised: int) -> Iterator[int]:
    """Numbers for sentences that are split off. Raises InvalidRequest where there are too many."""
    highest = session.scalar(select(func.max(Revision.sentence)).where(Revision.job_id == job_id))
    n = max(recognised, (-1 if highest is None else highest) + 1)
    while True:
        if n >= recognised + MOST_SPLIT_OFF:
            raise InvalidRequest(
                f"This transcript has {MOST_SPLIT_OFF:,} sentences that were split off, and takes "
                "no more.",
                param="sentences",
            )
        yield n
        n += 1


def _newest(
    session: Session, job_id: str, recognised: Sequence[Any], numbers: Sequence[int]
) -> dict[int, SentenceRevision]:
    """The newest revision of these sentences, but of those that there are not."""
    found = {n: from_json(n, recognised[n]) for n in numbers if 0 <= n < len(recognised)}
    rows = session.scalars(
        select(Revision)
        .where(Revision.job_id == job_id, Revision.sentence.in_(numbers))
        .order_by(Revision.revision)
    )
    for row in rows:
        before = found.get(row.sentence)
        found[row.sentence] = revised(before or unrevised(recognised, row), row)
    return found
