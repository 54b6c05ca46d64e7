"""Asking for a recording to be fetched, whatever door the request came by."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from shared.errors import UploadBusy
from shared.fetches import requests
from shared.fetches.errors import FetchNotFound, UrlInputOff
from shared.fetches.requests import FetchRecord, FetchState, Submission
from shared.storage import uploads
from web.authentication.owner import current_owner_id
from web.authentication.priority import require_priority
from web.fetches.schemas import FetchSubmission
from web.http.filenames import clean_filename
from web.services import services


def is_on() -> bool:
    """Return whether the operator allows fetching recordings from a URL."""
    return services().settings.url_input == "on"


def ask_as(wanted: FetchSubmission, *, idempotency_key: str | None = None) -> FetchRecord:
    """Have a recording fetched as it was asked for. Raises as `ask` does."""
    return ask(
        wanted.url,
        filename=wanted.filename,
        options=wanted.stored,
        hotwords=tuple(wanted.hotwords),
        model=wanted.model,
        priority=wanted.priority,
        idempotency_key=idempotency_key,
    )


def find_before_job(fetch_id: str) -> FetchRecord | None:
    """The fetch of whoever asks with this id, where it is no job yet or became none."""
    try:
        found = requests.get(services().db, owner_id=current_owner_id(), fetch_id=fetch_id)
    except FetchNotFound:
        return None
    return None if found.state is FetchState.SUBMITTED else found


def cancel(fetch_id: str) -> FetchRecord:
    """Cancel a fetch of whoever asks, and remove what has come of it. Raises FetchNotFound or
    IllegalTransition."""
    here, owner_id = services(), current_owner_id()
    found = requests.cancel(here.db, owner_id=owner_id, fetch_id=fetch_id)
    with suppress(UploadBusy, OSError):  # else whoever is at it removes it
        uploads.remove(here.db, here.blobs, owner_id=owner_id, upload_id=found.id)
    return found


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
