"""The erasure of an account with all that is its.

`ask` ends all that its person could still do, at once. `go_on` cancels what runs, deletes what can
be deleted, and is called again until nothing is left: by whoever asked for as long as a request may
take, and then by the sweep of a worker, so that a crash in between leaves an account that nobody
uses and whose erasure goes on.  What stays is in `Held.stays`, and names no more than a number.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Delete, Table, and_, delete, func, select, update
from sqlalchemy.orm import Session

from shared import accounts, audit, jobs
from shared.accounts.advisory_lock import one_at_a_time
from shared.audit import Act
from shared.db import Database, database_now
from shared.errors import UploadBusy
from shared.fetches.requests import cancelling
from shared.models import (
    ApiKey,
    Base,
    Fetch,
    HotwordList,
    Job,
    Reservation,
    Upload,
    User,
    Webhook,
    WebhookDelivery,
)
from shared.owner_data.rows import belongs
from shared.owner_data.tables import OF_OWNER
from shared.states import JobStatus
from shared.storage import uploads
from shared.storage.blob_store import BlobStore
from shared.words.hotwords import drop_unused

SETTLES_S = 60.0
"""Requests that were on their way when an erasure was asked for have ended after so long; only
then the account's last row goes, so that nothing is left that they wrote."""

_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Left:
    """Number of items that an erasure has still to delete."""

    jobs: int
    running: int
    """Jobs among them that a worker is on, which stops within a batch."""
    others: int
    """Uploads and fetches."""

    @property
    def nothing(self) -> bool:
        """Return whether only the account's own row is left."""
        return not (self.jobs or self.others)


def ask(db: Database, user_id: str) -> None:
    """Begin an erasure, which nothing takes back: nobody signs in with the account any more, its
    keys end, and nothing more is sent to its webhooks. Asking twice is no error.

    Raises AccountNotFound or LastAdministrator.
    """
    accounts.disable(db, user_id)
    with db.writing() as session:
        one_at_a_time(session)
        asked = session.execute(
            update(User)
            .where(User.id == user_id, User.erase_asked_at.is_(None))
            .values(erase_asked_at=database_now(), disabled_at=database_now())
            .execution_options(synchronize_session=False)
            .returning(User.id)
        ).one_or_none()
        session.execute(_of(ApiKey, ApiKey.user_id == user_id))
        if asked is not None:
            audit.record(session, Act.ERASURE_ASKED, object_id=user_id, subject_id=user_id)


def asked_for(db: Database) -> list[str]:
    """The accounts that are being erased."""
    with db.reading() as session:
        wanted = select(User.id).where(User.erase_asked_at.is_not(None)).order_by(User.id)
        return list(session.scalars(wanted))


def go_on(
    db: Database,
    blobs: BlobStore,
    user_id: str,
    *,
    within_s: float,
    settled_s: float = SETTLES_S,
) -> Left:
    """Go on with an erasure that was asked for, for about `within_s` seconds; what is left.

    Raises OSError where rows are gone and the storage cannot be used: what it holds then is found
    by `longscribe doctor`.
    """
    ends_at = time.monotonic() + within_s
    _stop(db, user_id)
    while job_ids := _deletable(db, user_id):
        jobs.delete_all(db, blobs, owner_id=user_id, job_ids=job_ids)
        if time.monotonic() > ends_at:
            return _left(db, user_id)
    for upload_id in _upload_ids(db, user_id):
        try:
            uploads.remove(db, blobs, owner_id=user_id, upload_id=upload_id)
        except UploadBusy:  # a request writes to it; the next time it is gone
            continue
    left = _left(db, user_id)
    if left.nothing:
        _delete_rows(db, user_id, settled_s=settled_s)
    return left


def _stop(db: Database, user_id: str) -> None:
    """Cancel what workers are at, and what is fetched."""
    running = (JobStatus.PROCESSING.value, JobStatus.QUEUED.value)
    with db.reading() as session:
        wanted = select(Job.id).where(Job.owner_id == user_id, Job.status.in_(running))
        job_ids = session.scalars(wanted).all()
    jobs.cancel_all(db, owner_id=user_id, job_ids=job_ids)
    with db.writing() as session:
        session.execute(cancelling(Fetch.owner_id == user_id))


def _deletable(db: Database, user_id: str) -> list[str]:
    states = [state.value for state in jobs.DELETABLE]
    with db.reading() as session:
        wanted = select(Job.id).where(Job.owner_id == user_id, Job.status.in_(states))
        return list(session.scalars(wanted.order_by(Job.id).limit(_AT_ONCE)))


def _upload_ids(db: Database, user_id: str) -> list[str]:
    with db.reading() as session:
        return list(session.scalars(select(Upload.id).where(Upload.owner_id == user_id)))


def _left(db: Database, user_id: str) -> Left:
    with db.reading() as session:
        return _left_in(session, user_id)


def _left_in(session: Session, user_id: str) -> Left:
    still = (JobStatus.PROCESSING.value, JobStatus.CANCELLING.value)
    of_jobs = session.execute(
        select(func.count(), func.count().filter(Job.status.in_(still))).where(
            Job.owner_id == user_id
        )
    ).one()
    conditions = (
        (Upload, Upload.owner_id == user_id),
        (Fetch, and_(Fetch.owner_id == user_id, Fetch.lease_expires_at > database_now())),
        (
            Reservation,
            and_(Reservation.owner_id == user_id, Reservation.expires_at > database_now()),
        ),
    )
    others = sum(
        session.scalar(select(func.count()).select_from(table).where(condition)) or 0
        for table, condition in conditions
    )
    return Left(of_jobs[0], of_jobs[1], others)


def _delete_rows(db: Database, user_id: str, *, settled_s: float) -> None:
    """Delete what is left of an account, in one transaction: all but its own row at once, and that
    once requests that were on their way have ended."""
    with db.writing() as session:
        one_at_a_time(session)
        is_settled = session.scalar(
            select(User.id).where(
                User.id == user_id, User.erase_asked_at <= database_now(-settled_s)
            )
        )
        if not _left_in(session, user_id).nothing:  # a request was on its way
            return
        digests = session.scalars(
            select(HotwordList.digest).where(HotwordList.owner_id == user_id)
        ).all()
        hooks = select(Webhook.id).where(Webhook.owner_id == user_id)
        session.execute(_of(WebhookDelivery, WebhookDelivery.webhook_id.in_(hooks)))
        for table in reversed(Base.metadata.sorted_tables):
            held = OF_OWNER.get(table.name)
            if held is None or held.stays or table.name == User.__tablename__:
                continue
            session.execute(_of(table, belongs(table, held, user_id)))
        drop_unused(session, digests)
        audit.take_out_person(session, user_id)
        if is_settled is not None:
            session.execute(_of(User, User.id == user_id))
            audit.record(session, Act.ERASED, object_id=user_id, subject_id=user_id)


def _of(table: type[Base] | Table, condition: ColumnElement[bool]) -> Delete:
    return delete(table).where(condition).execution_options(synchronize_session=False)
