"""Queue of deliveries: the choice of the next one, and the result of sending it.

A sender leases a webhook, not a delivery: one delivery is on its way to an address at a time, so
an address that stalls takes one sender and no more, and an owner with several takes two.  What
belongs to one job goes out in the order in which it happened; an earlier event that fails holds
back the later ones of its job, and none of another.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from shared.db import Database, database_now
from shared.models import Job, SignIn, Webhook, WebhookDelivery, is_waiting
from shared.states import ChannelKind
from shared.strict_json import stored_object
from shared.traces import are_wanted, of_job
from shared.webhooks.types import CONFIRM_TYPE, TEST_TYPE, DeliveryState, DisabledReason

WAITS_S = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200)
"""Seconds between the attempts at a delivery: 27.7 h in all, after which it is given up."""

QUICK_S = 3.0
"""An answer within this lets a webhook use the senders that are kept for the quick."""

_LONGEST_PAUSE_S = 300.0
"""Seconds between attempts at an address that fails for every delivery."""

_MOST_OF_OWNER = 2
"""Deliveries of one owner that are on their way at once."""

_LONGEST_ASKED_S = 3600.0
"""Longest wait in seconds that a receiver may ask for with Retry-After."""

_OUTAGE = 3
"""Failures one after another from which on they are the address's, and not those of one
delivery."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery to be sent now, and the lease on its webhook."""

    delivery_id: int
    webhook_id: str
    kind: ChannelKind
    owner_id: str
    fence: int
    url: str
    secrets: tuple[str, ...]
    message_id: str
    type: str
    job_id: str | None
    at: datetime
    detail: dict[str, Any]
    site_url: str
    with_text: bool
    language: str
    """Language in which a mail or a push is written."""
    push_keys: dict[str, Any]
    """Keys of a browser."""
    attempts: int
    """Number of attempts before this one."""
    traceparent: str | None = None
    """Parent of its span in its job's trace; None where nothing is traced, or no job is told of."""


@dataclass(frozen=True, slots=True)
class Result:
    """Result of an attempt to send a delivery."""

    took_s: float
    status_code: int | None = None
    problem: str | None = None
    """A code; None: it was delivered."""
    answer: str = ""
    retry_after_s: float | None = None
    is_gone: bool = False
    """The receiver wants no more of them."""


def claim_next(
    db: Database,
    *,
    lease_s: float,
    quick_only: bool = False,
    kinds: Collection[ChannelKind] = frozenset(ChannelKind),
) -> Claim | None:
    """Lease the webhook that was served the longest ago among those with something to send, and
    hand out its oldest; None if nothing is to be sent. `quick_only`: of those that answered the
    last time, and soon. `kinds`: of those only."""
    if not kinds:
        return None
    wanted = _servable(quick_only, kinds)
    with db.reading() as session:  # most looks find none, and leave SQLite's writer alone
        if session.execute(wanted).first() is None:
            return None
    with db.writing() as session:
        hook = session.scalars(wanted.with_for_update(of=Webhook, skip_locked=True)).one_or_none()
        if hook is None:
            return None
        if hook.sign_in_sha256 is not None and session.get(SignIn, hook.sign_in_sha256) is None:
            session.delete(hook)  # nobody is signed in with that browser any more
            return None
        sent = session.scalars(
            select(WebhookDelivery).where(*_due(hook.id)).order_by(WebhookDelivery.id).limit(1)
        ).one_or_none()
        if sent is None:  # another sender was quicker
            return None
        if not hook.is_confirmed and sent.type != CONFIRM_TYPE:
            # The address became another one while an event was put into its outbox.
            session.delete(sent)
            return None
        hook.fence += 1
        now = session.scalars(select(database_now())).one()
        hook.served_at = now
        session.flush()
        session.execute(
            _the_hook(hook.id, hook.fence).values(lease_expires_at=database_now(lease_s))
        )
        secrets = [hook.secret]
        until = hook.previous_secret_until
        if hook.previous_secret is not None and until is not None and until > now:
            secrets.append(hook.previous_secret)
        return Claim(
            delivery_id=sent.id,
            webhook_id=hook.id,
            kind=ChannelKind(hook.kind),
            owner_id=hook.owner_id,
            fence=hook.fence,
            url=hook.url,
            secrets=tuple(secrets),
            message_id=sent.message_id,
            type=sent.type,
            job_id=sent.job_id,
            at=sent.at,
            detail=stored_object(sent.detail),
            site_url=hook.site_url,
            with_text=hook.with_text,
            language=hook.language or "en",
            push_keys=stored_object(hook.push_keys),
            attempts=sent.attempts,
            traceparent=_parent_of(session, sent.job_id),
        )


def _parent_of(session: Session, job_id: str | None) -> str | None:
    """Parent of an attempt's span in the trace of a job, which may be gone by now."""
    if job_id is None or not are_wanted():
        return None
    return of_job(job_id, session.scalar(select(Job.traceparent).where(Job.id == job_id)))


def release(db: Database, claim: Claim) -> None:
    """Give a delivery back that was not sent to its end."""
    with db.writing() as session:
        session.execute(_the_hook(claim.webhook_id, claim.fence).values(lease_expires_at=None))


