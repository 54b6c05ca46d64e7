"""The browsers in which an account is told, each added by a press of a button in it."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared import audit
from shared.audit import Act
from shared.db import Database, database_now
from shared.dialects import hold_lock
from shared.models import SignIn, Webhook, WebhookDelivery, is_waiting
from shared.notifications.errors import TooManyBrowsers, UnusableSubscription
from shared.notifications.mail_address import CHOICES
from shared.notifications.vapid import from_base64url
from shared.outbound.addresses import AddressRules
from shared.states import ChannelKind
from shared.webhooks.errors import WebhookNotFound
from shared.webhooks.hooks import AT_ONCE, ONE_AT_A_TIME
from shared.webhooks.outbox import note_test

MOST_BROWSERS = 20
"""Browsers of an account at most."""

_POINT_BYTES, _AUTH_BYTES = 65, 16


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser in which an account is told."""

    id: str
    name: str
    """Name of the browser, as far as it says itself."""
    endpoint_sha256: str
    """Digest of its address at its push service, by which it finds itself in the list."""
    added_at: datetime
    failing_since: datetime | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Subscription of a browser for pushes: an address of its push service, and keys."""

    endpoint: str
    p256dh: str
    """The browser's public key, in base64url."""
    auth: str
    """A secret of it and of whoever sends, in base64url."""

    def require_usable(self, rules: AddressRules) -> None:
        """Check the address and the keys. Raises UnusableUrl, AddressRefused or
        UnusableSubscription."""
        rules.read(self.endpoint, param="endpoint")
        try:
            point, secret = from_base64url(self.p256dh), from_base64url(self.auth)
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        except ValueError:
            raise UnusableSubscription(param="p256dh") from None
        if len(point) != _POINT_BYTES or len(secret) != _AUTH_BYTES:
            raise UnusableSubscription(param="auth")


def browsers_of(db: Database, owner_id: str) -> list[Browser]:
    """An account's browsers in which it is still signed in, oldest first."""
    with db.reading() as session:
        rows = session.scalars(_of(owner_id).order_by(Webhook.id)).all()
    return [
        Browser(
            id=row.id,
            name=row.description,
            endpoint_sha256=row.url_sha256 or "",
            added_at=row.created_at,
            failing_since=row.failing_since,
        )
        for row in rows
    ]


def add_browser(
    db: Database,
    rules: AddressRules,
    subscription: Subscription,
    *,
    owner_id: str,
    sign_in_sha256: str | None,
    name: str,
    language: str,
    site_url: str,
) -> None:
    """Tell an account in a browser, in place of whoever was told in it before. Raises
    TooManyBrowsers, and what `require_usable` raises."""
    subscription.require_usable(rules)
    row = {
        "owner_id": owner_id,
        "sign_in_sha256": sign_in_sha256,
        "push_keys": {"p256dh": subscription.p256dh, "auth": subscription.auth},
        "description": name,
        "language": language,
        "site_url": site_url,
    }
    # Another page of theirs that added it at this moment added the same.
    with suppress(IntegrityError):
        _add(db, subscription, row)


def _add(db: Database, subscription: Subscription, row: dict[str, Any]) -> None:
    sha256 = hashlib.sha256(subscription.endpoint.encode()).hexdigest()
    with db.writing() as session:
        hold_lock(session, ONE_AT_A_TIME)  # two at once would count the same
        before = session.scalars(
            select(Webhook)
            .where(Webhook.kind == ChannelKind.PUSH.value, Webhook.url_sha256 == sha256)
            .with_for_update()
        ).one_or_none()
        if before is not None and before.owner_id == row["owner_id"]:
            # What waits for it belongs to this row, and is still sent.
            _begin_anew(session, before, row)
            return
        if before is not None:
            session.delete(before)
            session.flush()
        held = session.scalar(select(func.count()).select_from(_of(row["owner_id"]).subquery()))
        if (held or 0) >= MOST_BROWSERS:
            raise TooManyBrowsers
        added = Webhook(
            kind=ChannelKind.PUSH.value,
            url=subscription.endpoint,
            url_sha256=sha256,
            types=[one.value for one in CHOICES],
            secret="",
            **row,
        )
        session.add(added)
        session.flush()
        audit.record(session, Act.BROWSER_ADDED, object_id=added.id, subject_id=row["owner_id"])


def _begin_anew(session: Session, before: Webhook, row: dict[str, Any]) -> None:
    """Give a browser its new keys, and send what waits for it at once: what failed may have failed
    of the keys of before, and an attempt that is under way with these must not pause it either."""
    anew = AT_ONCE | {"failing_since": None, "lease_expires_at": None, "fence": before.fence + 1}
    for name, value in (row | anew).items():
        setattr(before, name, value)
    session.flush()
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == before.id, is_waiting(WebhookDelivery))
        .values(due_at=database_now())
        .execution_options(synchronize_session=False)
    )


def remove_browser(db: Database, *, owner_id: str, browser_id: str) -> None:
    """Tell an account no longer in a browser. Raises WebhookNotFound."""
    with db.writing() as session:
        session.delete(_row(session, owner_id, browser_id))
        audit.record(session, Act.BROWSER_REMOVED, object_id=browser_id, subject_id=owner_id)


def send_test(db: Database, *, owner_id: str, browser_id: str) -> None:
    """Send a push that says that it is a test. Raises WebhookNotFound, or what `note_test`
    raises."""
    with db.writing() as session:
        note_test(session, _row(session, owner_id, browser_id))


def _row(session: Session, owner_id: str, browser_id: str) -> Webhook:
    row: Webhook | None = session.scalars(
        _of(owner_id).where(Webhook.id == browser_id).with_for_update(of=Webhook)
    ).one_or_none()
    if row is None:
        raise WebhookNotFound
    return row


def _of(owner_id: str) -> Any:
    signed_in = select(SignIn.token_sha256).where(SignIn.token_sha256 == Webhook.sign_in_sha256)
    return select(Webhook).where(
        Webhook.owner_id == owner_id,
        Webhook.kind == ChannelKind.PUSH.value,
        or_(Webhook.sign_in_sha256.is_(None), signed_in.exists()),
    )
