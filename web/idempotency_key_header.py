"""The key under which a submission that is sent twice becomes one job."""

from __future__ import annotations

from shared.errors import InvalidRequest

MAX_IDEMPOTENCY_KEY = 255


def idempotency_key(header: str | None) -> str | None:
    """Read the header Idempotency-Key; None where it was not sent.

    Raises InvalidRequest for a key that is empty or too long to be kept.
    """
    if header is None:
        return None
    key = header.strip()
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY or not key.isprintable():
        raise InvalidRequest(
            f"Idempotency-Key must be 1 to {MAX_IDEMPOTENCY_KEY} printable characters, "
            "for instance a UUID.",
            param="Idempotency-Key",
        )
    return key
