"""The names of those who changed a transcript, as far as a reader is told."""

from __future__ import annotations

from sqlalchemy import select, union

from shared.db import Database
from shared.models import AnnotationEdit, Revision, SpeakerEdit, User
from shared.sharing.access import JobAccess


def editor_names(db: Database, access: JobAccess) -> dict[str, str]:
    """The names of those who corrected a transcript or annotated it, by the ids that its
    revisions have.

    Its owner is told all. A colleague is told the owner's and their own: that others have an
    account here is no business of theirs.
    """
    told = {access.owner_id, access.person_id}
    with db.reading() as session:
        if not access.is_shared:
            of_job = union(
                select(Revision.editor_id).where(Revision.job_id == access.job_id),
                select(SpeakerEdit.editor_id).where(SpeakerEdit.job_id == access.job_id),
                select(AnnotationEdit.editor_id).where(AnnotationEdit.job_id == access.job_id),
            )
            told |= set(session.scalars(of_job))
        rows = session.execute(select(User.id, User.name).where(User.id.in_(told)))
        return {row.id: row.name for row in rows}
