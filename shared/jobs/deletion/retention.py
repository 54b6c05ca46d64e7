"""Deletion of jobs that were kept as long as LONGSCRIBE_RETENTION_DAYS or a rule of their owner's
groups says, and of their files.

What groups say is noted with a job when it is submitted, so that nothing that is here goes because
somebody came into a group, which a sign-in at a provider may bring about.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import audit
from shared.audit import Act
from shared.db import Database, database_now
from shared.dialects import told_limit
from shared.jobs.deletion.delete import delete_files, forget_recording, hold_recordings
from shared.models import Group, GroupMember, Job, in_one_of
from shared.search.entries import forget
from shared.speakers.kept.voice_keeping import drop_bare_names, keepers_of
from shared.states import TERMINAL
from shared.storage.blob_store import BlobStore
from shared.words.groups import may_be_in_groups
from shared.words.hotwords import drop_unused, sets_of_jobs
from shared.words.replacements.ended_groups import drop_ended, hold_ended

_BATCH = 10
"""Jobs deleted in one transaction, with thousands of segments each at the most; on SQLite, where
nobody writes meanwhile, taking an hour's words out of the search index takes 30 ms."""


def days_by_groups(session: Session, owner_id: str) -> int | None:
    """Days for which an owner's groups let keep what is submitted now: the fewest of all groups
    with a rule; None where no group has one."""
    if not may_be_in_groups(owner_id):
        return None
    return session.scalar(
        select(func.min(Group.kept_days))
        .join(GroupMember, GroupMember.group_id == Group.id)
        .where(GroupMember.user_id == owner_id)
    )


def group_rules(db: Database) -> list[int]:
    """The days for which jobs are kept by rules of groups, each once."""
    found: list[int] = []
    with db.reading() as session:
        while True:
            # One at a time by the index: there are few, of very many jobs perhaps.
            least = select(func.min(Job.kept_days)).where(Job.kept_days.is_not(None))
            days = session.scalar(least.where(Job.kept_days > found[-1]) if found else least)
            if days is None:
                return found
            found.append(days)


def delete_expired(
    db: Database, blobs: BlobStore, *, kept: timedelta, kept_days: int | None = None
) -> int:
    """Delete some of the jobs that ended longer than `kept` ago, or of those only that groups let
    keep for `kept_days`; how many. Call it again until it deletes none.

    Raises OSError where rows are gone and the storage cannot be used.  A job that is retried at
    this moment is either gone or queued, as for any two requests.
    """
    # PostgreSQL asks an index only for what it need not compute anew for each row.
    since = select(database_now(-kept.total_seconds())).scalar_subquery()
    with db.writing() as session:
        expired = (
            select(Job.id, Job.recording_id)
            .where(
                in_one_of(*TERMINAL),
                Job.completed_at < since,
                *([] if kept_days is None else [Job.kept_days == kept_days]),
            )
            .order_by(Job.completed_at)
            .limit(told_limit(_BATCH))
            .with_for_update(skip_locked=True)
        )
        held = session.execute(expired).all()
        if not held:
            return 0
        job_ids, recording_ids = [job_id for job_id, _ in held], {of for _, of in held}
        hold_recordings(session, recording_ids)
        forget(session, job_ids)
        hotwords, keepers = sets_of_jobs(session, job_ids), keepers_of(session, job_ids)
        ended_lists = hold_ended(session, job_ids)
        session.execute(
            sql_delete(Job).where(Job.id.in_(job_ids)).execution_options(synchronize_session=False)
        )
        audit.record_each(session, Act.JOB_EXPIRED, job_ids)
        keys = [
            key
            for recording_id in sorted(recording_ids)
            for key in forget_recording(session, recording_id)
        ]
        drop_ended(session, ended_lists)
        drop_unused(session, hotwords)
        drop_bare_names(session, keepers)
    delete_files(blobs, keys)
    return len(job_ids)
