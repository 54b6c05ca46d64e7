"""Minutes as marks of the recording, which are edited, shown in the text and exported as such."""

from __future__ import annotations

from collections.abc import Sequence

from shared.annotations.marks import Mark, MarkKind, add_marks, checked_mark, read_marks
from shared.db import Database
from shared.minutes.contents import Minutes
from shared.models import LONGEST_LABEL
from shared.transcripts.values import Sentence

_KINDS = {
    "decisions": MarkKind.DECISION,
    "todos": MarkKind.TODO,
    "chapters": MarkKind.CHAPTER,
}


def keep_as_marks(
    db: Database, *, owner_id: str, job_id: str, minutes: Minutes, sentences: Sequence[Sentence]
) -> int:
    """Mark where decisions, to-dos and chapters were said, as one change that can be undone; how
    many are new. What is marked already, and what has no source and so no place, is left out.

    Raises JobNotFound, or InvalidRequest for too many marks.
    """
    there = {_key(mark) for mark in read_marks(db, owner_id=owner_id, job_id=job_id)}
    new = {_key(mark): mark for mark in _marks(minutes, sentences) if _key(mark) not in there}
    if new:
        add_marks(
            db, owner_id=owner_id, job_id=job_id, editor_id=owner_id, marks=list(new.values())
        )
    return len(new)


def _marks(minutes: Minutes, sentences: Sequence[Sentence]) -> list[Mark]:
    return [
        checked_mark(
            _KINDS[section],
            min(starts),
            point.text,
            point.owner[:LONGEST_LABEL],
            point.due[:LONGEST_LABEL],
        )
        for section, points in minutes.sections()
        if section in _KINDS
        for point in points
        if (starts := [sentences[n].start for n in point.sentences if n < len(sentences)])
    ]


def _key(mark: Mark) -> tuple[MarkKind, float, str]:
    return mark.kind, mark.at_s, mark.text
