"""Facts about a job that the files of its transcript state."""

from __future__ import annotations

from shared import jobs
from shared.annotations.marks import read_marks
from shared.db import Database
from shared.export.formats import Format
from shared.export.options import FileMark, Provenance
from shared.words.job_terms import terms_of_job


def provenance_of(
    db: Database, owner_id: str, job: jobs.JobRecord, format_: Format | None = None
) -> Provenance:
    """Read what a file says beside the text, and what a format that breaks lines keeps whole.
    Raises JobNotFound."""
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
        terms=terms_of_job(db, job.id) if format_ and format_.breaks_lines else (),
    )
