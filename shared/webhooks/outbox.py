"""Deliveries to be sent, written in the transaction of their event: none is sent for an event that
was rolled back, and none is lost for one that was committed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.orm import Session

from shared.db import database_now
from shared.models import Webhook, WebhookDelivery, is_waiting, new_id
from shared.states import EventKind
from shared.webhooks.errors import EarlierTestWaits, TooManyTests
from shared.webhooks.types import TEST_TYPE, TYPE_OF, stored_types

MOST_TESTS_AN_HOUR = 20
"""Tests of a webhook or a browser in an hour: each stays in its log as long as an event does."""

_TOLD_OF_DETAIL = ("code", "message")

_HOOKS = select(Webhook.id, Webhook.types).where(
    Webhook.owner_id == bindparam("owner"),
    Webhook.disabled_at.is_(None),
    Webhook.is_confirmed.is_(True),
)
"""Webhooks of an owner that are told of events."""


def note(
    session: Session,
    *,
    owner_id: str,
    job_id: str,
    kind: EventKind,
    at: datetime,
    detail: Mapping[str, Any],
) -> None:
    """Put an event of a job into the outbox of each webhook of its owner that wants it.

    Deliveries of a job have ids in the order of its events: whoever writes them holds the lock on
    the job's row.
    """
    type_ = TYPE_OF.get(kind)
    if type_ is None:
        return
    hooks = session.execute(_HOOKS, {"owner": owner_id}).all()
    told = {name: detail[name] for name in _TOLD_OF_DETAIL if name in detail}
    rows = [
        delivery(hook.id, job_id=job_id, type_=type_.value, at=at, detail=told)
        for hook in hooks
        if (wanted := stored_types(hook.types)) is None or type_ in wanted
    ]
    if rows:
        session.execute(insert(WebhookDelivery), rows)


def delivery(
    webhook_id: str, *, job_id: str | None, type_: str, at: datetime, detail: dict[str, Any]
) -> dict[str, Any]:
    """The values of a new row of the outbox."""
    return {
        "webhook_id": webhook_id,
        "message_id": f"msg_{new_id()}",
        "job_id": job_id,
        "type": type_,
        "at": at,
        "detail": detail,
    }


def note_test(session: Session, row: Webhook) -> None:
    """Put a test of a webhook or a browser, which is held, into its outbox; it goes out now and
    once. Raises EarlierTestWaits while one is not sent yet, or TooManyTests."""
    of_row = (WebhookDelivery.webhook_id == row.id, WebhookDelivery.type == TEST_TYPE)
    # A test is of no job: by that the index of those that wait finds it.
    waiting = select(WebhookDelivery.id).where(
        *of_row, WebhookDelivery.job_id.is_(None), is_waiting(WebhookDelivery)
    )
    if session.scalar(waiting.limit(1)) is not None:
        raise EarlierTestWaits
    recent = (
        select(func.count())
        .select_from(WebhookDelivery)
        .where(*of_row, WebhookDelivery.at > database_now(-3600.0))
    )
    if (session.scalar(recent) or 0) >= MOST_TESTS_AN_HOUR:
        raise TooManyTests
    row.paused_until = None
    now = session.scalars(select(database_now())).one()
    values = delivery(row.id, job_id=None, type_=TEST_TYPE, at=now, detail={})
    session.execute(insert(WebhookDelivery), [values])
