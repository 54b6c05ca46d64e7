"""Asking for a recording to be fetched, whatever door the request came by."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from shared.fetches import requests
from shared.fetches.errors import UrlInputOff
from shared.fetches.requests import FetchRecord, Submission
from web.authentication.owner import current_owner_id
from web.authentication.priority import require_priority
from web.http.filenames import clean_filename
from web.services import services


def is_on() -> bool:
    """Whether the operator lets recordings be fetched."""
    return services().settings.url_input == "on"


def ask(
    url: str,
    *,
    filename: str | None,
    options: dict[str, Any],
    hotwords: tuple[str, ...],
    model: str | None,
    priority: int,
    idempotency_key: str | None = None,
) -> FetchRecord:
    """Have the recording at `url` fetched for whoever asks.

    Raises UrlInputOff, PriorityNotAllowed, UnusableUrl, AddressRefused, TooManyFetches or
    IdempotencyKeyReused.
    """
    if not is_on():
        raise UrlInputOff
    require_priority(priority)
    here = services()
    here.settings.outbound_rules.read(url, param="url")
    return requests.ask(
        here.db,
        owner_id=current_owner_id(),
        url=url.strip(),
        filename=clean_filename(filename or unquote(urlsplit(url.strip()).path)),
        submission=Submission(options, hotwords, model, priority),
        idempotency_key=idempotency_key,
        most_open=here.settings.owner_open_uploads,
    )
