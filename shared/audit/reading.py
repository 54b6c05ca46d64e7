"""The entries of the log, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select, union_all
from sqlalchemy.orm import aliased

from shared.audit.acts import Act, kind_of
from shared.db import Database, readable_rows
from shared.dialects import told_limit
from shared.models import ApiKey, AuditEntry, User
from shared.strict_json import stored_object

_PAGE = 500
"""Entries that an export reads at a time."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Conditions on entries; an entry has to fulfil all that are given."""

    account_id: str | None = None
    """Account that is the actor or the subject."""
    kind: str | None = None
    """Kind of object that the act is done to, or exactly this act. Acts of a later version are not
    found by their kind."""
    since: datetime | None = None
    until: datetime | None = None
    """Moment before which the act was done."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry, with the names that its accounts and its key have now."""

    id: int
    at: datetime
    act: str
    means: str
    actor_id: str | None
    actor_name: str | None
    key_id: str | None
    key_name: str | None
    address: str | None
    request_id: str | None
    object_id: str | None
    subject_id: str | None
    subject_name: str | None
    detail: dict[str, Any]

    @property
    def kind(self) -> str:
        return kind_of(self.act)


def page_of(
    db: Database, wanted: AuditFilter, *, most: int, before: int | None = None
) -> tuple[list[Entry], int | None]:
    """A page of entries, newest first, and `before` of the next; None at the end. Entries that
    cannot be read are left out, so that a page may have less than `most` and not be the last."""
    with db.reading() as session:
        ids = session.scalars(_newest(wanted, most + 1, before)).all()
        shown = ids[:most]
        if not shown:
            return [], None
        rows = readable_rows(session, _with_names().where(AuditEntry.id.in_(shown)))
    found = [Entry(**{**row._mapping, "detail": stored_object(row.detail)}) for row in rows]
    return found, shown[-1] if len(ids) > most else None


def every_entry(db: Database, wanted: AuditFilter) -> Iterator[Entry]:
    """Yield all entries, newest first, read some at a time. Those that are made meanwhile are not
    among them."""
    page, before = page_of(db, wanted, most=_PAGE)
    yield from page
    while before is not None:
        page, before = page_of(db, wanted, most=_PAGE, before=before)
        yield from page


def _with_names() -> Any:
    actor, subject = aliased(User), aliased(User)
    return (
        select(
            AuditEntry.id,
            AuditEntry.at,
            AuditEntry.act,
            AuditEntry.means,
            AuditEntry.actor_id,
            actor.name.label("actor_name"),
            AuditEntry.key_id,
            ApiKey.name.label("key_name"),
            AuditEntry.address,
            AuditEntry.request_id,
            AuditEntry.object_id,
            AuditEntry.subject_id,
            subject.name.label("subject_name"),
            AuditEntry.detail,
        )
        .outerjoin(actor, actor.id == AuditEntry.actor_id)
        .outerjoin(subject, subject.id == AuditEntry.subject_id)
        .outerjoin(ApiKey, ApiKey.id == AuditEntry.key_id)
        .order_by(AuditEntry.id.desc())
    )


def _newest(wanted: AuditFilter, most: int, before: int | None) -> Select[int]:
    """The ids of the newest entries, at most so many."""
    found = select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(told_limit(most))
    if before is not None:
        found = found.where(AuditEntry.id < before)
    if wanted.since is not None:
        found = found.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        found = found.where(AuditEntry.at < wanted.until)
    if wanted.account_id is not None:
        of_account = (AuditEntry.actor_id, AuditEntry.subject_id)
        found = found.where(or_(*(column == wanted.account_id for column in of_account)))
    if wanted.kind is None:
        return found
    acts = [act.value for act in Act if wanted.kind in (act.value, kind_of(act.value))]
    if wanted.account_id is not None or len(acts) < 2:
        return found.where(AuditEntry.act.in_(acts))
    # The newest of each act by an index, whose order is that of the ids within one act only: with
    # all acts in one condition those of a rare kind are looked for among all entries, or all of a
    # frequent kind are sorted.
    each = [found.where(AuditEntry.act == act).subquery() for act in acts]
    newest = union_all(*(select(one.c.id) for one in each)).subquery()
    return select(newest.c.id).order_by(newest.c.id.desc()).limit(told_limit(most))
