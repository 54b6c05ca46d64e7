"""Body of a webhook's request: what is told of an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC
from typing import Any

from shared import jobs
from shared.db import Database
from shared.errors import LongscribeError
from shared.webhooks.delivery_queue import Claim
from shared.webhooks.types import STATUS_AFTER, TEST_TYPE, WebhookType

MOST_TEXT_BYTES = 256 * 1024
"""Bytes in UTF-8 of a transcript that is sent along."""


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
