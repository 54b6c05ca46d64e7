"""An owner's webhooks: added, changed, switched off and on, their secrets replaced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from shared import audit
from shared.audit import Act
from shared.db import Database, database_now
from shared.dialects import hold_lock
from shared.models import LOCAL_OWNER, Webhook, WebhookDelivery
from shared.outbound.addresses import AddressRules
from shared.states import ChannelKind
from shared.webhooks.errors import (
    DeliveryNotFound,
    TooManyWebhooks,
    WebhookDisabled,
    WebhookNotFound,
)
from shared.webhooks.outbox import note_test
from shared.webhooks.signing import new_secret
from shared.webhooks.types import (
    DeliveryState,
    DisabledReason,
    WebhookType,
    stored_types,
)

MOST_WEBHOOKS = 10
"""Webhooks of an owner at most."""

ONE_AT_A_TIME = 0x6C6F6E67_686F6F6B
"""The key of PostgreSQL's lock of who adds a webhook or a browser, ours alone in the database."""

LONGEST_DESCRIPTION = 200

BOTH_SECRETS_S = 24 * 3600.0
"""Seconds for which a delivery is signed with the secret before the newest too."""

AT_ONCE: dict[str, Any] = {"paused_until": None, "failures": 0}
"""Columns of a webhook that let its next delivery go out now."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook without its secret."""

    id: str
    url: str
    description: str
    types: tuple[WebhookType, ...] | None
    """Types of events that are sent; None: all."""
    with_text: bool
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: DisabledReason | None
    failing_since: datetime | None
    """Time of the first failure since its last success; None where the last delivery succeeded."""
    previous_secret_until: datetime | None
    """Time until which deliveries are signed with the secret before the newest too."""


@dataclass(frozen=True, slots=True)
class HookSettings:
    """Settings of a webhook as an owner gives them."""

    url: str
    description: str = ""
    types: tuple[WebhookType, ...] | None = None
    with_text: bool = False

    def stored(self, rules: AddressRules) -> dict[str, Any]:
        """Columns of the webhook. Raises UnusableUrl or AddressRefused for an address that is never
        asked."""
        rules.read(self.url, param="url")
        return {
            "url": self.url.strip(),
            "description": " ".join(self.description.split())[:LONGEST_DESCRIPTION],
            "types": None if self.types is None else sorted(set(self.types)),
            "with_text": self.with_text,
        }


def hooks_of(db: Database, owner_id: str) -> list[Hook]:
    """An owner's webhooks, oldest first."""
    with db.reading() as session:
        return [_hook(row) for row in session.scalars(_of(owner_id).order_by(Webhook.id))]


def get_hook(db: Database, *, owner_id: str, webhook_id: str) -> Hook:
    """Read a webhook. Raises WebhookNotFound."""
    with db.reading() as session:
        return _hook(_row(session, owner_id, webhook_id))


def add_hook(
    db: Database, rules: AddressRules, *, owner_id: str, wanted: HookSettings, site_url: str
) -> tuple[Hook, str]:
    """Add a webhook; it and its secret. Raises UnusableUrl, AddressRefused or TooManyWebhooks."""
    values = wanted.stored(rules)
    secret = new_secret()
    with db.writing() as session:
        hold_lock(session, ONE_AT_A_TIME)  # two at once would count the same
        held = select(func.count()).select_from(_of(owner_id).subquery())
        if (session.scalar(held) or 0) >= MOST_WEBHOOKS:
            raise TooManyWebhooks
        row = Webhook(owner_id=owner_id, site_url=site_url, secret=secret, **values)
        session.add(row)
        session.flush()
        session.refresh(row)
        audit.record(session, Act.WEBHOOK_ADDED, object_id=row.id, subject_id=owner_id)
        return _hook(row), secret


def change_hook(
    db: Database,
    rules: AddressRules,
    *,
    owner_id: str,
    webhook_id: str,
    wanted: HookSettings,
    enabled: bool,
    site_url: str,
) -> Hook:
    """Change a webhook. Switched on, it begins anew. Raises as `add_hook` does, WebhookNotFound."""
    values = wanted.stored(rules) | {"site_url": site_url}
    with db.writing() as session:
        row = _row(session, owner_id, webhook_id, held=True)
        if enabled:
            values |= AT_ONCE | {"failing_since": None, "disabled_at": None}
            values["disabled_reason"] = None
        elif row.disabled_at is None:
            values["disabled_at"] = session.scalars(select(database_now())).one()
            values["disabled_reason"] = DisabledReason.OWNER.value
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
        audit.record(
            session,
            Act.WEBHOOK_CHANGED,
            object_id=webhook_id,
            subject_id=owner_id,
            enabled=enabled,
            with_text=row.with_text,
        )
        return _hook(row)


