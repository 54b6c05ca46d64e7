"""/api/v1/jobs/{id}/minutes: minutes of a finished transcript, written by a language model."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, url_for

from shared import jobs
from shared.celery_doorbell import ring_for_minutes
from shared.minutes import requests
from shared.minutes.contents import Minutes
from shared.minutes.editing import as_left
from shared.minutes.errors import MinutesNotFound, MinutesNotReady, MinutesOff
from shared.minutes.minutes_marks import keep_as_marks
from shared.minutes.owner_prompts import changed_prompts
from shared.minutes.prompts import prompts_of_request
from shared.minutes.requests import MinutesRecord
from shared.states import MinutesStatus
from shared.transcripts.values import Transcript
from web.api.minutes.presenter import UNDER_WAY, present_minutes
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json
from web.api.schemas.minutes import (
    MOST_BYTES,
    MarksKeptOut,
    MinutesChangeIn,
    MinutesIn,
    MinutesOut,
)
from web.authentication.job_access import owner_of
from web.i18n.languages import current_language
from web.polling.intervals import MINUTES_S
from web.services import services

blueprint = APIBlueprint("minutes", __name__, url_prefix="/api/v1/jobs")


@blueprint.post("/<uuid:job_id>/minutes")
@blueprint.output(MinutesOut, 202)
@blueprint.doc(responses=[409])
@completed_by(operations.json_body(MinutesIn))
def ask_for_minutes(job_id: UUID) -> Response:
    """Have minutes of a completed job's transcript written.

    Its text and the names of its speakers are sent to the language model that the operator set up,
    and nowhere else; without one the answer is 409 with code `minutes_off`.
    """
    wanted = parse_json(MinutesIn)
    found = ask_for(str(job_id), language=wanted.language, again=wanted.again)
    response = _shown(found, status=202)
    response.headers["Location"] = url_for("minutes.get_minutes", job_id=job_id)
    return response


@blueprint.get("/<uuid:job_id>/minutes")
@blueprint.output(MinutesOut)
@blueprint.doc(responses=[409])
def get_minutes(job_id: UUID) -> Response:
    """Ask how the minutes of a job stand, and for themselves once they are completed.

    They are a proposal: a model wrote them. What it says each point rests on was checked to be
    there; names and numbers that are not in those sentences are in `unverified`.
    """
    return _shown(requests.get(services().db, owner_id=owner_of(job_id), job_id=str(job_id)))


@blueprint.put("/<uuid:job_id>/minutes")
@blueprint.output(MinutesOut)
@blueprint.doc(responses=[409])
@completed_by(operations.json_body(MinutesChangeIn))
def change_minutes(job_id: UUID) -> Response:
    """Correct finished minutes, accept them, or go back to what the model wrote, which is kept.

    If `revision` is not the newest, nothing is written and the answer is 409 with code
    `minutes_edited_meanwhile`.
    """
    wanted = parse_json(MinutesChangeIn, most_bytes=MOST_BYTES)
    content = None
    if wanted.minutes is not None:
        content = Minutes.from_json(wanted.minutes.model_dump())
    found = change(str(job_id), revision=wanted.revision, minutes=content, accepted=wanted.accepted)
    return _shown(found)


@blueprint.delete("/<uuid:job_id>/minutes")
@blueprint.output({}, 204)
def delete_minutes(job_id: UUID) -> Response:
    """Delete the minutes of a job, also while they are being written."""
    requests.delete(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    return Response(status=204)


@blueprint.post("/<uuid:job_id>/minutes/cancel")
@blueprint.output(MinutesOut)
@blueprint.doc(responses=[409])
def cancel_minutes(job_id: UUID) -> Response:
    """Stop the writing of minutes. Cancelling twice is no error."""
    return _shown(requests.cancel(services().db, owner_id=owner_of(job_id), job_id=str(job_id)))


@blueprint.post("/<uuid:job_id>/minutes/retry")
@blueprint.output(MinutesOut, 202)
@blueprint.doc(responses=[409])
def retry_minutes(job_id: UUID) -> Response:
    """Go on with failed or cancelled minutes. What the model had answered is not asked again."""
    return _shown(try_again(str(job_id)), status=202)


@blueprint.post("/<uuid:job_id>/minutes/marks")
@blueprint.output(MarksKeptOut, 201)
@blueprint.doc(responses=[409])
def keep_minutes_as_marks(job_id: UUID) -> Response:
    """Mark where the decisions, to-dos and chapters of finished minutes were said.

    It is one change of the recording's marks and undone as one. What is marked already, and what is
    without source, is left out.
    """
    shown = MarksKeptOut(added=keep_marks(str(job_id)))
    response = jsonify(shown.model_dump(mode="json"))
    response.status_code = 201
    return response


def keep_marks(job_id: str) -> int:
    """Keep the minutes of who sent this request as marks; how many are new. Raises MinutesNotReady
    and what `keep_as_marks` raises."""
    here, owner_id = services(), owner_of(job_id)
    found = requests.get(here.db, owner_id=owner_id, job_id=job_id)
    if found.current is None:
        raise MinutesNotReady
    sentences = _transcript(job_id).sentences
    return keep_as_marks(
        here.db, owner_id=owner_id, job_id=job_id, minutes=found.current, sentences=sentences
    )


def ask_for(job_id: str, *, language: str | None, again: bool) -> MinutesRecord:
    """Queue the writing of minutes for who sent this request. Raises MinutesOff and what
    `requests.ask` raises."""
    here, owner_id = services(), owner_of(job_id)
    if not here.settings.writes_minutes:
        with suppress(MinutesNotFound):  # of somebody else's job nobody learns that it is there
            requests.get(here.db, owner_id=owner_id, job_id=job_id)
        raise MinutesOff
    chosen = language or current_language()
    found = requests.ask(
        here.db,
        owner_id=owner_id,
        job_id=job_id,
        language=chosen,
        prompts=prompts_of_request(chosen, changed_prompts(here.db, owner_id, chosen)),
        again=again,
    )
    ring_for_minutes(here.celery)
    return found


def try_again(job_id: str) -> MinutesRecord:
    """Queue them again for who sent this request. Raises MinutesOff and what `requests.retry`
    raises."""
    here = services()
    requests.get(here.db, owner_id=owner_of(job_id), job_id=job_id)
    if not here.settings.writes_minutes:
        raise MinutesOff
    found = requests.retry(here.db, owner_id=owner_of(job_id), job_id=job_id)
    ring_for_minutes(here.celery)
    return found


def change(job_id: str, *, revision: int, minutes: Minutes | None, accepted: bool) -> MinutesRecord:
    """Keep minutes as their owner left them. Raises what `as_left` and `requests.change` raise."""
    here, owner_id = services(), owner_of(job_id)
    found = requests.get(here.db, owner_id=owner_id, job_id=job_id)
    if found.current is None:
        raise MinutesNotReady
    if minutes is not None:
        count = len(_transcript(job_id).sentences)
        minutes = as_left(minutes, found.current, count)
        if minutes == found.proposal:
            minutes = None
    return requests.change(
        here.db,
        owner_id=owner_id,
        job_id=job_id,
        revision=revision,
        minutes=minutes,
        accepted=accepted,
    )


def _transcript(job_id: str) -> Transcript:
    return jobs.get_transcript(services().db, owner_id=owner_of(job_id), job_id=job_id, words=False)


def _shown(found: MinutesRecord, *, status: int = 200) -> Response:
    is_completed = found.status is MinutesStatus.COMPLETED
    shown = present_minutes(found, _transcript(found.job_id) if is_completed else None)
    response = jsonify(shown.model_dump(mode="json"))
    response.status_code = status
    if found.status in UNDER_WAY:
        response.headers["Retry-After"] = str(MINUTES_S)
    return response
