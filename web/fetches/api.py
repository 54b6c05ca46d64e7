"""/api/v1/fetches: recordings that this server fetches from an address."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, request, url_for
from pydantic import BaseModel

from shared.fetches import requests
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json
from web.api.schemas.hotwords import MOST_BYTES as HOTWORD_BYTES
from web.authentication.owner import current_owner_id
from web.fetches import submission
from web.fetches.schemas import FetchListOut, FetchOut, FetchSubmission, fetch_out
from web.idempotency_key_header import idempotency_key
from web.polling.intervals import FETCH_S
from web.services import services

blueprint = APIBlueprint("fetches", __name__, url_prefix="/api/v1/fetches")


def _answer(shown: BaseModel, status: int = 200) -> Response:
    response = jsonify(shown.model_dump(mode="json"))
    response.status_code = status
    return response


@blueprint.post("")
@blueprint.output(FetchOut, 202)
@blueprint.doc(responses=[409, 422, 429])
@completed_by(operations.json_body(FetchSubmission), operations.idempotent)
def create_fetch() -> Response:
    """Have a recording fetched from an address, and submitted once it is here.

    The fetch has the id that its job will have. Repeating a request with the same
    `Idempotency-Key` answers the fetch that the first one made.
    """
    key = idempotency_key(request.headers.get("Idempotency-Key"))
    wanted = parse_json(FetchSubmission, most_bytes=HOTWORD_BYTES)
    fetch = submission.ask_as(wanted, idempotency_key=key)
    response = _answer(fetch_out(fetch), 202)
    response.headers["Location"] = url_for(".get_fetch", fetch_id=fetch.id)
    response.headers["Retry-After"] = str(FETCH_S)
    return response


@blueprint.get("")
@blueprint.output(FetchListOut)
def list_fetches() -> Response:
    """List the newest of your fetches that are no jobs: what is on its way, and what failed."""
    found = requests.fetches_of(services().db, current_owner_id())
    return _answer(FetchListOut(fetches=[fetch_out(one) for one in found]))


@blueprint.get("/<uuid:fetch_id>")
@blueprint.output(FetchOut)
def get_fetch(fetch_id: UUID) -> Response:
    """Ask how far a fetch is."""
    found = requests.get(services().db, owner_id=current_owner_id(), fetch_id=str(fetch_id))
    response = _answer(fetch_out(found))
    if found.state in requests.OPEN:
        response.headers["Retry-After"] = str(FETCH_S)
    return response


@blueprint.post("/<uuid:fetch_id>/cancel")
@blueprint.output(FetchOut)
@blueprint.doc(responses=[409])
def cancel_fetch(fetch_id: UUID) -> Response:
    """Cancel a fetch that is no job yet. What has come of it is removed."""
    return _answer(fetch_out(submission.cancel(str(fetch_id))))
