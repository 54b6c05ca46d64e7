"""Mail addresses of accounts with the links that confirm them, and browsers that take pushes."""

from __future__ import annotations

from dataclasses import dataclass

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from shared.db import Database
from shared.models import Webhook, WebhookDelivery
from shared.notifications import mail_address, push
from shared.notifications.vapid import base64url, public_point
from shared.outbound.addresses import AddressRules
from shared.webhooks.types import CONFIRM_TYPE
from tests.support.stack import wait_for
from worker.webhooks.delivery_threads import WebhookSender

SITE = "https://here.example/below"


def confirmation_token(
    db: Database, owner_id: str, address: str, language: str = "en", again: bool = False
) -> str:
    """Set an account's address, and the token of the link that is to be sent to it."""
    mail_address.set_mail(
        db,
        owner_id=owner_id,
        address=address,
        types=mail_address.CHOICES,
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
    mail_address.confirm(db, owner_id=owner_id, token=token)


@dataclass(frozen=True)
class Device:
    """The keys of a browser, as it makes them when it subscribes."""

    key: ec.EllipticCurvePrivateKey
    secret: bytes

    def subscription(self, endpoint: str) -> push.Subscription:
        return push.Subscription(
            endpoint, base64url(public_point(self.key)), base64url(self.secret)
        )

    def read(self, body: bytes) -> bytes:
        """Decrypt a push with code of another project."""
        content: bytes = http_ece.decrypt(
            body, private_key=self.key, auth_secret=self.secret, version="aes128gcm"
        )
        return content


def a_device() -> Device:
    return Device(ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef")


def a_browser(
    db: Database,
    owner_id: str,
    endpoint: str = "https://push.example/a",
    *,
    device: Device | None = None,
    rules: AddressRules | None = None,
    sign_in_sha256: str | None = None,
    language: str = "en",
) -> push.Browser:
    """Have an account told in a browser."""
    push.add_browser(
        db,
        rules or AddressRules(),
        (device or a_device()).subscription(endpoint),
        owner_id=owner_id,
        sign_in_sha256=sign_in_sha256,
        name="Firefox, Linux",
        language=language,
        site_url=SITE,
    )
    return push.browsers_of(db, owner_id)[-1]


def end(sender: WebhookSender) -> None:
    """Stop it and wait for its threads: what they write would meet rows of the next test."""
    sender.stop()
    wait_for(lambda: not sender.lives(), what="its threads to end")
