"""/api/v1/services/audio/asr/transcription, /api/v1/tasks and what they lead to."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, current_app, jsonify, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer

from shared import accounts, jobs
from shared.errors import InvalidRequest, JobNotFound
from web.authentication.owner import current_owner_id
from web.compatible.dashscope.answers import begun, shown_fetch, shown_task, transcription
from web.compatible.dashscope.request import read_request
from web.compatible.uploaded import job_of
from web.fetches import submission as fetching
from web.fetches.schemas import FetchSubmission
from web.monitoring.traces import exporting
from web.services import services

# The OpenAPI document is that of Longscribe's own API; this is described in docs/clients.md.
blueprint = APIBlueprint("dashscope", __name__, url_prefix="/api/v1", enable_openapi=False)

LINK_S = 24 * 3600
"""Seconds for which the address of a transcription opens it, as DashScope's does."""


@blueprint.post("/services/audio/asr/transcription")
def begin_task() -> Response:
    """Submit what was uploaded, or have a recording fetched."""
    if request.headers.get("X-DashScope-Async", "").lower() != "enable":
        raise InvalidRequest(
            "Recordings are transcribed in the background only: send X-DashScope-Async: enable.",
            param="X-DashScope-Async",
        )
    wanted = read_request(fetches=fetching.is_on())
    if isinstance(wanted, FetchSubmission):
        return jsonify(shown_fetch(fetching.ask_as(wanted)))
    return jsonify(begun(_job(job_of(wanted))))


@blueprint.get("/tasks/<uuid:job_id>")
def get_task(job_id: UUID) -> Response:
    """Answer with how a task stands, and where its transcription is."""
    if (fetch := fetching.find_before_job(str(job_id))) is not None:
        return jsonify(shown_fetch(fetch))
    owner_id, job = current_owner_id(), _job(str(job_id))
    link = _links().dumps([owner_id, job.id])
    address = url_for(".get_transcription", job_id=job.id, link=link, _external=True)
    file_url = url_for("listening.get_job_audio", job_id=job.id, _external=True)
    return jsonify(shown_task(job, file_url=file_url, transcription_url=address))


@blueprint.post("/tasks/<uuid:job_id>/cancel")
def cancel_task(job_id: UUID) -> Response:
    """Cancel a task."""
    if fetching.find_before_job(str(job_id)) is not None:
        fetching.cancel(str(job_id))
        return jsonify({"request_id": str(job_id)})
    jobs.cancel(services().db, owner_id=current_owner_id(), job_id=str(job_id))
    return jsonify({"request_id": str(job_id)})


@blueprint.get("/tasks/<uuid:job_id>/transcription")
def get_transcription(job_id: UUID) -> Response:
    """Answer with the transcription to whoever has its address: clients send no key for it."""
    try:
        owner_id, opened = _links().loads(request.args.get("link", ""), max_age=LINK_S)
    except BadSignature:
        raise JobNotFound from None
    # Nobody could withdraw the address of an account that is disabled.
    if opened != str(job_id) or accounts.is_disabled(services().db, owner_id):
        raise JobNotFound
    with exporting(opened, "json"):
        stored = jobs.get_transcript(services().db, owner_id=owner_id, job_id=opened)
    file_url = url_for("listening.get_job_audio", job_id=opened, _external=True)
    return jsonify(transcription(stored.without_removed(), file_url))


def _links() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="dashscope.transcription")


def _job(job_id: str) -> jobs.JobRecord:
    return jobs.get_job(services().db, owner_id=current_owner_id(), job_id=job_id).job
