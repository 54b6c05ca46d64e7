"""Correcting a finished transcript, sentence by sentence, without losing anything.

The recognised text stays as the worker wrote it.  A correction is a row of its own and names the
revision that it was made from, so of two people who correct a sentence at once one is told, and
nobody's words are overwritten unseen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from shared.db import Database, is_unavailable
from shared.dialects import json_array_length
from shared.errors import (
    EditedMeanwhile,
    InvalidRequest,
    JobNotFound,
    SentenceNotFound,
    TranscriptNotReady,
    TranscriptUnreadable,
)
from shared.models import Job, Revision, StoredTranscript
from shared.search.texts import correct_texts
from shared.strict_json import UnreadableJson
from shared.transcripts.values import Rule

MAX_SENTENCE = 2000
"""Characters of a corrected sentence, or twice the recognised one's where that is more. What
anybody says up to a full stop has a tenth of them."""

_MOST_SENTENCES = 10**6

_LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class SentenceRevision:
    """A sentence as it was after a change; revision 0 is the recognised one, by nobody."""

    n: int
    revision: int
    text: str
    recognised_text: str
    start: float
    end: float
    editor_id: str | None = None
    at: datetime | None = None
    rule: Rule | None = None
    """Rule that made it; None: a person did, or the recogniser."""
    origin: int | None = None
    """Recognised sentence that a sentence which was split off belonged to."""
    retimed: bool = False
    """A person said when it begins and ends."""

    @property
    def corrected(self) -> bool:
        return self.text != self.recognised_text


@dataclass(frozen=True, slots=True)
class RevisionPage:
    """Page of revisions, newest first, and the cursor of the next page."""

    revisions: list[SentenceRevision]
    next_cursor: int | None


def correct(
    db: Database,
    *,
    owner_id: str,
    job_id: str,
    n: int,
    text: str,
    revision: int,
    editor_id: str | None = None,
) -> SentenceRevision:
    """Give sentence `n` another text, made from `revision` of it; the newest is then this one, by
    its owner unless another editor is named.

    Line breaks and control characters become spaces.  An empty text leaves the sentence out.  A
    text that the sentence has already is no new revision, so repeating a request is harmless.
    Raises EditedMeanwhile with the newest revision if it is another than the one given;
    JobNotFound, SentenceNotFound, TranscriptNotReady; InvalidRequest for a text that is too long.
    """
    text = one_line(text)
    try:
        with db.writing() as session:
            recognised = _recognised(session, owner_id, job_id, n)
            newest = _revised(session, job_id, recognised)
            require_short(text, newest.recognised_text)
            if _is_settled(newest, text, revision):
                return newest
            session.add(Revision(**next_row(job_id, newest, text, editor_id or owner_id)))
            session.flush()
            correct_texts(session, job_id, {n: text})
            return _revised(session, job_id, recognised)
    except IntegrityError:
        # Another wrote this revision at the same moment, or the job was deleted.
        with db.reading() as session:
            newest = _newest(session, owner_id, job_id, n)
        if _is_settled(newest, text, revision):
            return newest
        raise


def one_line(text: str) -> str:
    """A text as a sentence has it: without line breaks and control characters."""
    return _LINE_BREAKS.sub(" ", text).strip()


def require_short(text: str, recognised: str) -> None:
    """Check the length of a sentence's text. Raises InvalidRequest."""
    longest = max(MAX_SENTENCE, 2 * len(recognised))
    if len(text) > longest:
        raise InvalidRequest(
            f"text: a sentence has at most {longest} characters, and this has {len(text)}. "
            "Shorten it.",
            param="text",
        )


