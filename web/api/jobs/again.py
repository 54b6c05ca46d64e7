"""View that submits a stored recording as a new job, without sending its bytes again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from shared import jobs
from shared.errors import JobNotFound
from shared.speakers.names import OPTION as SPEAKERS
from shared.storage.errors import RecordingMissing
from shared.transcripts.sound_selection import SoundSelection
from shared.words.hotwords import LISTS_OPTION
from shared.words.numbers.choice import OPTION as NUMBERS
from shared.words.replacements.job_replacements import OPTION as REPLACEMENTS
from web.api.jobs.views import accepted, blueprint
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json, validated
from web.api.schemas.hotwords import MOST_BYTES
from web.api.schemas.jobs import JobDetailOut
from web.api.schemas.submission import AgainOptions, SubmitOptions
from web.authentication.job_access import owner_of
from web.authentication.priority import require_priority
from web.idempotency_key_header import idempotency_key
from web.services import services
from web.uploads.submission import announce

_STORED = ("metadata", SPEAKERS, REPLACEMENTS, NUMBERS, LISTS_OPTION)
"""Options that are stored by the names that a submission has for them."""


@blueprint.post("/<uuid:job_id>/again")
@blueprint.output(JobDetailOut, 202, description="Accepted: another job is queued.")
@blueprint.doc(responses=[409, 429, 507])
@completed_by(operations.json_body(AgainOptions), operations.idempotent)
def transcribe_again(job_id: UUID) -> Response:
    """Have the recording of a job that has ended transcribed again, with other options.

    The answer is another job, which shares the recording with its title, date, people and tags; no
    bytes are sent again, and this job stays as it is. Options that are left out are as they were
    submitted with this job, but for `priority`. Corrections, marks, minutes and shares are not
    taken over. `tracks` and `channels` may change between `mix` and `each` only. 409 with code
    `recording_in_use`: another job of the recording waits or runs.
    """
    key = idempotency_key(request.headers.get("Idempotency-Key"))
    owner_of(job_id)
    wanted = parse_json(AgainOptions, most_bytes=MOST_BYTES)
    given = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    return accepted(accept_again(str(job_id), given, idempotency_key=key))


def options_before(job_id: str) -> SubmitOptions:
    """Options that a job was submitted with, without its priority. Raises JobNotFound."""
    return validated(SubmitOptions, _values_before(job_id))


def accept_again(
    job_id: str, given: dict[str, Any], *, idempotency_key: str | None = None
) -> jobs.Submission:
    """Queue another job for the recording of one that has ended, with the options of that one but
    for those that are given.

    Raises JobNotFound, InvalidRequest, PriorityNotAllowed, RecordingMissing, or as
    `jobs.submit_again`.
    """
    wanted = validated(SubmitOptions, _values_before(job_id) | given)
    require_priority(wanted.priority)
    here, owner_id = services(), owner_of(job_id)
    here.require_storage()
    if not here.blobs.exists(_record(job_id).recording.blob_key):
        raise RecordingMissing
    submission = jobs.submit_again(
        here.db,
        owner_id=owner_id,
        of_job=job_id,
        options=wanted.stored,
        hotwords=wanted.hotwords,
        model=wanted.model,
        priority=wanted.priority,
        idempotency_key=idempotency_key,
        limit=here.queue_limit,
    )
    return announce(submission, wanted.model)


def _values_before(job_id: str) -> dict[str, Any]:
    job = _record(job_id)
    sound = SoundSelection.from_options(job.options)
    words = jobs.get_hotwords(services().db, owner_id=owner_of(job_id), job_id=job_id).named
    return {
        **{name: job.options[name] for name in _STORED if name in job.options},
        "tracks": sound.tracks,
        "channels": sound.channels,
        "hotwords": words,
        "model": job.model,
    }


def _record(job_id: str) -> jobs.JobRecord:
    owner_id = owner_of(job_id)
    found = jobs.get_records(services().db, owner_id=owner_id, job_ids=[job_id])
    if job_id not in found:
        raise JobNotFound
    return found[job_id]
