"""/api/v1/jobs/{job_id}/events: how a job stands, told each time that it changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import structlog
from flask import Response, copy_current_request_context, request
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.errors import JobNotFound
from shared.states import TERMINAL
from web.api.jobs.presenter import job_digest, present_detail
from web.api.schemas.jobs import JobDetailOut
from web.authentication.job_access import LOOK_EVERY_S, access_of, still_open
from web.authentication.sign_in import still_admitted
from web.services import services
from web.waiting.server_sent import NOTHING, SIGN_OF_LIFE_S, event, event_stream
from web.waiting.wait_for_changes import Wait, watch

log = structlog.stdlib.get_logger(__name__)


def job_events(job_id: str) -> Response:
    """Answer with the events of a job, or 204 to a client that has the last of them.

    Raises JobNotFound, and TooManyWaiting.
    """
    here, access = services(), access_of(job_id)
    owner_id, is_open = access.owner_id, still_open(access)

    def look() -> JobDetailOut:
        if not is_open():
            raise JobNotFound
        seen_within_s = here.settings.worker_seen_within_s
        view = jobs.get_job(here.db, owner_id=owner_id, job_id=job_id, seen_within_s=seen_within_s)
        return present_detail(view, here.settings)

    job, told = look(), request.headers.get("Last-Event-ID")
    if job.status in TERMINAL and job_digest(job) == told:
        return Response(status=204)  # else clients would come back for ever
    wait = watch().enter(request.environ, access.person_id)
    wait.job_id = job_id
    until = time.monotonic() + here.settings.answer_within_s
    every_s = LOOK_EVERY_S if access.is_shared else SIGN_OF_LIFE_S
    look_within_request = copy_current_request_context(look)
    events = _events(wait, look_within_request, told, until, every_s, still_admitted())
    return event_stream(events, wait)


def _events(
    wait: Wait,
    look: Callable[[], JobDetailOut],
    told: str | None,
    until: float,
    every_s: float,
    is_admitted: Callable[[], bool],
) -> Iterator[bytes]:
    rest_s = max(0.0, until - time.monotonic())  # a busy server looks once as well
    while not wait.is_stopping and rest_s >= 0:
        yield from wait.until_change(min(every_s, rest_s))
        rest_s = until - time.monotonic()
        try:
            if not is_admitted():
                return  # who comes back is told why
            job = look()
        except JobNotFound as gone:
            yield event({"code": gone.code, "message": gone.message}, name="gone")
            return
        except SQLAlchemyError as error:
            log.warning("cannot tell how a job stands", error=str(error))
            yield NOTHING
            continue
        digest = job_digest(job)
        if digest == told:
            yield NOTHING
        else:
            shown = job.model_dump(mode="json", by_alias=True)
            yield event(shown, name="job", id=digest)
            told = digest
        if job.status in TERMINAL:
            return
