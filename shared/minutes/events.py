"""Events of a request for minutes, recorded in the transaction in which they happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from shared.jobs.events import NewEvent
from shared.models import MinutesEvent
from shared.states import EventKind
from shared.strict_json import stored_object

KEPT_EVENTS = 100


@dataclass(frozen=True, slots=True)
class MinutesEventRecord:
    """An event as it is stored."""

    at: datetime
    kind: EventKind
    attempt: int | None
    detail: Mapping[str, Any]


def record(session: Session, request_id: str, event: NewEvent) -> None:
    """Write an event into the transaction of `session`, which holds the lock on the request's row.
    The newest KEPT_EVENTS stay."""
    session.execute(
        insert(MinutesEvent).values(
            request_id=request_id,
            kind=event.kind.value,
            attempt=event.attempt,
            detail=dict(event.detail),
        )
    )
    oldest_kept = (
        select(MinutesEvent.id)
        .where(MinutesEvent.request_id == request_id)
        .order_by(MinutesEvent.id.desc())
        .limit(1)
        .offset(KEPT_EVENTS - 1)
        .scalar_subquery()
    )
    session.execute(
        delete(MinutesEvent)
        .where(MinutesEvent.request_id == request_id, MinutesEvent.id < oldest_kept)
        .execution_options(synchronize_session=False)
    )


def events_of(session: Session, request_id: str) -> list[MinutesEventRecord]:
    """List the events of a request, oldest first."""
    rows = session.scalars(
        select(MinutesEvent).where(MinutesEvent.request_id == request_id).order_by(MinutesEvent.id)
    )
    return [
        MinutesEventRecord(row.at, EventKind(row.kind), row.attempt, stored_object(row.detail))
        for row in rows
    ]
