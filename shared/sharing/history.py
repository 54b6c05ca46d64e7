"""The history of who may see a job: who was let in, and when that ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared import audit
from shared.audit import Act
from shared.db import Database
from shared.errors import JobNotFound
from shared.models import Job, SharingEvent

KEPT_CHANGES = 1000
"""Changes of a job's shares that are kept. A script that shares and withdraws for ever would else
fill the disk."""


class SharingChange(StrEnum):
    """Kind of change to who may see a job."""

    SHARED = "shared"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    LINK_MADE = "link_made"
    LINK_WITHDRAWN = "link_withdrawn"


_ACTS = {
    SharingChange.SHARED: Act.SHARED,
    SharingChange.CHANGED: Act.SHARE_CHANGED,
    SharingChange.WITHDRAWN: Act.SHARE_WITHDRAWN,
    SharingChange.LINK_MADE: Act.LINK_MADE,
    SharingChange.LINK_WITHDRAWN: Act.LINK_WITHDRAWN,
}
_TOLD = ("level", "with_sound", "days", "group")
"""Values of a change that the audit log tells: it names nobody."""


@dataclass(frozen=True, slots=True)
class SharingRecord:
    """A change: `detail` has the `name` of the colleague or of the link, and the `level`."""

    kind: SharingChange
    at: datetime
    detail: Mapping[str, Any]
    editor_id: str


def add_change(
    session: Session,
    job: Job,
    kind: SharingChange,
    detail: Mapping[str, Any],
    *,
    editor_id: str,
    person_id: str | None = None,
) -> None:
    """Keep a change of a job that `owned_job` gave, in the transaction that makes it, here and in
    the audit log. `person_id`: the account that it is shared with."""
    session.add(
        SharingEvent(job_id=job.id, kind=kind.value, detail=dict(detail), editor_id=editor_id)
    )
    session.flush()
    told = {name: detail[name] for name in _TOLD if name in detail}
    if "group" in detail:  # its name is no person's
        told["name"] = detail["name"]
    audit.record(session, _ACTS[kind], object_id=job.id, subject_id=person_id, **told)
    oldest = session.scalar(
        select(SharingEvent.id)
        .where(SharingEvent.job_id == job.id)
        .order_by(SharingEvent.id.desc())
        .offset(KEPT_CHANGES)
        .limit(1)
    )
    if oldest is not None:
        session.execute(
            delete(SharingEvent)
            .where(SharingEvent.job_id == job.id, SharingEvent.id <= oldest)
            .execution_options(synchronize_session=False)
        )


def sharing_history(db: Database, *, owner_id: str, job_id: str) -> list[SharingRecord]:
    """List the kept changes, oldest first; rows that cannot be read are left out. Raises
    JobNotFound."""
    with db.reading() as session:
        if not session.scalar(select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id)):
            raise JobNotFound
        rows = session.scalars(
            select(SharingEvent).where(SharingEvent.job_id == job_id).order_by(SharingEvent.id)
        ).all()
    return [
        SharingRecord(SharingChange(row.kind), row.at, row.detail, row.editor_id)
        for row in rows
        if row.kind in set(SharingChange) and isinstance(row.detail, dict)
    ]
