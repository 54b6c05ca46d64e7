"""/api/v1/jobs/events: all of one's jobs, each told when something happens to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import structlog
from flask import Response, copy_current_request_context, request
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.errors import InvalidRequest, JobNotFound
from shared.feed.changes import ChangeFeed, TooFarBack
from web.api.cursors import places
from web.api.jobs.presenter import present
from web.authentication.owner import current_owner_id
from web.authentication.sign_in import still_admitted
from web.services import services
from web.waiting.server_sent import NOTHING, SIGN_OF_LIFE_S, event, event_stream
from web.waiting.wait_for_changes import Wait, watch

log = structlog.stdlib.get_logger(__name__)

LOOK_EVERY_S = 1.0
"""Seconds after which a change is sent at the latest: each look is a statement of its own for each
who listens."""

_MOST_AT_ONCE = 50
"""Jobs of one look; the others are told by the next."""


def list_events() -> Response:
    """Answer with the events of all jobs of whoever asks. Raises TooManyWaiting."""
    here, owner_id = services(), current_owner_id()
    own = places("events")
    told_last, is_reset = request.headers.get("Last-Event-ID") or None, False
    try:
        place = None if told_last is None else own.find_text(told_last)
        feed = ChangeFeed(here.db, owner_id, place=place)
    except (InvalidRequest, TooFarBack):
        feed, is_reset = ChangeFeed(here.db, owner_id), True

    def look() -> list[bytes]:
        told = []
        for job_id in feed.changed(most=_MOST_AT_ONCE):
            try:
                view = jobs.get_job(
                    here.db,
                    owner_id=owner_id,
                    job_id=job_id,
                    seen_within_s=here.settings.worker_seen_within_s,
                )
            except JobNotFound:  # deleted meanwhile
                continue
            shown = present(view, here.settings).model_dump(mode="json", by_alias=True)
            told.append(event(shown, name="job", id=own.hide_text(feed.place)))
        return told

    begins = None
    if told_last is None or is_reset:
        name = "reset" if is_reset else "open"
        begins = event({}, name=name, id=own.hide_text(feed.place))
    wait = watch().enter(request.environ, owner_id)
    until = time.monotonic() + here.settings.answer_within_s
    look_within_request = copy_current_request_context(look)
    events = _events(wait, begins, look_within_request, until, still_admitted())
    return event_stream(events, wait)


def _events(
    wait: Wait,
    begins: bytes | None,
    look: Callable[[], list[bytes]],
    until: float,
    is_admitted: Callable[[], bool],
) -> Iterator[bytes]:
    if begins is not None:
        yield begins
    silent_since = time.monotonic()
    while not wait.is_stopping:
        try:
            told = look()
            is_silent = not told and time.monotonic() - silent_since < SIGN_OF_LIFE_S
            if not is_silent and not is_admitted():
                return  # who comes back is told why
        except SQLAlchemyError as error:
            log.warning("cannot tell what happens to jobs", error=str(error))
            return  # the feed may have passed jobs; whoever comes back goes on before them
        if not is_silent:
            yield from told or (NOTHING,)
            silent_since = time.monotonic()
        if (rest_s := until - time.monotonic()) <= 0:  # not before: a busy server has looked once
            return
        yield from wait.until_change(min(LOOK_EVERY_S, rest_s))
