"""Checkpoints of a job: the stages that are not repeated once all of its words are stored.

Decoding and recognition are one checkpoint, punctuation is the next.  Reaching the first begins the
count of lost attempts anew, once for each plan: what was lost on the way to the words says nothing
of what is left to do, and the number of attempts stays bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from shared.db import Database
from shared.jobs.attempt_end import failures_with_this
from shared.jobs.claim import Claim
from shared.jobs.lease import renew
from shared.jobs.queries.records import stored_report
from shared.jobs.resumable_plan import require_all_recognised
from shared.models import Checkpoint, Job
from shared.states import Stage
from shared.transcripts.recording_report import RecordingReport


@dataclass(frozen=True, slots=True)
class Recognition:
    """Result of recognition beside the words, stored once all words are committed."""

    duration_s: float
    warnings: list[str]
    """Codes of what recognition noted."""
    report: RecordingReport | None = None
    """Report on the recording; None where an earlier version of the program decoded it."""
    takes: tuple[tuple[int, str | None], ...] = ()
    """First sample of each take, and the name of its speaker or None. Empty: one take, of nobody in
    particular."""

    @property
    def warning_codes(self) -> list[str]:
        """Codes of all warnings, each once: those of recognition, then those of the report."""
        reported = self.report.warnings if self.report else ()
        return list(dict.fromkeys([*self.warnings, *(warning.code.value for warning in reported)]))


def stored_recognition(db: Database, claim: Claim, plan_key: str) -> Recognition | None:
    """The result that `store_recognition` stored under this key; None until the plan is complete
    and all of its segments have their words."""
    content = _content(db, claim, plan_key, Stage.RECOGNISING)
    if content is None:
        return None
    with db.reading() as session:
        report = session.scalar(select(Job.recording_report).where(Job.id == claim.job_id))
    takes = tuple((start, speaker) for start, speaker in content.get("takes", ()))
    return Recognition(**content | {"takes": takes}, report=stored_report(report))


def store_recognition(db: Database, claim: Claim, plan_key: str, recognition: Recognition) -> None:
    """Keep that every word is committed, so that no later attempt reads the recording again, and
    the report with the job, which it outlives.

    Raises RecognitionFailed if a planned segment has no result.
    """
    with db.writing() as session:
        report = recognition.report.to_json() if recognition.report else None
        renew(session, claim, failed_attempts=0, recording_report=report)
        require_all_recognised(session, claim)
        content = {
            "duration_s": recognition.duration_s,
            "warnings": recognition.warnings,
            "takes": [list(take) for take in recognition.takes],
        }
        _store(session, claim, plan_key, Stage.RECOGNISING, content)


def stored_marks(db: Database, claim: Claim, plan_key: str) -> list[str] | None:
    """The mark after each word of the plan, in their order; None until there are any."""
    content = _content(db, claim, plan_key, Stage.PUNCTUATING)
    return None if content is None else list(content["marks"])


def store_marks(db: Database, claim: Claim, plan_key: str, marks: list[str]) -> None:
    """Keep the mark after each word, so that no later attempt punctuates again."""
    with db.writing() as session:
        renew(session, claim)
        _store(session, claim, plan_key, Stage.PUNCTUATING, {"marks": marks})


def is_last_attempt(db: Database, claim: Claim, *, max_attempts: int) -> bool:
    """Return whether the job fails for good if this attempt is lost."""
    with db.reading() as session:
        failures, allowed = failures_with_this(session, claim.job_id, max_attempts)
        return failures >= allowed


def _content(db: Database, claim: Claim, plan_key: str, stage: Stage) -> dict[str, Any] | None:
    with db.reading() as session:
        return session.scalar(
            select(Checkpoint.content)
            .join(Job, Job.id == Checkpoint.job_id)
            .where(
                Checkpoint.job_id == claim.job_id,
                Checkpoint.stage == stage.value,
                Checkpoint.plan_key == plan_key,
                Job.plan_key == plan_key,
            )
        )


def _store(
    session: Session, claim: Claim, plan_key: str, stage: Stage, content: dict[str, Any]
) -> None:
    session.execute(
        delete(Checkpoint).where(Checkpoint.job_id == claim.job_id, Checkpoint.stage == stage.value)
    )
    session.execute(
        insert(Checkpoint).values(
            job_id=claim.job_id, stage=stage.value, plan_key=plan_key, content=content
        )
    )
