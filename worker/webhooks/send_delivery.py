"""Delivery of an event to a webhook: the request, and the meaning of the answer."""

from __future__ import annotations

import time
from functools import partial

from shared.db import Database
from shared.errors import LongscribeError
from shared.outbound.addresses import AddressRules
from shared.outbound.errors import Unreachable
from shared.outbound.exchange import Exchange, ExchangeStopper
from shared.outbound.one_line import line_of
from shared.outbound.retry_after import retry_after_s
from shared.webhooks.delivery_queue import Claim, Result
from shared.webhooks.signing import signed_headers
from worker.webhooks.delivery_body import body_of, transcript_text

_MOST_ANSWER_BYTES = 4096
"""An answer's status says it all; so much is read for the log."""

_STATUS_GONE = 410


class Delivery:
    """Sends what a claim says. `stop` may be called from another thread."""

    def __init__(
        self, claim: Claim, db: Database, rules: AddressRules, *, timeout_s: float
    ) -> None:
        self._claim = claim
        self._db = db
        self._rules = rules
        self._timeout_s = timeout_s
        self._stopper = ExchangeStopper()

    def stop(self) -> None:
        """End it now."""
        self._stopper.stop()

    def send(self) -> Result:
        """Send it once; whatever happens is a result. Raises Stopped."""
        body = body_of(self._claim, partial(transcript_text, self._db))
        begun = time.monotonic()
        try:
            return self._send(body, begun)
        except LongscribeError as error:
            said = error.message if isinstance(error, Unreachable) else ""
            took_s = time.monotonic() - begun
            return Result(took_s, problem=error.code, answer=line_of(said))

    def _send(self, body: bytes, begun: float) -> Result:
        claim = self._claim
        headers = signed_headers(claim.message_id, int(time.time()), body, claim.secrets)
        headers |= {"Content-Type": "application/json", "Connection": "close"}
        with Exchange(
            self._rules.read(claim.url),
            self._rules,
            timeout_s=self._timeout_s,
            silence_s=self._timeout_s,
        ) as exchange:
            self._stopper.take(exchange)
            response = exchange.open("POST", headers=headers, body=body)
            status, is_fine = response.status, 200 <= response.status < 300
            wait_s = retry_after_s(response.getheader("Retry-After", ""))
            try:
                said = exchange.read(_MOST_ANSWER_BYTES)
            except Unreachable:
                said = b""  # the status came, and is the answer
        problem = None if is_fine else "redirected" if 300 <= status < 400 else "refused"
        return Result(
            time.monotonic() - begun,
            status_code=status,
            problem=problem,
            answer=line_of(said.decode("utf-8", errors="replace")),
            retry_after_s=wait_s,
            is_gone=status == _STATUS_GONE,
        )
