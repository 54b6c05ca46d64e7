"""Views of a recording's details (title, date, people, tags) and of undoing their changes."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify

from shared.annotations.details import change_details
from shared.annotations.edits import read_edits
from shared.annotations.labels import LabelKind, used_labels
from shared.annotations.undoing import undo
from web.api.jobs.views import job_answer
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json
from web.api.schemas.annotations.details import DetailsIn, EditListOut, EditOut, LabelsOut
from web.api.schemas.jobs import JobDetailOut
from web.authentication.job_access import access_of, owner_of
from web.authentication.owner import current_owner_id
from web.services import services

blueprint = APIBlueprint("details", __name__, url_prefix="/api/v1")


@blueprint.patch("/jobs/<uuid:job_id>")
@blueprint.output(JobDetailOut)
@completed_by(operations.json_body(DetailsIn))
def change_job(job_id: UUID) -> Response:
    """Give a recording a title, a date, people and tags, in whatever state its job is.

    Lists are narrowed down by `tag` and `person`, and a search finds all of them but the date. The
    name of the file stays as it was submitted.
    """
    wanted = parse_json(DetailsIn)
    access = access_of(job_id)
    change_details(
        services().db,
        owner_id=access.owner_id,
        job_id=str(job_id),
        editor_id=access.person_id,
        changes=wanted.changes(),
    )
    return job_answer(str(job_id))


@blueprint.get("/labels")
@blueprint.output(LabelsOut)
def list_labels() -> Response:
    """List the people and tags that you have given to recordings."""
    here, owner_id = services(), current_owner_id()
    shown = LabelsOut(
        people=used_labels(here.db, owner_id=owner_id, kind=LabelKind.PERSON),
        tags=used_labels(here.db, owner_id=owner_id, kind=LabelKind.TAG),
    )
    return jsonify(shown.model_dump(mode="json"))


@blueprint.get("/jobs/<uuid:job_id>/edits")
@blueprint.output(EditListOut)
def list_edits(job_id: UUID) -> Response:
    """List what people changed of all that is said about a recording, oldest first."""
    edits = read_edits(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    shown = EditListOut(
        job_id=str(job_id),
        edits=[
            EditOut(
                number=edit.number,
                kind=edit.kind,
                before=dict(edit.before),
                after=dict(edit.after),
                undoes=edit.undoes,
                editor=edit.editor_id,
                at=edit.at,
            )
            for edit in edits
        ],
    )
    return jsonify(shown.model_dump(mode="json"))


@blueprint.post("/jobs/<uuid:job_id>/edits/<int:number>/undo")
@blueprint.output(JobDetailOut)
def undo_edit(job_id: UUID, number: int) -> Response:
    """Make what a change changed as it was before it. That is a change too, and can be undone."""
    access = access_of(job_id)
    undo(
        services().db,
        owner_id=access.owner_id,
        job_id=str(job_id),
        number=number,
        editor_id=access.person_id,
    )
    return job_answer(str(job_id))
