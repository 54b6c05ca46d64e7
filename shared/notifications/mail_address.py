"""The mail address of an account, confirmed by a link, and which ends of jobs are told to it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared import audit
from shared.audit import Act
from shared.db import Database, database_now
from shared.models import Webhook, WebhookDelivery, is_waiting
from shared.notifications.errors import (
    TooManyConfirmations,
    UnusableMailAddress,
    WrongConfirmation,
)
from shared.states import ChannelKind
from shared.webhooks.hooks import AT_ONCE
from shared.webhooks.outbox import delivery
from shared.webhooks.types import CONFIRM_TYPE, DeliveryState, WebhookType, stored_types

CONFIRMED_WITHIN_S = 24 * 3600.0
"""Seconds for which a link holds."""

MOST_CONFIRMATIONS = 5
"""Links of an account in that time: the address may be somebody else's."""

CHOICES = (WebhookType.COMPLETED, WebhookType.FAILED)
"""Types of events that may be told by mail."""

_LONGEST = 254

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(
    r"([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]*[A-Za-z][A-Za-z0-9-]*"
)


@dataclass(frozen=True, slots=True)
class MailAddress:
    """An account's address and what is told to it."""

    address: str
    types: frozenset[WebhookType]
    is_confirmed: bool
    is_refused: bool
    """A mail server said that there is no such address; nothing is sent to it any more."""
    failing_since: datetime | None
    """Time of the first failure since its last success; None where the last delivery succeeded."""


def read_address(text: str) -> str:
    """A mail address as it is stored, its domain in ASCII. Raises UnusableMailAddress."""
    local, _, domain = text.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        raise UnusableMailAddress(param="address") from None
    address = f"{local}@{domain}"
    is_whole = _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(domain)
    # In the header of a mail `=?` begins an encoded word, which may stand for several addresses.
    if not is_whole or "=?" in local or len(local) > 64 or len(address) > _LONGEST:
        raise UnusableMailAddress(param="address")
    return address


def mail_of(db: Database, owner_id: str) -> MailAddress | None:
    """An account's address; None where it has none."""
    with db.reading() as session:
        row = session.scalars(_of(owner_id)).one_or_none()
    if row is None or not row.url:
        return None
    types = stored_types(row.types)
    wanted = CHOICES if types is None else types
    return MailAddress(
        address=row.url,
        types=frozenset(one for one in CHOICES if one in wanted),
        is_confirmed=row.is_confirmed,
        is_refused=row.disabled_at is not None,
        failing_since=row.failing_since,
    )


def set_mail(
    db: Database,
    *,
    owner_id: str,
    address: str,
    types: Collection[WebhookType],
    language: str,
    site_url: str,
    again: bool = False,
) -> bool:
    """Store an account's address and what is told to it; whether a link to confirm it is sent.

    One is sent to an address that was not the account's, or to one that is not confirmed where
    `again` is set; what waited for another address is never sent. Raises UnusableMailAddress or
    TooManyConfirmations.
    """
    address = read_address(address)
    values: dict[str, Any] = {
        "types": [one.value for one in CHOICES if one in types],
        "language": language,
        "site_url": site_url,
    }
    try:
        return _set(db, owner_id, address, values, again=again)
    except IntegrityError:  # another request of theirs began the row at this moment
        return _set(db, owner_id, address, values, again=again)


def address_to_confirm(db: Database, *, owner_id: str, token: str) -> str:
    """The address that the newest link to an account confirms. Raises WrongConfirmation."""
    with db.reading() as session:
        return _linked(session, owner_id, token).url


def confirm(db: Database, *, owner_id: str, token: str) -> str:
    """Take an account's address as confirmed by the newest link sent to it; the address. Raises
    WrongConfirmation."""
    with db.writing() as session:
        row = _linked(session, owner_id, token, held=True)
        if not row.is_confirmed:
            audit.record(session, Act.MAIL_CONFIRMED, object_id=row.id, subject_id=owner_id)
        row.is_confirmed = True
        return row.url


