"""Changing many sentences of a finished transcript at once: all of them, or none.

What splits a sentence, joins two, moves one in time or replaces a word everywhere is such a change,
and so is taking it back.  Each sentence gets a revision, as by a correction of it alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import EditedMeanwhile, InvalidRequest, SentenceNotFound
from shared.models import Job, Revision
from shared.search.texts import correct_texts
from shared.transcripts.corrections import (
    SentenceRevision,
    count_recognised,
    from_json,
    next_row,
    one_line,
    recognised_sentences,
    require_short,
    revised,
    some_recognised,
    unrevised,
)

MOST_CHANGED = 2000
"""Sentences of one change."""

MOST_SPLIT_OFF = 20_000
"""Sentences that people split off in one transcript: it has about as many after ten hours."""

_MOST_COMPARED = 1000
"""Recognised sentences that one that is split off is compared with. It was a part of one."""

_MOST_ALONE = 8
"""Recognised sentences that are read one by one: to move one or join two, not all of three
megabytes that a transcript of five hours has."""

_Span = tuple[float, float, int]
"""Beginning and end of a sentence in seconds, and its number."""

_LONGEST_S = 60 * 60 * 24 * 7
_ATTEMPTS = 3
"""Others may correct the same sentences at the very moment."""


@dataclass(frozen=True, slots=True)
class Change:
    """Change of sentence `n`, made from its `revision`; without an `n`, a sentence that is split
    off. The times are seconds; None: as they are."""

    n: int | None
    revision: int
    text: str
    start: float | None = None
    end: float | None = None


def change_sentences(
    db: Database,
    *,
    owner_id: str,
    job_id: str,
    changes: Sequence[Change],
    editor_id: str | None = None,
) -> list[SentenceRevision]:
    """Make all changes or none; returns the sentences as they are then, in the order of `changes`.
    They are by the job's owner unless another editor is named.

    A text is treated as by `corrections.correct`, and a sentence that is as asked for already gets
    no revision.  Raises EditedMeanwhile with the first sentence whose newest revision is another
    than the one given; JobNotFound, SentenceNotFound, TranscriptNotReady, TranscriptUnreadable;
    InvalidRequest for what no sentence can be.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with db.writing() as session:
                return _change(session, owner_id, job_id, changes, editor_id or owner_id)
        except IntegrityError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _change(
    session: Session, owner_id: str, job_id: str, changes: Sequence[Change], editor_id: str
) -> list[SentenceRevision]:
    # Two at one moment would write the same revisions, or wait for each other's.
    session.execute(select(Job.id).where(Job.id == job_id).with_for_update(key_share=True))
    named = [change.n for change in changes if change.n is not None]
    if len(set(named)) < len(named):
        raise InvalidRequest("sentences: each is named once in a change.", param="sentences")
    # A request that is repeated after its answer was lost must split nothing off again.
    splits = len(named) < len(changes)
    recognised, said, count = _recognised(session, owner_id, job_id, changes)
    newest = _newest(session, job_id, recognised, named)
    numbers = _new_numbers(session, job_id, count)  # only a split takes one
    made: list[SentenceRevision] = []
    rows: list[dict[str, Any]] = []
    for change in changes:
        if change.n is None:
            before = _split_off(next(numbers), said, change)
        elif change.n in newest:
            before = newest[change.n]
        else:
            raise SentenceNotFound
        after = _after(before, change, may_stand=not splits)
        made.append(after)
        if after is not before:
            span = (after.start, after.end) if after.retimed else None
            rows.append(next_row(job_id, before, after.text, editor_id, span))
    if rows:
        # In the order of `rules`, which hold no job: two who write at once would else wait for one
        # another.
        session.execute(insert(Revision), sorted(rows, key=itemgetter("sentence")))
        correct_texts(session, job_id, {row["sentence"]: row["text"] for row in rows})
    written = _newest(session, job_id, recognised, [one.n for one in made])
    return [written[one.n] for one in made]


def _recognised(
    session: Session, owner_id: str, job_id: str, changes: Sequence[Change]
) -> tuple[Mapping[int, Any], _Said, int]:
    """Recognised sentences as they are stored, by their numbers; the same by their times; and how
    many there are where sentences are split off. Only those that `changes` name are read where no
    other is needed. Raises as `change_sentences`."""
    named = [change.n for change in changes if change.n is not None]
    if len(named) <= _MOST_ALONE:
        some = some_recognised(session, owner_id, job_id, named)
        said = _Said(some)
        new = [change for change in changes if change.n is None]
        if all(said.holds(change.start, change.end) for change in new):
            return some, said, count_recognised(session, job_id) if new else 0
    whole = dict(enumerate(recognised_sentences(session, owner_id, job_id)))
    return whole, _Said(whole), len(whole)


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


def _split_off(n: int, said: _Said, change: Change) -> SentenceRevision:
    """The empty revision before a sentence that is split off. Raises InvalidRequest."""
    if change.start is None or change.end is None or not change.text.strip():
        raise InvalidRequest(
            "start, end: a sentence without a number is new, and needs a text and both times.",
            param="start",
        )
    return SentenceRevision(
        n,
        0,
        text="",
        recognised_text="",
        start=change.start,
        end=change.end,
        origin=said.between(change.start, change.end),
    )


class _Said:
    """The recognised sentences by the time at which they are said."""

    def __init__(self, recognised: Mapping[int, Any]) -> None:
        sentences = [from_json(number, value) for number, value in recognised.items()]
        self._spans: list[_Span] = sorted((one.start, one.end, one.n) for one in sentences)
        self._starts = [start for start, _, _ in self._spans]
        # Of each and all before it, the one that ends last.
        self._last: list[_Span] = []
        for span in self._spans:
            self._last.append(max(self._last[-1], span, key=_end) if self._last else span)
        self._ends = [end for _, end, _ in self._last]

    def holds(self, start: float | None, end: float | None) -> bool:
        """Return whether a span lies within the time of one sentence."""
        if start is None or end is None:
            return False
        return any(first <= start and end <= last for first, last, _ in self._spans)

    def between(self, start: float, end: float) -> int:
        """The sentence that has most in common with a span, else the nearest. Raises
        SentenceNotFound of a transcript that has none."""
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        near = self._spans[first : min(last, first + _MOST_COMPARED)]
        near = [*self._last[max(0, first - 1) : first], *near, *self._spans[last : last + 1]]
        if not near:
            raise SentenceNotFound
        return max(near, key=lambda one: min(one[1], end) - max(one[0], start))[2]


def _end(span: _Span) -> float:
    return span[1]


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
    session: Session, job_id: str, recognised: Mapping[int, Any], numbers: Sequence[int]
) -> dict[int, SentenceRevision]:
    """The newest revision of these sentences, but of those that there are not."""
    found = {n: from_json(n, recognised[n]) for n in numbers if n in recognised}
    newest = (
        select(Revision.sentence, func.max(Revision.revision).label("revision"))
        .where(Revision.job_id == job_id, Revision.sentence.in_(numbers))
        .group_by(Revision.sentence)
        .subquery()
    )
    rows = session.scalars(
        select(Revision)
        .join(
            newest,
            (Revision.sentence == newest.c.sentence) & (Revision.revision == newest.c.revision),
        )
        .where(Revision.job_id == job_id)
    )
    for row in rows:
        before = found.get(row.sentence) or unrevised(recognised, row)
        found[row.sentence] = revised(before, row)
    return found
