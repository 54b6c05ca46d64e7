"""Mail addresses of accounts, and the links that confirm them."""

from __future__ import annotations

from sqlalchemy import select

from shared.db import Database
from shared.models import Webhook, WebhookDelivery
from shared.notifications import mail
from shared.webhooks.types import CONFIRM_TYPE

SITE = "https://here.example/below"


def confirmation_token(
    db: Database, owner_id: str, address: str, language: str = "en", again: bool = False
) -> str:
    """Set an account's address, and the token of the link that is to be sent to it."""
    mail.set_mail(
        db,
        owner_id=owner_id,
        address=address,
        types=mail.CHOICES,
        language=language,
        site_url=SITE,
        again=again,
    )
    with db.reading() as session:
        sent = session.scalars(
            select(WebhookDelivery)
            .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
            .where(Webhook.owner_id == owner_id, WebhookDelivery.type == CONFIRM_TYPE)
            .order_by(WebhookDelivery.id.desc())
        ).first()
    assert sent is not None
    return str(sent.detail["token"])


def confirmed(db: Database, owner_id: str, address: str, language: str = "en") -> None:
    """Give an account an address and confirm it; the mail with the link waits to be sent."""
    token = confirmation_token(db, owner_id, address, language)
    mail.confirm(db, owner_id=owner_id, token=token)
