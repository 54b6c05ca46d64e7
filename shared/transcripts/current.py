"""A transcript as it reads now: the recognised one with the newest revision of each sentence."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.models import Revision
from shared.transcripts.realign import corrected
from shared.transcripts.values import Rule, Sentence, Transcript, Word


def with_corrections(
    session: Session, job_id: str, transcript: Transcript, *, words: bool = True
) -> Transcript:
    """The recognised transcript of a job with the newest revision of each sentence; `words` says
    whether it has any, which then get their times. Sentences that were split off come last: each
    stands at its number."""
    newest = (
        select(Revision.sentence, func.max(Revision.revision).label("revision"))
        .where(Revision.job_id == job_id)
        .group_by(Revision.sentence)
        .subquery()
    )
    rows = session.execute(
        select(
            *(Revision.sentence, Revision.revision, Revision.text, Revision.rule),
            *(Revision.start_s, Revision.end_s, Revision.origin),
        )
        .join(
            newest,
            (Revision.sentence == newest.c.sentence) & (Revision.revision == newest.c.revision),
        )
        .where(Revision.job_id == job_id)
        .order_by(Revision.sentence)
    ).all()
    if not rows:
        return transcript
    spoken = _Spoken(transcript) if any(row.start_s is not None for row in rows) else None
    sentences = list(transcript.sentences)
    for row in rows:
        if row.origin is not None:
            sentences.append(_split_off(sentences[row.origin], row))
        one = _revised(sentences[row.sentence], row, spoken, words=words)
        sentences[row.sentence] = replace(one, rule=None if row.rule is None else Rule(row.rule))
    return replace(transcript, sentences=tuple(sentences))


def _split_off(origin: Sentence, row: Any) -> Sentence:
    return Sentence(
        start=row.start_s,
        end=row.end_s,
        text="",
        speaker=origin.speaker,
        n=row.sentence,
        origin=row.origin,
    )


def _revised(sentence: Sentence, row: Any, spoken: _Spoken | None, *, words: bool) -> Sentence:
    text = row.text
    if row.start_s is not None and spoken is not None:
        moved = replace(sentence, start=row.start_s, end=row.end_s, retimed=True)
        said = spoken.between(moved.start, moved.end) if words else ()
        sentence = replace(moved, words=said)
    elif text == sentence.text:
        return replace(sentence, revision=row.revision)
    revised = corrected(sentence, text) if words else replace(sentence, text=text)
    return replace(revised, revision=row.revision, corrected=text != sentence.text)


class _Spoken:
    """Recognised words of a transcript, sorted by the time at which they are said."""

    def __init__(self, transcript: Transcript) -> None:
        words = [word for sentence in transcript.sentences for word in sentence.words]
        self.words: Sequence[Word] = sorted(words, key=attrgetter("start"))
        self.middles = [(word.start + word.end) / 2 for word in self.words]

    def between(self, start: float, end: float) -> tuple[Word, ...]:
        """The words whose middle is in this span."""
        first, last = bisect_left(self.middles, start), bisect_right(self.middles, end)
        return tuple(self.words[first:last])