def remove_mail(db: Database, *, owner_id: str) -> None:
    """Take an account's address away, with what waits for it. The row stays, for what was sent in
    the last 24 hours counts."""
    with db.writing() as session:
        row = session.scalars(_of(owner_id).with_for_update()).one_or_none()
        if row is not None and row.url:
            audit.record(session, Act.MAIL_REMOVED, object_id=row.id, subject_id=owner_id)
            row.url, row.is_confirmed = "", False
            _take_from_sender(row)
            _drop_waiting(session, row.id)


def has_mail(session: Session, owner_id: str) -> bool:
    """Return whether an account has an address, or had one."""
    return session.scalar(_of(owner_id).with_only_columns(Webhook.id)) is not None


def _set(db: Database, owner_id: str, address: str, values: dict[str, Any], *, again: bool) -> bool:
    with db.writing() as session:
        row = session.scalars(_of(owner_id).with_for_update()).one_or_none()
        if row is None:
            row = Webhook(
                owner_id=owner_id,
                kind=ChannelKind.MAIL.value,
                url="",
                secret="",
                is_confirmed=False,
                fence=0,
                **values,
            )
            session.add(row)
        for name, value in values.items():
            setattr(row, name, value)
        is_new = row.url != address
        if not is_new and (row.is_confirmed or not again) and row.disabled_at is None:
            return False
        if is_new:
            row.url = address
            _take_from_sender(row)
        row.is_confirmed = False
        row.disabled_at = row.disabled_reason = row.failing_since = None
        for name, value in AT_ONCE.items():
            setattr(row, name, value)
        session.flush()
        if is_new:
            audit.record(session, Act.MAIL_SET, object_id=row.id, subject_id=owner_id)
        _drop_waiting(session, row.id)
        _send_link(session, row.id)
    return True


def _take_from_sender(row: Webhook) -> None:
    """End the lease on a row, since the answer of a mail server for the previous address says
    nothing about this one."""
    row.fence += 1
    row.lease_expires_at = None


def _linked(session: Session, owner_id: str, token: str, *, held: bool = False) -> Webhook:
    wanted = _of(owner_id)
    row: Webhook | None = session.scalars(
        wanted.with_for_update() if held else wanted
    ).one_or_none()
    if row is None or not row.url:
        raise WrongConfirmation
    sent = session.scalars(
        _confirmations(row.id).order_by(WebhookDelivery.id.desc()).limit(1)
    ).one_or_none()
    told = "" if sent is None else str(sent.detail.get("token", ""))
    if not told or not secrets.compare_digest(told.encode(), token.encode()):
        raise WrongConfirmation
    return row


def _send_link(session: Session, row_id: str) -> None:
    sent = select(func.count()).select_from(_confirmations(row_id).subquery())
    if (session.scalar(sent) or 0) >= MOST_CONFIRMATIONS:
        raise TooManyConfirmations
    now = session.scalars(select(database_now())).one()
    detail = {"token": secrets.token_urlsafe(24)}
    values = delivery(row_id, job_id=None, type_=CONFIRM_TYPE, at=now, detail=detail)
    session.execute(insert(WebhookDelivery), [values])


def _of(owner_id: str) -> Any:
    return select(Webhook).where(
        Webhook.owner_id == owner_id, Webhook.kind == ChannelKind.MAIL.value
    )


def _confirmations(row_id: str) -> Any:
    """The links that were sent while the newest would hold."""
    return select(WebhookDelivery).where(
        WebhookDelivery.webhook_id == row_id,
        WebhookDelivery.type == CONFIRM_TYPE,
        WebhookDelivery.at > database_now(-CONFIRMED_WITHIN_S),
    )


def _drop_waiting(session: Session, row_id: str) -> None:
    """Delete what waits. A link that was not sent yet counts as one that was, so it is ended."""
    waiting = (WebhookDelivery.webhook_id == row_id, is_waiting(WebhookDelivery))
    session.execute(
        delete(WebhookDelivery)
        .where(*waiting, WebhookDelivery.type != CONFIRM_TYPE)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(WebhookDelivery)
        .where(*waiting)
        .values(state=DeliveryState.FAILED.value, ended_at=database_now())
        .execution_options(synchronize_session=False)
    )
