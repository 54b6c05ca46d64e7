"""The threads of a worker's main process that send webhooks, mails and pushes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.db import Database
from shared.outbound.errors import Stopped
from shared.settings import Settings
from shared.states import ChannelKind
from shared.traces import span, within
from shared.webhooks import delivery_queue
from shared.webhooks.channels import kinds_sent
from worker.claim_loop import ClaimLoop
from worker.notifications.mail import Mail
from worker.notifications.push import Push
from worker.webhooks.send_delivery import Delivery

log = structlog.get_logger(__name__)

AT_ONCE = 8
"""Deliveries of a worker that are on their way at once."""

FOR_THE_QUICK = 3
"""Deliveries of AT_ONCE kept for addresses that answered the last time, and soon: however many
stall, the others are served."""

MAILS_AT_ONCE = 2
"""Mails among AT_ONCE at most: one mail server has all mails, and where it stalls the webhooks go
on."""

_NEVER_S = 100 * 365 * 86400.0
"""Seconds of failures that switch off a mail address: none is switched off because the mail server
is down."""

_LEASE_BEYOND_S = 20.0


class Sending(Protocol):
    """Protocol of the object that sends one delivery."""

    def send(self) -> delivery_queue.Result:
        """Send it once; whatever happens is a result. Raises Stopped or SQLAlchemyError."""

    def stop(self) -> None:
        """End it now; called from another thread."""


class WebhookSender(ClaimLoop[Sending]):
    """Sends deliveries until stopped."""

    def __init__(self, settings: Settings, db: Database) -> None:
        super().__init__("webhook", sweep_s=settings.sweep_s)
        self._settings = settings
        self._db = db
        self._rules = settings.outbound_rules
        self._kinds = kinds_sent(settings)
        longest_s = max(settings.webhook_timeout_s, settings.mail_timeout_s)
        self._lease_s = longest_s + _LEASE_BEYOND_S

    def _claim(self, under_way: Collection[Sending]) -> tuple[Sending, Callable[[], None]] | None:
        busy = len(under_way)
        if busy >= AT_ONCE:
            return None
        mails = sum(isinstance(one, Mail) for one in under_way)
        kinds = self._kinds - {ChannelKind.MAIL} if mails >= MAILS_AT_ONCE else self._kinds
        claim = delivery_queue.claim_next(
            self._db,
            lease_s=self._lease_s,
            quick_only=busy >= AT_ONCE - FOR_THE_QUICK,
            kinds=kinds,
        )
        if claim is None:
            return None
        delivery = self._sending(claim)
        return delivery, partial(self._deliver, claim, delivery)

    def _sending(self, claim: delivery_queue.Claim) -> Sending:
        if claim.kind is ChannelKind.MAIL:
            return Mail(claim, self._db, self._settings)
        if claim.kind is ChannelKind.PUSH:
            return Push(claim, self._db, self._settings)
        return Delivery(claim, self._db, self._rules, timeout_s=self._settings.webhook_timeout_s)

    def _deliver(self, claim: delivery_queue.Claim, delivery: Sending) -> None:
        try:
            with structlog.contextvars.bound_contextvars(
                webhook=claim.webhook_id, message=claim.message_id
            ):
                self._send(claim, delivery)
        except SQLAlchemyError as error:
            # Its lease runs out, and it is sent again under the same id.
            log.warning("cannot store what came of it", error=str(error.__cause__ or error))

    def _send(self, claim: delivery_queue.Claim, delivery: Sending) -> None:
        try:
            result = self._result(claim, delivery)
        except Stopped:
            delivery_queue.release(self._db, claim)
            return
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("a delivery could not be sent")
            result = delivery_queue.Result(0.0, problem="internal_error")
        is_mail = claim.kind is ChannelKind.MAIL
        disable_after_s = _NEVER_S if is_mail else self._settings.webhook_disable_days * 86400.0
        switched_off = delivery_queue.store(
            self._db, claim, result, disable_after_s=disable_after_s
        )
        log.info(
            "sent a delivery" if result.problem is None else "could not send a delivery",
            kind=claim.kind.value,
            type=claim.type,
            attempt=claim.attempts + 1,
            status=result.status_code,
            problem=result.problem,
            took_s=round(result.took_s, 3),
        )
        if switched_off:
            log.warning("sends there no more", problem=result.problem)

    def _result(self, claim: delivery_queue.Claim, delivery: Sending) -> delivery_queue.Result:
        """Send a delivery and return its result, recorded in the job's trace. Raises as
        `Sending.send`."""
        if claim.traceparent is None:
            return delivery.send()
        with (
            within(claim.traceparent),
            span(
                "deliver",
                kind="client",
                job_id=claim.job_id,
                delivery_id=claim.delivery_id,
                attempt=claim.attempts + 1,
                channel=claim.kind.value,
                event=claim.type,
            ) as sent,
        ):
            result = delivery.send()
            sent.note_all({"http.response.status_code": result.status_code})
            if result.problem is not None:
                sent.fail(result.problem)
            return result
