"""Digest of everything stored that an answer about jobs shows: whether it has changed since is
known without making the answer again.

Read straight from the rows, so a column that is added counts until somebody says in `_NOT_SHOWN`
that nobody is shown it. What other tables say of a job, its place among the others and the workers
that live, is `shared.jobs.eta.recent_positions`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    String,
    Text,
    and_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.orm import aliased

from shared.accounts import Credential, SessionLimits
from shared.accounts.credentials import CredentialKind, select_account
from shared.db import Database
from shared.jobs.queries.page_ids import select_page_ids
from shared.models import (
    AnnotationEdit,
    Attempt,
    GroupMember,
    Job,
    JobEvent,
    MinutesEvent,
    MinutesRequest,
    NamedReportTemplate,
    Recording,
    Revision,
    SharingEvent,
    SpeakerEdit,
    VoiceKeeping,
)
from shared.models.base import Base
from shared.states import JobStatus

_NOT_SHOWN: dict[type[Base], frozenset[str]] = {
    # Moves with every heartbeat.
    Job: frozenset({"lease_expires_at", "idempotency_key", "request_digest"}),
    Attempt: frozenset({"id", "job_id", "last_write"}),
    Recording: frozenset({"id", "owner_id", "blob_key", "folded_name", "folded_details", "sha256"}),
}
"""Columns by which no answer differs."""

_NOT_LISTED = frozenset({"recording_report"})
"""Columns that are shown of a single job only."""


@dataclass(frozen=True, slots=True)
class JobSelection:
    """Selection of the jobs that an answer shows: a single one, or those on one page of a list."""

    job_id: str | None = None
    statuses: tuple[JobStatus, ...] = ()
    """States of a list that are listed; none named: all."""
    cursor: str | None = None
    limit: int = 0
    """Jobs of a list's page, and one more to tell whether another page follows."""


def stored_state(
    db: Database,
    selection: JobSelection,
    *,
    of: Credential | str,
    limits: SessionLimits,
) -> bytes | None:
    """The digest of all that is stored of the selected jobs. `of`: the owner's id, or the
    credential of a request, which is checked in the same statement.

    None where there is no such job, the credential opens nothing or its use has to be noted, or the
    database does not answer: whoever makes the whole answer finds out.
    """
    kind = of.kind if isinstance(of, Credential) else None
    values: dict[str, Any] = {"of": of.sha256 if isinstance(of, Credential) else of}
    if selection.job_id is not None:
        statement = _single(kind, limits)
        values["job_id"] = selection.job_id
    else:
        statement = _page(kind, limits, selection.statuses, selection.cursor is not None)
        values["rows"] = selection.limit
        if selection.cursor is not None:
            values["cursor"] = selection.cursor
    rows = db.peek(statement, values)
    return hashlib.blake2b(repr(rows).encode(), digest_size=16).digest() if rows else None


@cache
def _single(kind: CredentialKind | None, limits: SessionLimits) -> Select[Any]:
    return _rows(with_report=True).where(
        Job.id == bindparam("job_id", type_=String), Job.owner_id == _owner(kind, limits)
    )


@cache
def _page(
    kind: CredentialKind | None,
    limits: SessionLimits,
    statuses: tuple[JobStatus, ...],
    from_cursor: bool,
) -> Select[Any]:
    cursor: Any = bindparam("cursor", type_=String) if from_cursor else None
    page = select_page_ids(_owner(kind, limits), statuses, cursor, bindparam("rows"))
    return _rows(with_report=False).where(Job.id.in_(page))


def _owner(kind: CredentialKind | None, limits: SessionLimits) -> Any:
    given: Any = bindparam("of", type_=String)
    return given if kind is None else select_account(kind, given, limits)


def _rows(*, with_report: bool) -> Select[Any]:
    """Select a row for each attempt of a job, or one where there is none."""
    hidden = frozenset() if with_report else _NOT_LISTED
    newest_event = select(func.max(JobEvent.id)).where(JobEvent.job_id == Job.id)
    newest_revision = select(func.max(Revision.id)).where(Revision.job_id == Job.id)
    newest_edit = select(func.max(AnnotationEdit.number)).where(AnnotationEdit.job_id == Job.id)
    rows = (
        select(
            *_shown(Job, hidden),
            *_shown(Recording),
            *_shown(Attempt),
            # Grow with whatever happens: nothing that happened and was undone looks as before.
            newest_event.correlate(Job).scalar_subquery(),
            newest_revision.correlate(Job).scalar_subquery(),
            newest_edit.correlate(Job).scalar_subquery(),
        )
        .join(Recording, Recording.id == Job.recording_id)
        .outerjoin(Attempt, Attempt.job_id == Job.id)
        .order_by(Job.id.desc(), Attempt.number)
    )
    return _with_what_a_page_shows(rows) if with_report else rows


def _with_what_a_page_shows(rows: Select[Any]) -> Select[Any]:
    """Add what a job's page alone shows: who may see it, who speaks, the minutes, the other jobs of
    its recording, and the templates that its owner may choose, their own and their groups'."""
    newest_sharing = select(func.max(SharingEvent.id)).where(SharingEvent.job_id == Job.id)
    keeps_voices = select(VoiceKeeping.owner_id).where(VoiceKeeping.owner_id == Job.owner_id)
    newest_speaker_edit = select(func.max(SpeakerEdit.number)).where(SpeakerEdit.job_id == Job.id)
    newest_minutes_event = select(func.max(MinutesEvent.id)).where(
        MinutesEvent.request_id == MinutesRequest.id
    )
    other = aliased(Job)
    others = other.recording_id == Job.recording_id
    kept_at, keeper = NamedReportTemplate.at, NamedReportTemplate.owner_id
    of_groups = and_(keeper == GroupMember.group_id, GroupMember.user_id == Job.owner_id)
    return rows.outerjoin(MinutesRequest, MinutesRequest.job_id == Job.id).add_columns(
        newest_sharing.correlate(Job).scalar_subquery(),
        newest_speaker_edit.correlate(Job).scalar_subquery(),
        keeps_voices.correlate(Job).scalar_subquery(),
        # Each change of the status is an event, each of the text a revision.
        MinutesRequest.id,
        MinutesRequest.revision,
        MinutesRequest.answers_done,
        MinutesRequest.answers_planned,
        newest_minutes_event.correlate(MinutesRequest).scalar_subquery(),
        # By number and newest: of what comes, goes or is replaced one of the two tells.
        *(
            select(one).where(those).correlate(Job).scalar_subquery()
            for those, newest in (
                (others, other.id),
                (keeper == Job.owner_id, kept_at),
                (of_groups, kept_at),
            )
            for one in (func.count(newest), func.max(newest))
        ),
    )


def _shown(table: type[Base], hidden: frozenset[str] = frozenset()) -> Iterator[ColumnElement[Any]]:
    for column in table.__table__.columns:
        if column.name not in _NOT_SHOWN[table] | hidden:
            # As text: the driver would parse what is only compared.
            yield cast(column, Text) if isinstance(column.type, JSON) else column
