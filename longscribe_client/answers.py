"""Reads the server's answers, and names what is wrong with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from longscribe_client.errors import ServerUnreachable, UnexpectedAnswer, error_of


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
    """Raises an ApiError for an answer that is an error."""
    if answer.is_success:
        return
    try:
        answer.read()
        body = answer.json()
    except (ValueError, httpx2.TransportError):
        body = None
    raise error_of(answer.status_code, body)


def no_longscribe(address: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"{address} answers, but is no Longscribe.")


def unreachable(address: str, error: Exception) -> ServerUnreachable:
    return ServerUnreachable(f"{address} cannot be reached: {error or type(error).__name__}")


def seconds_of(retry_after: str | None, otherwise: float) -> float:
    """Seconds that a Retry-After header asks to wait; it holds seconds, or a date."""
    if retry_after is None:
        return otherwise
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return otherwise
