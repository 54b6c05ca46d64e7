"""The threads of a worker's main process that send webhooks, mails and pushes.

They wait for networks and do little else, so they take nothing from the processes that recognise.
All workers share the work; what one was at when it was killed, another sends after the lease.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.db import Database
from shared.outbound.errors import Stopped
from shared.settings import Settings
from shared.states import ChannelKind
from shared.traces import span, within
from shared.webhooks import log as delivery_log
from shared.webhooks import sending
from worker.notifications.mail import Mail
from worker.notifications.push import Push
from worker.webhooks.delivery import Delivery

log = structlog.get_logger(__name__)

AT_ONCE = 8
"""Deliveries of a worker that are on their way at once."""

FOR_THE_QUICK = 3
"""Of them kept for addresses that answered the last time, and soon: however many stall, the others
are served."""

MAILS_AT_ONCE = 2
"""Of those: one mail server has all mails, and where it stalls the webhooks go on."""

_NEVER_S = 100 * 365 * 86400.0
"""No mail address is switched off because the mail server is down."""

_LOOK_S = 2.0
_LEASE_BEYOND_S = 20.0
_SWEEP_EVERY_S = 600.0
_STOP_WITHIN_S = 3.0


class Sending(Protocol):
    """What sends one delivery."""

    def send(self) -> sending.Result:
        """Send it once; whatever happens is a result. Raises Stopped or SQLAlchemyError."""

    def stop(self) -> None:
        """End it now; called from another thread."""


def kinds_sent(settings: Settings) -> frozenset[ChannelKind]:
    """How the operator lets people be told."""
    allowed = {
        ChannelKind.WEBHOOK: settings.webhooks == "allowed",
        ChannelKind.MAIL: settings.sends_mail,
        ChannelKind.PUSH: settings.sends_pushes,
    }
    return frozenset(kind for kind, is_allowed in allowed.items() if is_allowed)


class WebhookSender:
    """Claims and sends until stopped, on a thread of its own and one for each delivery."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self._settings = settings
        self._db = db
        self._rules = settings.outbound_rules
        self._kinds = kinds_sent(settings)
        longest_s = max(settings.webhook_timeout_s, settings.mail_timeout_s)
        self._lease_s = longest_s + _LEASE_BEYOND_S
        self._look_s = min(_LOOK_S, settings.sweep_s)
        self._stopped = False
        self._swept_at = time.monotonic()
        self._due = threading.Event()
        self._under_way: dict[threading.Thread, Sending] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End what is on its way, and give it back."""
        self._stopped = True
        self._due.set()
        self._thread.join(timeout=_STOP_WITHIN_S)
        with self._lock:
            under_way = dict(self._under_way)
        for delivery in under_way.values():
            delivery.stop()
        deadline = time.monotonic() + _STOP_WITHIN_S
        for thread in under_way:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def lives(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopped:
            self._due.clear()
            try:
                began = self._begin_next()
                self._sweep()
            except SQLAlchemyError as error:
                log.warning("cannot look for webhooks to send", error=str(error.__cause__ or error))
                began = False
            if not began:
                self._due.wait(self._look_s)

    def _begin_next(self) -> bool:
        """Claim a delivery and send it in a thread; whether there was one, and room for it."""
        with self._lock:
            busy = len(self._under_way)
            mails = sum(isinstance(one, Mail) for one in self._under_way.values())
        if busy >= AT_ONCE:
            return False
        quick_only = busy >= AT_ONCE - FOR_THE_QUICK
        kinds = self._kinds - {ChannelKind.MAIL} if mails >= MAILS_AT_ONCE else self._kinds
        claim = sending.claim_next(
            self._db, lease_s=self._lease_s, quick_only=quick_only, kinds=kinds
        )
        if claim is None:
            return False
        delivery = self._sending(claim)
        thread = threading.Thread(
            target=self._deliver, args=(claim, delivery), name="webhook", daemon=True
        )
        with self._lock:
            self._under_way[thread] = delivery
        thread.start()
        return True

    def _sending(self, claim: sending.Claim) -> Sending:
        if claim.kind is ChannelKind.MAIL:
            return Mail(claim, self._db, self._settings)
        if claim.kind is ChannelKind.PUSH:
            return Push(claim, self._db, self._settings)
        return Delivery(claim, self._db, self._rules, timeout_s=self._settings.webhook_timeout_s)

    def _deliver(self, claim: sending.Claim, delivery: Sending) -> None:
        try:
            with structlog.contextvars.bound_contextvars(
                webhook=claim.webhook_id, message=claim.message_id
            ):
                self._send(claim, delivery)
        except SQLAlchemyError as error:
            # Its lease runs out, and it is sent again under the same id.
            log.warning("cannot store what came of it", error=str(error.__cause__ or error))
        finally:
            with self._lock:
                del self._under_way[threading.current_thread()]
            self._due.set()

    def _send(self, claim: sending.Claim, delivery: Sending) -> None:
        try:
            result = self._result(claim, delivery)
        except Stopped:
            sending.release(self._db, claim)
            return
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("a delivery could not be sent")
            result = sending.Result(0.0, problem="internal_error")
        is_mail = claim.kind is ChannelKind.MAIL
        disable_after_s = _NEVER_S if is_mail else self._settings.webhook_disable_days * 86400.0
        switched_off = sending.store(self._db, claim, result, disable_after_s=disable_after_s)
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

    def _result(self, claim: sending.Claim, delivery: Sending) -> sending.Result:
        """What came of it, noted in the job's trace. Raises as `Sending.send`."""
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

    def _sweep(self) -> None:
        if time.monotonic() - self._swept_at < _SWEEP_EVERY_S:
            return
        while not self._stopped and delivery_log.sweep(self._db):
            pass
        self._swept_at = time.monotonic()
