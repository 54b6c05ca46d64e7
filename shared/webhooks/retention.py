"""Deletion of deliveries that were kept long enough."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, or_, select

from shared.db import Database, database_now
from shared.models import Webhook, WebhookDelivery, has_ended, is_waiting
from shared.states import ChannelKind

KEPT_DAYS = 14
"""Days for which a delivery is kept after its end, and after it was due where its webhook is
switched off or nothing of its kind is sent any more."""

_BATCH = 500


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
