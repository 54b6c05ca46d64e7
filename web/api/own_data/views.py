"""/api/v1/me/data and DELETE /api/v1/me: all that an account has, as a file, and erased."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, jsonify, request

from shared import accounts, owner_data
from shared.accounts.errors import ErasureNeedsAccount
from shared.owner_data import ExportContents, Left
from web.api.openapi import operations
from web.api.openapi.operations import Operation, completed_by
from web.api.own_data.schemas import ErasureIn, ErasureOut, OwnDataQuery
from web.api.parsing import parse, parse_json, takes_query
from web.authentication.client_address import address, attempt_limit
from web.authentication.owner import current_owner_id
from web.http.filenames import attachment
from web.services import services

blueprint = APIBlueprint("own_data", __name__, url_prefix="/api/v1/me")

ERASES_S = 5.0
"""Seconds that a request deletes before it answers; a worker goes on with the rest."""


def _zip_file(operation: Operation) -> None:
    operation["responses"]["200"] = {
        "description": "The zip file, sent while it is made.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"Content-Disposition": {"schema": {"type": "string"}}},
    }


@blueprint.get("/data")
@blueprint.output({})
@takes_query(OwnDataQuery)
@completed_by(_zip_file)
def export_own_data() -> Response:
    """Download all that is yours here as a zip file.

    It has transcripts, corrections, lists, settings, what the audit log has of you, and recordings
    if you say so.
    """
    query = parse(OwnDataQuery, request.args)
    names = tuple(dict.fromkeys(filter(None, query.formats.split(","))))
    return export_response(ExportContents(names, query.recordings))


@blueprint.delete("")
@blueprint.output(ErasureOut, 202)
@blueprint.doc(responses=[409])
@completed_by(operations.json_body(ErasureIn))
def erase_own_account() -> Response:
    """Erase your account with all that is yours, for good.

    From now on nobody signs in with it and its keys end. Of it stays in the audit log that there
    was one, under a number.
    """
    wanted = parse_json(ErasureIn)
    here, user_id = services(), current_owner_id()
    if user_id == accounts.LOCAL_OWNER:
        raise ErasureNeedsAccount
    accounts.require_password(
        here.db, attempt_limit(), user_id=user_id, password=wanted.password, address=address()
    )
    left = erase(user_id)
    response = jsonify(
        ErasureOut(jobs=left.jobs, running=left.running, others=left.others).model_dump()
    )
    response.status_code = 202
    return response


def export_response(wanted: ExportContents) -> Response:
    """Answer with all that whoever asks has here. Raises InvalidRequest for a format."""
    here = services()
    pieces = owner_data.export_of(here.db, here.blobs, owner_id=current_owner_id(), wanted=wanted)
    response = Response(pieces, mimetype="application/zip")
    response.headers["Content-Disposition"] = attachment("longscribe-data.zip")
    response.headers["Cache-Control"] = "no-store"
    return response


def erase(user_id: str) -> Left:
    """Begin the erasure of an account, and go on with it for as long as a request may take. Raises
    AccountNotFound or LastAdministrator."""
    here = services()
    here.require_storage()
    owner_data.ask(here.db, user_id)
    return owner_data.go_on(here.db, here.blobs, user_id, within_s=ERASES_S)
