"""/v2/upload and /v2/transcript."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, make_response, request, url_for

from shared import jobs
from shared.errors import InvalidRequest
from shared.export.formats import FORMATS
from shared.export.options import LIMITS, Provenance
from shared.states import JobStatus
from shared.storage import uploads
from shared.transcripts.values import Transcript
from shared.words.job_terms import terms_of_job
from web.authentication.owner import current_owner_id
from web.compatible.assemblyai.answers import (
    shown_fetch,
    shown_job,
    shown_paragraphs,
    shown_sentences,
)
from web.compatible.assemblyai.request import read_request
from web.compatible.uploaded import job_of
from web.fetches import submission as fetching
from web.fetches.schemas import FetchSubmission
from web.http.filenames import clean_filename
from web.monitoring.traces import exporting
from web.services import services
from web.uploads.begin import begin_upload
from web.uploads.deferred_length import with_length
from web.uploads.tus_append import Append

# The OpenAPI document is that of /api/v1; this is described in docs/clients.md.
blueprint = APIBlueprint("assemblyai", __name__, url_prefix="/v2", enable_openapi=False)


@blueprint.post("/upload")
def upload() -> Response:
    """Keep the body of this request, for a transcript to be asked for. It may come without its
    length, in chunks, as Node's streams are sent."""
    here, owner_id = services(), current_owner_id()
    begun = begin_upload(clean_filename("recording"), request.content_length)
    try:
        with here.blobs.hold_upload(begun.id) as held:
            append = Append(begun, held)
            append.store(None)
            if not append.durable_bytes:
                raise InvalidRequest("The recording is empty. Send another one.")
            if begun.is_length_deferred:
                with_length(_upload(begun.id), append.durable_bytes, 0)
    except BaseException:  # nobody was told where to go on with it
        uploads.remove(here.db, here.blobs, owner_id=owner_id, upload_id=begun.id)
        raise
    address = f"{url_for('.upload', _external=True)}/{begun.id}"
    return jsonify({"upload_url": address})


def _upload(upload_id: str) -> uploads.UploadRecord:
    return uploads.find(services().db, owner_id=current_owner_id(), upload_id=upload_id)


@blueprint.post("/transcript")
def create_transcript() -> Response:
    """Submit what was uploaded, or have a recording fetched."""
    here = services()
    known = jobs.known_models(here.db, within_s=here.settings.worker_seen_within_s)
    names = frozenset(model.name for model in known)
    wanted = read_request(names, fetches=fetching.is_on())
    if isinstance(wanted, FetchSubmission):
        return jsonify(shown_fetch(fetching.ask_as(wanted)))
    return _shown(job_of(wanted))


@blueprint.get("/transcript/<uuid:job_id>")
def get_transcript(job_id: UUID) -> Response:
    """Answer with a job, and with its transcript once it is completed."""
    return _shown(str(job_id))


@blueprint.delete("/transcript/<uuid:job_id>")
def delete_transcript(job_id: UUID) -> Response:
    """Delete a job with its recording and transcript, and answer with what it was."""
    here, shown = services(), _shown(str(job_id))
    here.require_storage()
    jobs.delete(here.db, here.blobs, owner_id=current_owner_id(), job_id=str(job_id))
    return shown


@blueprint.get("/transcript/<uuid:job_id>/sentences")
def get_sentences(job_id: UUID) -> Response:
    return jsonify(shown_sentences(_transcript(str(job_id))))


@blueprint.get("/transcript/<uuid:job_id>/paragraphs")
def get_paragraphs(job_id: UUID) -> Response:
    return jsonify(shown_paragraphs(_transcript(str(job_id))))


@blueprint.get("/transcript/<uuid:job_id>/srt")
def get_srt(job_id: UUID) -> Response:
    return _subtitles("srt", str(job_id))


@blueprint.get("/transcript/<uuid:job_id>/vtt")
def get_vtt(job_id: UUID) -> Response:
    return _subtitles("vtt", str(job_id))


def _subtitles(name: str, job_id: str) -> Response:
    format_, job = FORMATS[name], _job(job_id)
    options = format_.defaults
    if cells := request.args.get("chars_per_caption", type=int):
        limits = LIMITS["line_width"]
        width = min(max(cells // options.max_lines, limits.minimum), limits.maximum)
        options = replace(options, line_width=round(width))
    provenance = Provenance(
        job.id,
        PurePath(job.recording.filename).stem,
        job.completed_at,
        people=job.recording.details.people,
        terms=terms_of_job(services().db, job.id),
    )
    with exporting(job.id, name):
        content = format_.render(_transcript(job.id), provenance, options)
    answer = make_response(content)
    answer.content_type = f"{format_.media_type}; charset=utf-8"
    return answer


def _job(job_id: str) -> jobs.JobRecord:
    return jobs.get_job(services().db, owner_id=current_owner_id(), job_id=job_id).job


def _transcript(job_id: str) -> Transcript:
    stored = jobs.get_transcript(services().db, owner_id=current_owner_id(), job_id=job_id)
    return stored.without_removed()


def _shown(job_id: str) -> Response:
    if (fetch := fetching.find_before_job(job_id)) is not None:
        return jsonify(shown_fetch(fetch))
    job = _job(job_id)
    transcript = _transcript(job_id) if job.status == JobStatus.COMPLETED else None
    return jsonify(shown_job(job, transcript))
