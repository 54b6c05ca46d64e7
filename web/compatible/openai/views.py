"""/v1/audio/transcriptions, /v1/audio/translations and /v1/models."""

from __future__ import annotations

import time
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify, request

from shared import jobs
from shared.errors import InvalidRequest, PermanentError
from web.authentication.owner import current_owner_id
from web.compatible.openai.answers import finished
from web.compatible.openai.fields import TranscriptionFields, is_of_another, read_fields
from web.compatible.openai.stream import streamed
from web.idempotency_key_header import idempotency_key
from web.services import services
from web.uploads.submission import accept
from web.waiting.postponed import Postponed, postpone, postponed
from web.waiting.wait_for_changes import Wait, watch

# The OpenAPI document is that of /api/v1; this is described in docs/clients.md.
blueprint = APIBlueprint("openai", __name__, url_prefix="/v1", enable_openapi=False)


class TranslationUnavailable(PermanentError):
    code = "translation_unavailable"
    http_status = 400
    default_message = (
        "This server writes what is said and translates nothing. POST the recording to "
        "/v1/audio/transcriptions for its text in the language that is spoken."
    )


class ModelNotFound(PermanentError):
    code = "model_not_found"
    http_status = 404
    default_message = "No worker runs this model. GET /v1/models lists those that do."


@blueprint.post("/audio/transcriptions")
def create_transcription() -> Response:
    """Submit a recording and answer with its transcript, once it is there."""
    if (waited := postponed()) is not None:
        return finished(waited.wait.job_id, waited.asked, is_stopping=waited.wait.is_stopping)
    until = time.monotonic() + services().settings.answer_within_s
    wait = watch().enter(request.environ, current_owner_id())
    try:
        asked = _submit(wait)
    except BaseException:
        wait.leave()
        raise
    return streamed(wait, asked) if asked.stream else postpone(Postponed(wait, until, asked))


def _submit(wait: Wait) -> TranscriptionFields:
    """Submit the recording of this request, and have `wait` wait for its job."""
    if request.mimetype != "multipart/form-data":
        raise InvalidRequest(
            "Send the recording as multipart/form-data, in the field 'file'.", param="file"
        )
    key = idempotency_key(request.headers.get("Idempotency-Key"))
    jobs.require_database(services().db)
    file = request.files.get("file")
    asked = read_fields(request.form, list(request.files))
    if file is None:
        raise InvalidRequest(
            "There is no file in this request. Send it in the field 'file'.", param="file"
        )
    submission = accept(
        file,
        owner_id=current_owner_id(),
        options=asked.stored,
        hotwords=asked.hotwords,
        model=asked.model,
        priority=asked.priority,
        idempotency_key=key,
        is_retry=_is_retry(),
    )
    wait.job_id = submission.job_id
    return asked


def _is_retry() -> bool:
    """Return whether OpenAI's client sends this once more, as it does where it got no answer in its
    own time: it names no key, and would get another job each time."""
    return request.headers.get("X-Stainless-Retry-Count", "0") not in ("", "0")


@blueprint.post("/audio/translations")
def create_translation() -> Response:
    """Refuse: no model here translates."""
    raise TranslationUnavailable


@blueprint.get("/models")
def list_models() -> Response:
    """List the models that workers run, by the names that a transcription may name."""
    return jsonify({"object": "list", "data": [_model(one) for one in _known_models()]})


@blueprint.get("/models/<path:model>")
def retrieve_model(model: str) -> Response:
    """Describe one model; a name of OpenAI's stands for whichever works here."""
    for known in _known_models():
        if known.name == model:
            return jsonify(_model(known))
    if is_of_another(model):
        return jsonify({"id": model, "object": "model", "created": 0, "owned_by": "longscribe"})
    raise ModelNotFound(param="model")


def _known_models() -> list[jobs.KnownModel]:
    here = services()
    return jobs.known_models(here.db, within_s=here.settings.worker_seen_within_s)


def _model(known: jobs.KnownModel) -> dict[str, Any]:
    created = int(known.seen_at.timestamp())
    return {"id": known.name, "object": "model", "created": created, "owned_by": "longscribe"}
