"""Log of a webhook: the deliveries sent and waiting, newest first, and the deletion of old ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select

from shared.db import Database, database_now
from shared.models import Webhook, WebhookDelivery, has_ended, is_waiting
from shared.states import ChannelKind
from shared.webhooks.errors import WebhookNotFound
from shared.webhooks.types import DeliveryState

KEPT_DAYS = 14
"""Days for which a delivery is kept after its end, and after it was due where its webhook is
switched off or nothing of its kind is sent any more."""

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """Event for one webhook, and the state of its delivery."""

    id: int
    message_id: str
    type: str
    job_id: str | None
    at: datetime
    state: DeliveryState
    attempts: int
    tried_at: datetime | None
    due_at: datetime | None
    """Time at which it is sent next; None once it is not sent any more."""
    status_code: int | None
    problem: str | None
    answer: str
    took_s: float | None


def deliveries_of(
    db: Database, *, owner_id: str, webhook_id: str, most: int, before: int | None = None
) -> list[Delivery]:
    """The newest of a webhook, before the one with the id `before`. Raises WebhookNotFound."""
    with db.reading() as session:
        owned = select(Webhook.id).where(
            Webhook.id == webhook_id,
            Webhook.owner_id == owner_id,
            Webhook.kind == ChannelKind.WEBHOOK.value,
        )
        if session.scalar(owned) is None:
            raise WebhookNotFound
        wanted = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
        if before is not None:
            wanted = wanted.where(WebhookDelivery.id < before)
        rows = session.scalars(wanted.order_by(WebhookDelivery.id.desc()).limit(most)).all()
    return [_delivery(row) for row in rows]


def sweep(db: Database, *, sent: Collection[ChannelKind]) -> int:
    """Delete some of the deliveries that were kept long enough, and of those whose webhook is
    deleted; how many. Call it again until it deletes none.

    What waits is kept where it will be sent, which is to channels of the kinds `sent` that are not
    switched off: no worker may have run for as long.
    """
    long_ago = database_now(-KEPT_DAYS * 86400.0)
    with db.reading() as session:
        hooks = select(Webhook.id)
        served = hooks.where(
            Webhook.disabled_at.is_(None), Webhook.kind.in_([kind.value for kind in sent])
        )
        old = select(WebhookDelivery.id).where(
            has_ended(WebhookDelivery), WebhookDelivery.ended_at < long_ago
        )
        left = select(WebhookDelivery.id).where(
            is_waiting(WebhookDelivery),
            or_(
                (WebhookDelivery.due_at < long_ago) & WebhookDelivery.webhook_id.not_in(served),
                WebhookDelivery.webhook_id.not_in(hooks),
            ),
        )
        ids = [*session.scalars(old.limit(_BATCH)), *session.scalars(left.limit(_BATCH))]
    if not ids:
        return 0
    with db.writing() as session:
        session.execute(
            delete(WebhookDelivery)
            .where(WebhookDelivery.id.in_(ids))
            .execution_options(synchronize_session=False)
        )
    return len(ids)


def _delivery(row: WebhookDelivery) -> Delivery:
    state = DeliveryState(row.state)
    return Delivery(
        id=row.id,
        message_id=row.message_id,
        type=row.type,
        job_id=row.job_id,
        at=row.at,
        state=state,
        attempts=row.attempts,
        tried_at=row.tried_at,
        due_at=row.due_at if state is DeliveryState.WAITING else None,
        status_code=row.status_code,
        problem=row.problem,
        answer=row.answer or "",
        took_s=row.took_s,
    )