def delete_hook(db: Database, *, owner_id: str, webhook_id: str) -> None:
    """Delete a webhook with all that waits for it, and its log. Raises WebhookNotFound."""
    with db.writing() as session:
        row = _row(session, owner_id, webhook_id, held=True)
        session.delete(row)
        session.flush()
        session.execute(
            delete(WebhookDelivery)
            .where(WebhookDelivery.webhook_id == webhook_id)
            .execution_options(synchronize_session=False)
        )
        audit.record(session, Act.WEBHOOK_DELETED, object_id=webhook_id, subject_id=owner_id)


def replace_secret(db: Database, *, owner_id: str, webhook_id: str) -> str:
    """Give a webhook another secret, which is returned; for a day the one before signs too. Raises
    WebhookNotFound."""
    secret = new_secret()
    with db.writing() as session:
        row = _row(session, owner_id, webhook_id, held=True)
        row.previous_secret = row.secret
        row.previous_secret_until = session.scalars(select(database_now(BOTH_SECRETS_S))).one()
        row.secret = secret
        audit.record(
            session, Act.WEBHOOK_SECRET_REPLACED, object_id=webhook_id, subject_id=owner_id
        )
    return secret


def send_test(db: Database, *, owner_id: str, webhook_id: str) -> None:
    """Put a test into the outbox, which goes out now and once. Raises WebhookNotFound,
    WebhookDisabled, or what `note_test` raises."""
    with db.writing() as session:
        row = _row(session, owner_id, webhook_id, held=True)
        if row.disabled_at is not None:
            raise WebhookDisabled
        note_test(session, row)


def send_again(db: Database, *, owner_id: str, webhook_id: str, delivery_id: int) -> None:
    """Have a delivery sent again, with the id that it had. Raises WebhookNotFound, WebhookDisabled
    or DeliveryNotFound."""
    with db.writing() as session:
        row = _row(session, owner_id, webhook_id, held=True)
        if row.disabled_at is not None:
            raise WebhookDisabled
        row.paused_until = None
        again = (
            update(WebhookDelivery)
            .where(WebhookDelivery.id == delivery_id, WebhookDelivery.webhook_id == webhook_id)
            .values(
                state=DeliveryState.WAITING.value,
                due_at=database_now(),
                attempts=0,
                ended_at=None,
            )
            .returning(WebhookDelivery.id)
            .execution_options(synchronize_session=False)
        )
        if session.scalars(again).one_or_none() is None:
            raise DeliveryNotFound


def switch_off_handed_over(session: Session, from_owner: str) -> None:
    """Switch the webhooks of an owner off whose recordings another one gets: the addresses are
    theirs, and what the other one's jobs do is not. What nobody signed in for stays as it is."""
    if from_owner != LOCAL_OWNER:
        switch_off(session, from_owner, DisabledReason.HANDED_OVER)


def switch_off(session: Session, owner_id: str, reason: DisabledReason) -> None:
    """Switch all webhooks of an owner off: what waits for them is not sent, and what happens
    meanwhile is not kept for them."""
    session.execute(
        update(Webhook)
        .where(
            Webhook.owner_id == owner_id,
            Webhook.kind == ChannelKind.WEBHOOK.value,
            Webhook.disabled_at.is_(None),
        )
        .values(disabled_at=database_now(), disabled_reason=reason.value)
        .execution_options(synchronize_session=False)
    )


def _of(owner_id: str) -> Any:
    return select(Webhook).where(
        Webhook.owner_id == owner_id, Webhook.kind == ChannelKind.WEBHOOK.value
    )


def _row(session: Session, owner_id: str, webhook_id: str, *, held: bool = False) -> Webhook:
    wanted = _of(owner_id).where(Webhook.id == webhook_id)
    row: Webhook | None = session.scalars(
        wanted.with_for_update() if held else wanted
    ).one_or_none()
    if row is None:
        raise WebhookNotFound
    return row


def _hook(row: Webhook) -> Hook:
    return Hook(
        id=row.id,
        url=row.url,
        description=row.description,
        types=stored_types(row.types),
        with_text=row.with_text,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        disabled_reason=DisabledReason(row.disabled_reason) if row.disabled_reason else None,
        failing_since=row.failing_since,
        previous_secret_until=row.previous_secret_until,
    )
