"""Log of a webhook: the deliveries sent and waiting, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from shared.db import Database
from shared.models import Webhook, WebhookDelivery
from shared.states import ChannelKind
from shared.webhooks.errors import WebhookNotFound
from shared.webhooks.types import DeliveryState


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
