"""Delivery of an event to a webhook: the request, and the meaning of the answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any

from shared import jobs
from shared.db import Database
from shared.errors import LongscribeError
from shared.outbound.addresses import AddressRules
from shared.outbound.errors import Unreachable
from shared.outbound.exchange import Exchange, ExchangeStopper
from shared.outbound.one_line import line_of
from shared.outbound.retry_after import retry_after_s
from shared.webhooks.delivery_queue import Claim, Result
from shared.webhooks.signing import signed_headers
from shared.webhooks.types import STATUS_AFTER, TEST_TYPE, WebhookType

MOST_TEXT_BYTES = 256 * 1024
"""Bytes in UTF-8 of a transcript that is sent along."""

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


def body_of(claim: Claim, text_of: Callable[[str, str], str | None]) -> bytes:
    """Body of the request: type, time and data. `text_of` gives an owner's transcript of a job,
    where the webhook asks for it; None where there is none."""
    at = claim.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sent = {"type": claim.type, "timestamp": at, "data": _data(claim, text_of)}
    return json.dumps(sent, ensure_ascii=False, separators=(",", ":")).encode()


def transcript_text(db: Database, owner_id: str, job_id: str) -> str | None:
    """A transcript as it stands now, or None where it cannot be read."""
    try:
        transcript = jobs.get_transcript(db, owner_id=owner_id, job_id=job_id, words=False)
    except LongscribeError:
        return None
    return transcript.without_removed().text


def _data(claim: Claim, text_of: Callable[[str, str], str | None]) -> dict[str, Any]:
    job_id = claim.job_id
    if claim.type == TEST_TYPE or job_id is None:
        return {"message": "This is a test. Nothing happened."}
    data: dict[str, Any] = {"id": job_id, "status": STATUS_AFTER[claim.type].value}
    if claim.type == WebhookType.FAILED:
        data["error"] = {name: claim.detail.get(name) for name in ("code", "message")}
    api = f"{claim.site_url}/api/v1/jobs/{job_id}"
    data["links"] = {"self": api, "page": f"{claim.site_url}/jobs/{job_id}"}
    if claim.type == WebhookType.COMPLETED:
        data["links"]["transcript"] = f"{api}/transcript"
        if claim.with_text and (text := text_of(claim.owner_id, job_id)) is not None:
            shown = text.encode()[:MOST_TEXT_BYTES].decode(errors="ignore")
            data |= {"text": shown, "text_is_cut": len(shown) < len(text)}
    return data
