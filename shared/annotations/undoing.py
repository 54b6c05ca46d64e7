"""Undoing of changes to a recording's annotations."""

from __future__ import annotations

from shared.annotations import details, marks
from shared.annotations.edits import AnnotationEditKind, edit_in, owned_job
from shared.db import Database


def undo(db: Database, *, owner_id: str, job_id: str, number: int, editor_id: str) -> None:
    """Make what an edit changed as it was before it. That is an edit too, and can be undone.

    Raises JobNotFound or EditNotFound, or InvalidRequest where more marks would come back than a
    recording may have.
    """
    with db.writing() as session:
        job = owned_job(session, owner_id, job_id, with_others=True)
        edit = edit_in(session, job, number)
        if edit.kind is AnnotationEditKind.MARKS:
            marks.restore_in(session, job, edit, editor_id=editor_id)
            return
        details.change_in(
            session,
            job,
            details.checked_json(edit.before),
            editor_id=editor_id,
            undoes=edit.number,
        )
