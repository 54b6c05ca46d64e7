"""Webhooks, and what is sent to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    ColumnElement,
    Float,
    Index,
    Integer,
    String,
    Text,
    literal_column,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared.db import database_now
from shared.models.base import Base, BigId, Id, new_id
from shared.states import ChannelKind


class Webhook(Base):
    """Channel by which an owner receives events of their jobs: a webhook, a mail address or a
    browser that takes pushes. All have one outbox, one log and one way of being served."""

    __tablename__ = "webhooks"
    __table_args__ = (
        Index("webhooks_of_owner", "owner_id", "id"),
        Index(
            "webhooks_one_mail_address",
            "owner_id",
            unique=True,
            sqlite_where=text("kind = 'mail'"),
            postgresql_where=text("kind = 'mail'"),
        ),
        Index(
            "webhooks_one_browser",
            "url_sha256",
            unique=True,
            sqlite_where=text("kind = 'push'"),
            postgresql_where=text("kind = 'push'"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(
        String(16), default=ChannelKind.WEBHOOK.value, server_default=ChannelKind.WEBHOOK.value
    )
    """A ChannelKind."""
    url: Mapped[str] = mapped_column(Text)
    """Address that is asked, or a mail address; empty where its owner took that away."""
    url_sha256: Mapped[str | None] = mapped_column(String(64))
    """Digest of a browser's address, which one account has at a time."""
    push_keys: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The browser's keys by which pushes are encrypted, `p256dh` and `auth` in base64url."""
    sign_in_sha256: Mapped[str | None] = mapped_column(String(64))
    """The sign-in in which a browser asked for pushes, which end with it; null without sign-in."""
    language: Mapped[str | None] = mapped_column(String(8))
    """Language in which a mail or a push is written."""
    is_confirmed: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    """False for a mail address until it is confirmed; until then nothing is told to it but how to
    confirm it."""
    description: Mapped[str] = mapped_column(String(200), default="")
    types: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """The types of events that are sent; null: all, those of later versions too."""
    with_text: Mapped[bool] = mapped_column(Boolean, default=False)
    """True if the text of a transcript is sent along."""
    site_url: Mapped[str] = mapped_column(Text)
    """The address at which its owner reaches this server, where links of an event begin."""
    secret: Mapped[str] = mapped_column(String(100))
    previous_secret: Mapped[str | None] = mapped_column(String(100))
    previous_secret_until: Mapped[datetime | None]
    """Time until which a delivery is signed with both secrets."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None] = mapped_column(String(16))
    """A DisabledReason."""

    failures: Mapped[int] = mapped_column(Integer, default=0)
    """Failed deliveries since the last that succeeded."""
    failing_since: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    """Time before which nothing is sent."""
    is_slow: Mapped[bool] = mapped_column(Boolean, default=True)
    """True if its last delivery failed or took long, or there was none: it may not take the senders
    that are kept for the others."""
    served_at: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(Integer, default=0)
    """Counts claims of its deliveries, of which one is on its way at a time."""
    lease_expires_at: Mapped[datetime | None]


class WebhookDelivery(Base):
    """Event for one webhook: first in the outbox, then in the log.

    It names neither its webhook nor its job by a foreign key: whoever deletes one of them and
    whoever records an event never wait for one another.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'delivered', 'failed')", name="webhook_deliveries_state_known"
        ),
        Index(
            "webhook_deliveries_waiting",
            *("webhook_id", "job_id", "id"),
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "webhook_deliveries_ended",
            "ended_at",
            sqlite_where=text("state <> 'waiting'"),
            postgresql_where=text("state <> 'waiting'"),
        ),
        Index("webhook_deliveries_of_webhook", "webhook_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    webhook_id: Mapped[str] = mapped_column(Id)
    message_id: Mapped[str] = mapped_column(String(64))
    """Value of `webhook-id`, the same for every attempt."""
    job_id: Mapped[str | None] = mapped_column(Id)
    type: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    """Time at which the event happened."""
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Values of the event beside its kind."""
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    due_at: Mapped[datetime] = mapped_column(default=database_now())
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    tried_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    status_code: Mapped[int | None] = mapped_column(Integer)
    """Status of the last answer; null where none came."""
    problem: Mapped[str | None] = mapped_column(String(40))
    """The code of what went wrong last; null after a success."""
    answer: Mapped[str | None] = mapped_column(String(300))
    """The beginning of the last answer, or the words of what went wrong."""
    took_s: Mapped[float | None] = mapped_column(Float)


class VapidKey(Base):
    """The one row of its table: the key by which push services know this installation."""

    __tablename__ = "vapid_keys"
    __table_args__ = (CheckConstraint("id = 1", name="vapid_keys_is_one"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    private_key: Mapped[str] = mapped_column(Text)
    """Key in PKCS 8, DER in base64."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())


def is_waiting(deliveries: type[WebhookDelivery]) -> ColumnElement[bool]:
    """The condition that a delivery is still to be sent, as the index of those asks for it: what
    stands in a parameter would be known only after an index is chosen."""
    return deliveries.state == literal_column("'waiting'")


def has_ended(deliveries: type[WebhookDelivery]) -> ColumnElement[bool]:
    """The opposite, likewise."""
    return deliveries.state != literal_column("'waiting'")