def next_row(
    job_id: str,
    newest: SentenceRevision,
    text: str,
    editor_id: str,
    span: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """The row of the revision after `newest`, with its times unless others are given."""
    if span is None and newest.retimed:
        span = newest.start, newest.end
    start, end = span or (None, None)
    return {
        "job_id": job_id,
        "sentence": newest.n,
        "revision": newest.revision + 1,
        "text": text,
        "rule": None,
        "editor_id": editor_id,
        "start_s": start,
        "end_s": end,
        "origin": newest.origin,
    }


def _is_settled(newest: SentenceRevision, text: str, revision: int) -> bool:
    """Tell whether nothing is left to write. Raises EditedMeanwhile, or InvalidRequest."""
    if newest.text == text:
        return True
    if revision > newest.revision:
        raise InvalidRequest(
            f"revision: there is none {revision} of this sentence; the newest is "
            f"{newest.revision}.",
            param="revision",
        )
    if revision < newest.revision:
        raise EditedMeanwhile(current=newest)
    return False


def get_sentence(db: Database, *, owner_id: str, job_id: str, n: int) -> SentenceRevision:
    """The newest revision of a sentence. Raises JobNotFound, SentenceNotFound or
    TranscriptNotReady."""
    with db.reading() as session:
        return _newest(session, owner_id, job_id, n)


def sentence_revisions(
    db: Database, *, owner_id: str, job_id: str, n: int, limit: int, cursor: int | None = None
) -> RevisionPage:
    """Page of a sentence's revisions, newest first and the recognised text last. Raises as
    `get_sentence`."""
    with db.reading() as session:
        recognised = _recognised(session, owner_id, job_id, n)
        wanted = select(Revision).where(Revision.job_id == job_id, Revision.sentence == n)
        if cursor is not None:
            wanted = wanted.where(Revision.revision < cursor)
        rows = session.scalars(wanted.order_by(Revision.revision.desc()).limit(limit + 1)).all()
    found = [revised(recognised, row) for row in rows]
    if cursor is None or cursor > 0:
        found.append(recognised)
    shown = found[:limit]
    return RevisionPage(shown, shown[-1].revision if len(found) > limit else None)


def revisions(
    db: Database, *, owner_id: str, job_id: str, limit: int, cursor: int | None = None
) -> RevisionPage:
    """A transcript's corrections, newest first. Raises JobNotFound or TranscriptNotReady."""
    with db.reading() as session:
        recognised = recognised_sentences(session, owner_id, job_id)
        wanted = select(Revision).where(Revision.job_id == job_id)
        if cursor is not None:
            wanted = wanted.where(Revision.id < cursor)
        rows = session.scalars(wanted.order_by(Revision.id.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    shown = [revised(unrevised(recognised, row), row) for row in rows[:limit]]
    return RevisionPage(shown, rows[limit - 1].id if more else None)


def recognised_texts(session: Session, owner_id: str, job_id: str) -> list[str]:
    """The recognised text of each sentence of a job. Raises JobNotFound, TranscriptNotReady or
    TranscriptUnreadable."""
    try:
        return [sentence["text"] for sentence in recognised_sentences(session, owner_id, job_id)]
    except (TypeError, LookupError):
        raise TranscriptUnreadable from None


def _newest(session: Session, owner_id: str, job_id: str, n: int) -> SentenceRevision:
    return _revised(session, job_id, _recognised(session, owner_id, job_id, n))


def _revised(session: Session, job_id: str, recognised: SentenceRevision) -> SentenceRevision:
    """The newest revision of a sentence."""
    row = session.scalars(
        select(Revision)
        .where(Revision.job_id == job_id, Revision.sentence == recognised.n)
        .order_by(Revision.revision.desc())
        .limit(1)
    ).one_or_none()
    return recognised if row is None else revised(recognised, row)


def _recognised(session: Session, owner_id: str, job_id: str, n: int) -> SentenceRevision:
    if not 0 <= n < _MOST_SENTENCES:
        raise SentenceNotFound
    # The one sentence: the whole of a five-hour transcript is three megabytes.
    value = _stored(session, owner_id, job_id, StoredTranscript.content["sentences", n])
    if value is not None:
        return from_json(n, value)
    first = session.scalars(
        select(Revision)
        .where(Revision.job_id == job_id, Revision.sentence == n)
        .order_by(Revision.revision)
        .limit(1)
    ).one_or_none()
    if first is None:
        raise SentenceNotFound
    return unrevised([], first)


def unrevised(recognised: Sequence[Any] | Mapping[int, Any], row: Revision) -> SentenceRevision:
    """State before all revisions of the sentence of `row`: an empty text for one that was split
    off. `recognised` are the recognised sentences as they are stored, by their numbers."""
    if row.origin is None:
        return from_json(row.sentence, recognised[row.sentence])
    return SentenceRevision(
        n=row.sentence,
        revision=0,
        text="",
        recognised_text="",
        start=row.start_s or 0.0,
        end=row.end_s or 0.0,
        origin=row.origin,
    )


def recognised_sentences(session: Session, owner_id: str, job_id: str) -> list[Any]:
    """The recognised sentences of a job as they are stored. Raises JobNotFound, TranscriptNotReady
    or TranscriptUnreadable."""
    whole = _stored(session, owner_id, job_id, StoredTranscript.content)
    sentences = whole.get("sentences") if isinstance(whole, dict) else None
    if not isinstance(sentences, list):
        raise TranscriptUnreadable
    return sentences


def some_recognised(
    session: Session, owner_id: str, job_id: str, numbers: Sequence[int]
) -> dict[int, Any]:
    """Those of these recognised sentences that there are, as they are stored, by their numbers.
    Raises as `recognised_sentences`."""
    asked = [n for n in numbers if 0 <= n < _MOST_SENTENCES]
    parts = [StoredTranscript.content["sentences", n] for n in asked]
    values = _stored_parts(session, owner_id, job_id, parts)
    return {n: value for n, value in zip(asked, values, strict=True) if value is not None}


def count_recognised(session: Session, job_id: str) -> int:
    """Count the recognised sentences of a job that has a transcript."""
    counted = json_array_length(session, StoredTranscript.content, "sentences")
    return session.scalar(select(counted).where(StoredTranscript.job_id == job_id)) or 0


def _stored(session: Session, owner_id: str, job_id: str, part: Any) -> Any:
    return _stored_parts(session, owner_id, job_id, [part])[0]


def _stored_parts(
    session: Session, owner_id: str, job_id: str, parts: Sequence[Any]
) -> Sequence[Any]:
    try:
        row = session.execute(
            select(Job.status, StoredTranscript.job_id, *parts)
            .outerjoin(StoredTranscript, StoredTranscript.job_id == Job.id)
            .where(Job.id == job_id, Job.owner_id == owner_id)
        ).one_or_none()
    except DBAPIError as error:  # SQLite looks for the part, and finds no JSON
        if is_unavailable(error):
            raise
        raise TranscriptUnreadable from error
    if row is None:
        raise JobNotFound
    if row[1] is None:
        raise TranscriptNotReady(
            f"This job is {row.status}; there is something to correct once it is completed."
        )
    if any(isinstance(value, UnreadableJson) for value in row[2:]):
        raise TranscriptUnreadable
    return row[2:]


def from_json(n: int, value: Any) -> SentenceRevision:
    try:
        text, start, end = value["text"], value["start"], value["end"]
    except (TypeError, LookupError):
        raise TranscriptUnreadable from None
    return SentenceRevision(n=n, revision=0, text=text, recognised_text=text, start=start, end=end)


def revised(unrevised: SentenceRevision, row: Revision) -> SentenceRevision:
    """A sentence as a revision of it left it."""
    is_retimed = row.start_s is not None and row.end_s is not None
    return replace(
        unrevised,
        start=row.start_s if row.start_s is not None else unrevised.start,
        end=row.end_s if row.end_s is not None else unrevised.end,
        retimed=is_retimed,
        revision=row.revision,
        text=row.text,
        editor_id=row.editor_id or None,
        at=row.at,
        rule=None if row.rule is None else Rule(row.rule),
    )
