"""Changes that rules made to a transcript's sentences: revisions, as a person's corrections are.

The recognised text stays.  A person's correction comes after a rule's revision, and every rule of a
transcript can be taken back and applied again at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.db import Database
from shared.models import Revision
from shared.search.texts import correct_texts
from shared.transcripts.corrections import recognised_texts
from shared.transcripts.values import Rule, Transcript

RuleTexts = Mapping[Rule, Mapping[int, str]]
"""Texts that each rule, in the order of applying them, wrote, by the number of the sentence."""

_ATTEMPTS = 3
"""Others may correct sentences at the very moment."""


@dataclass(frozen=True, slots=True)
class RuleChanges:
    """Number of sentences that read as a rule wrote them, and number that could again: those that a
    rule had changed and that read as recognised."""

    applied: int
    undone: int


class _Written(NamedTuple):
    """A revision, with the names of its columns."""

    sentence: int
    revision: int
    text: str
    rule: str | None
    start_s: float | None
    end_s: float | None


def store_rule_texts(session: Session, job_id: str, texts: RuleTexts) -> None:
    """Make these the first revisions of a transcript that this transaction stores."""
    newest: dict[int, int] = {}
    rows = []
    for rule, changed in texts.items():
        for n, text in changed.items():
            newest[n] = newest.get(n, 0) + 1
            rows.append(_row(job_id, n, newest[n], text, rule))
    if rows:
        session.execute(insert(Revision), rows)


def texts_after_rules(transcript: Transcript, texts: RuleTexts) -> list[str]:
    """The text of each sentence as the last rule left it."""
    after = [sentence.text for sentence in transcript.sentences]
    for changed in texts.values():
        for n, text in changed.items():
            after[n] = text
    return after


def rule_changes(db: Database, *, owner_id: str, job_id: str) -> RuleChanges:
    """Count what rules changed. Raises JobNotFound, TranscriptNotReady or TranscriptUnreadable."""
    with db.reading() as session:
        recognised = recognised_texts(session, owner_id, job_id)
        return _counted(_ruled_sentences(session, job_id), recognised)


def changes_of(db: Database, job_id: str, transcript: Transcript) -> RuleChanges:
    """Count what rules changed in a job's transcript, which was read with its corrections."""
    with db.reading() as session:
        ruled = session.scalars(
            select(Revision.sentence)
            .where(Revision.job_id == job_id, Revision.rule.is_not(None))
            .distinct()
        ).all()
    sentences = [transcript.sentences[n] for n in ruled]
    return RuleChanges(
        applied=sum(sentence.rule is not None for sentence in sentences),
        undone=sum(sentence.rule is None and not sentence.corrected for sentence in sentences),
    )


def apply_rules(db: Database, *, owner_id: str, job_id: str, applied: bool) -> RuleChanges:
    """Write the recognised text of every sentence that reads as a rule wrote it; with `applied`,
    write what the rules had written of every one that reads as it was recognised.

    What people wrote stays.  Repeating it changes nothing.  Raises as `rule_changes`.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with db.writing() as session:
                return _apply(session, owner_id, job_id, applied=applied)
        except IntegrityError:  # somebody corrected one of the sentences meanwhile
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _apply(session: Session, owner_id: str, job_id: str, *, applied: bool) -> RuleChanges:
    recognised = recognised_texts(session, owner_id, job_id)
    rows: list[dict[str, Any]] = []
    for n, (newest, by_rule) in _ruled_sentences(session, job_id).items():
        if applied and newest.text == recognised[n]:
            text, rule = by_rule.text, by_rule.rule
        elif not applied and newest.rule is not None:
            text, rule = recognised[n], None
        else:
            continue
        row = _row(job_id, n, newest.revision + 1, text, rule, editor_id=owner_id)
        rows.append(row | {"start_s": newest.start_s, "end_s": newest.end_s})
    if rows:
        session.execute(insert(Revision), rows)
        correct_texts(session, job_id, {row["sentence"]: row["text"] for row in rows})
    return _counted(_ruled_sentences(session, job_id), recognised)


def _ruled_sentences(session: Session, job_id: str) -> dict[int, tuple[_Written, _Written]]:
    """The newest revision of each sentence that a rule ever changed, and the newest by a rule."""
    rows = [
        _Written(*row)
        for row in session.execute(
            select(
                *(Revision.sentence, Revision.revision, Revision.text, Revision.rule),
                *(Revision.start_s, Revision.end_s),
            )
            .where(Revision.job_id == job_id, Revision.origin.is_(None))
            # By sentence too: two who apply rules at once would else wait for one another.
            .order_by(Revision.sentence, Revision.revision)
        )
    ]
    newest = {row.sentence: row for row in rows}
    return {row.sentence: (newest[row.sentence], row) for row in rows if row.rule is not None}


def _counted(
    sentences: Mapping[int, tuple[_Written, _Written]], recognised: Sequence[str]
) -> RuleChanges:
    newest = [row for row, _ in sentences.values()]
    return RuleChanges(
        applied=sum(row.rule is not None for row in newest),
        undone=sum(row.rule is None and row.text == recognised[row.sentence] for row in newest),
    )


def _row(
    job_id: str, n: int, revision: int, text: str, rule: str | None, *, editor_id: str = ""
) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "sentence": n,
        "revision": revision,
        "text": text,
        "rule": rule,
        "editor_id": editor_id,
    }
