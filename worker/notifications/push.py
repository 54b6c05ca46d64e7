"""Push to one browser: its content, and the meaning of the push service's answer."""

from __future__ import annotations

import json
import time

from shared import jobs
from shared.db import Database
from shared.errors import JobNotFound, LongscribeError, in_a_line
from shared.notifications.vapid import (
    authorization,
    from_base64url,
    installation_key,
    topic_of,
)
from shared.outbound.errors import Unreachable
from shared.outbound.exchange import Exchange, ExchangeStopper
from shared.outbound.one_line import line_of
from shared.outbound.retry_after import retry_after_s
from shared.settings import Settings
from shared.webhooks.delivery_queue import Claim, Result
from worker.notifications.encryption import encrypted
from worker.notifications.texts import LONGEST_NAME, words_of

_KEPT_S = 24 * 3600
"""Seconds for which a push service keeps a push for a browser that is not there."""

_GONE = (404, 410)

_MOST_ANSWER_BYTES = 1000


class Push:
    """Sends what a claim says. `stop` may be called from another thread."""

    def __init__(self, claim: Claim, db: Database, settings: Settings) -> None:
        self._claim = claim
        self._db = db
        self._settings = settings
        self._stopper = ExchangeStopper()

    def stop(self) -> None:
        """End it now."""
        self._stopper.stop()

    def send(self) -> Result:
        """Send it once; whatever happens is a result. Raises Stopped."""
        begun = time.monotonic()
        try:
            content = self._content()
        except JobNotFound:
            return Result(0.0, answer="the job was deleted meanwhile")
        try:
            return self._send(content, begun)
        except LongscribeError as error:
            said = in_a_line(error) if isinstance(error, Unreachable) else ""
            return Result(time.monotonic() - begun, problem=error.code, answer=line_of(said))

    def _content(self) -> bytes:
        """Content for the service worker of the page. Raises JobNotFound."""
        claim = self._claim
        name = ""
        if claim.job_id is not None:
            found = jobs.get_job(self._db, owner_id=claim.owner_id, job_id=claim.job_id)
            name = line_of(found.job.recording.title, LONGEST_NAME)
        words = words_of(claim.type, claim.language)
        told = {"title": words.subject.format(name=name), "job": claim.job_id}
        return json.dumps(told, ensure_ascii=False).encode()

    def _send(self, content: bytes, begun: float) -> Result:
        claim, timeout_s = self._claim, self._settings.webhook_timeout_s
        rules = self._settings.outbound_rules
        target = rules.read(claim.url)
        body = encrypted(
            content,
            receiver=from_base64url(claim.push_keys["p256dh"]),
            secret=from_base64url(claim.push_keys["auth"]),
        )
        headers = {
            "Authorization": authorization(
                installation_key(self._db),
                target,
                contact=self._settings.push_contact,
                now_s=time.time(),
            ),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(_KEPT_S),
            "Topic": topic_of(claim.message_id),
            "Urgency": "normal",
            "Connection": "close",
        }
        with Exchange(target, rules, timeout_s=timeout_s, silence_s=timeout_s) as exchange:
            self._stopper.take(exchange)
            response = exchange.open("POST", headers=headers, body=body)
            status = response.status
            wait_s = retry_after_s(response.getheader("Retry-After", ""))
            try:
                said = exchange.read(_MOST_ANSWER_BYTES).decode("utf-8", errors="replace")
            except Unreachable:
                said = ""  # the status came, and is the answer
        return Result(
            time.monotonic() - begun,
            status_code=status,
            problem=None if 200 <= status < 300 else "refused",
            answer=line_of(said),
            retry_after_s=wait_s,
            is_gone=status in _GONE,
        )
