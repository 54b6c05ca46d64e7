"""Reads the server's answers, and names what is wrong with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from longscribe_client.errors import (
    ClientError,
    ServerBusy,
    ServerUnreachable,
    UnexpectedAnswer,
    error_of,
)

_NEVER_PASSES = {
    "CERTIFICATE_VERIFY_FAILED": "SSL_CERT_FILE may name the authority of its certificate",
    "WRONG_VERSION_NUMBER": "there may be http:// and no https://",
}
"""Failures of TLS that do not pass by themselves, each with what to do."""


def object_of(text: str, address: str) -> dict[str, Any]:
    """The JSON object that an answer of `address` is. Raises UnexpectedAnswer."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise no_longscribe(address)
    return value


def require_success(answer: httpx2.Response) -> None:
    """Check the status of an answer. Raises an ApiError for an answer that is an error,
    UnexpectedAnswer for one that leads elsewhere, as from http:// to https://."""
    if answer.is_success:
        return
    if answer.has_redirect_location:  # a body that was sent is gone, and so is a key's safety
        raise UnexpectedAnswer(
            f"{answer.url} has moved to {answer.headers['Location'][:200]}: name the server by the "
            "address where it is now."
        )
    try:
        answer.read()
        body = answer.json()
    except (ValueError, httpx2.TransportError):
        body = None
    raise error_of(answer.status_code, body)


def no_longscribe(address: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"{address} answers, but is no Longscribe.")


def unreachable(address: str, error: Exception) -> ClientError:
    why = str(error) or type(error).__name__
    for failure, advice in _NEVER_PASSES.items():
        if failure in why:
            why += f"; {advice}"
    return ServerUnreachable(f"{address} cannot be reached: {why}")


def never_passes(error: Exception) -> bool:
    """Return whether the same would fail each time, so that waiting is of no use."""
    return any(failure in str(error) for failure in _NEVER_PASSES)


def busy(address: str, status: int) -> ClientError:
    return ServerBusy(f"{address} cannot answer just now (status {status})", status=status)


def seconds_of(retry_after: str | None, otherwise: float) -> float:
    """Seconds that a Retry-After header asks to wait; it holds seconds, or a date."""
    if retry_after is None:
        return otherwise
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return otherwise
