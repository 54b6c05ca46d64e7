"""Refusal of an upload or download for which the server has no thread left."""

from __future__ import annotations

from flask import Flask, request

from shared.errors import TransientError


class TooManyTransfers(TransientError):
    code = "too_many_transfers"
    http_status = 503
    default_message = (
        "Too many uploads and downloads are under way, in all or from your address. Try again "
        "shortly."
    )


def refuse_excess_transfers(app: Flask) -> None:
    """Answer TooManyTransfers where `web.serving` found that a request is one too many."""
    app.before_request(_check_refusal)


def _check_refusal() -> None:
    if getattr(request.environ.get("gunicorn.socket"), "is_refused", False):
        raise TooManyTransfers
