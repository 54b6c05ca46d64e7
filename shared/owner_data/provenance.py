"""What a file of a transcript tells of its job."""

from __future__ import annotations

from shared import jobs
from shared.annotations.marks import read_marks
from shared.db import Database
from shared.export.options import FileMark, Provenance


def provenance_of(db: Database, owner_id: str, job: jobs.JobRecord) -> Provenance:
    """Read what a file says beside the text. Raises JobNotFound."""
    found = read_marks(db, owner_id=owner_id, job_id=job.id)
    return Provenance(
        job.id,
        job.recording.title,
        job.completed_at,
        day=job.day,
        people=job.recording.details.people,
        marks=tuple(
            FileMark(mark.kind.value, mark.at_s, mark.text, mark.who, mark.due) for mark in found
        ),
    )