def store(db: Database, claim: Claim, result: Result, *, disable_after_s: float) -> bool:
    """Store what came of an attempt; whether the webhook is switched off now, as one
    is that wants no more, or that failed for `disable_after_s`.

    A success counts whoever has the lease by now.  Of a failure nothing is stored unless this
    sender still has it: another one has sent the same.
    """
    with db.writing() as session:
        held = _the_hook(claim.webhook_id, claim.fence).values(
            lease_expires_at=None,
            is_slow=result.problem is not None or result.took_s > QUICK_S,
        )
        hook = session.execute(
            held.returning(
                Webhook.failures,
                Webhook.failing_since,
                (Webhook.failing_since < database_now(-disable_after_s)).label("for_days"),
            )
        ).one_or_none()
        if result.problem is None:
            _note_success(session, claim, result)
            return False
        if hook is None:
            return False
        waits = WAITS_S if claim.type != TEST_TYPE else ()
        _note_failure(session, claim, result, waits)
        browser_is_gone = claim.kind is ChannelKind.PUSH and result.is_gone
        if claim.type == TEST_TYPE and not browser_is_gone:
            return False
        failures = hook.failures + 1
        pause_s = min(WAITS_S[0] * 2.0 ** min(failures - 1, 10), _LONGEST_PAUSE_S)
        values: dict[str, Any] = {
            "failures": failures,
            "failing_since": func.coalesce(Webhook.failing_since, database_now()),
            "paused_until": database_now(max(pause_s, _asked_s(result))),
        }
        # One that is seldom sent to may fail once, and that was long ago.
        is_failing = hook.for_days and failures >= _OUTAGE
        reason = DisabledReason.GONE if result.is_gone else DisabledReason.FAILING
        if browser_is_gone or (claim.kind is ChannelKind.PUSH and is_failing):
            # Nothing reaches it there any more. Its person may add it again, as another row.
            session.execute(
                delete(Webhook)
                .where(Webhook.id == claim.webhook_id, Webhook.fence == claim.fence)
                .execution_options(synchronize_session=False)
            )
            return True
        if result.is_gone or is_failing:
            values |= {"disabled_at": database_now(), "disabled_reason": reason.value}
        session.execute(_the_hook(claim.webhook_id, claim.fence).values(values))
        return bool(result.is_gone or is_failing)


def _servable(quick_only: bool, kinds: Collection[ChannelKind]) -> Select[Webhook]:
    other = aliased(Webhook)
    on_their_way = (
        select(func.count())
        .where(other.owner_id == Webhook.owner_id, other.lease_expires_at > database_now())
        .scalar_subquery()
    )
    conditions: list[ColumnElement[bool]] = [
        Webhook.disabled_at.is_(None),
        Webhook.kind.in_([kind.value for kind in kinds]),
        or_(Webhook.paused_until.is_(None), Webhook.paused_until <= database_now()),
        or_(Webhook.lease_expires_at.is_(None), Webhook.lease_expires_at <= database_now()),
        on_their_way < _MOST_OF_OWNER,
        select(WebhookDelivery.id).where(*_due(Webhook.id)).exists(),
    ]
    if quick_only:
        conditions.append(Webhook.is_slow.is_(False))
    return (
        select(Webhook)
        .where(*conditions)
        .order_by(Webhook.is_slow, Webhook.served_at.asc().nulls_first(), Webhook.id)
        .limit(1)
    )


def _due(webhook_id: Any) -> tuple[ColumnElement[bool], ...]:
    """Conditions of a delivery that may be sent now: no earlier one of its job is waiting."""
    earlier = aliased(WebhookDelivery)
    return (
        WebhookDelivery.webhook_id == webhook_id,
        is_waiting(WebhookDelivery),
        WebhookDelivery.due_at <= database_now(),
        ~select(earlier.id)
        .where(
            earlier.webhook_id == WebhookDelivery.webhook_id,
            earlier.job_id == WebhookDelivery.job_id,
            is_waiting(earlier),
            earlier.id < WebhookDelivery.id,
        )
        .exists(),
    )


def _the_hook(webhook_id: str, fence: int) -> Any:
    return (
        update(Webhook)
        .where(Webhook.id == webhook_id, Webhook.fence == fence)
        .execution_options(synchronize_session=False)
    )


def _the_delivery(claim: Claim, result: Result) -> Any:
    return (
        update(WebhookDelivery)
        .where(
            WebhookDelivery.id == claim.delivery_id,
            is_waiting(WebhookDelivery),
        )
        .values(
            attempts=WebhookDelivery.attempts + 1,
            tried_at=database_now(),
            status_code=result.status_code,
            problem=result.problem,
            answer=result.answer,
            took_s=round(result.took_s, 3),
        )
        .execution_options(synchronize_session=False)
    )


def _note_success(session: Session, claim: Claim, result: Result) -> None:
    session.execute(
        _the_delivery(claim, result).values(
            state=DeliveryState.DELIVERED.value, ended_at=database_now()
        )
    )
    was_out = session.scalar(select(Webhook.failures).where(Webhook.id == claim.webhook_id))
    if not was_out:
        return
    session.execute(
        update(Webhook)
        .where(Webhook.id == claim.webhook_id)
        .values(failures=0, failing_since=None, paused_until=None)
        .execution_options(synchronize_session=False)
    )
    if was_out >= _OUTAGE:
        # It answers again: what waits for hours need not.
        session.execute(
            update(WebhookDelivery)
            .where(
                WebhookDelivery.webhook_id == claim.webhook_id,
                is_waiting(WebhookDelivery),
            )
            .values(due_at=database_now())
            .execution_options(synchronize_session=False)
        )


def _note_failure(session: Session, claim: Claim, result: Result, waits: tuple[int, ...]) -> None:
    if claim.attempts < len(waits):
        wait_s = waits[claim.attempts] * random.uniform(0.9, 1.1)
        values: dict[str, Any] = {"due_at": database_now(max(wait_s, _asked_s(result)))}
    else:
        values = {"state": DeliveryState.FAILED.value, "ended_at": database_now()}
    session.execute(_the_delivery(claim, result).values(values))


def _asked_s(result: Result) -> float:
    return min(result.retry_after_s or 0.0, _LONGEST_ASKED_S)
