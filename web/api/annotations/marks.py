"""/api/v1/jobs/{id}/marks: chapters, bookmarks, notes, decisions and to-dos of a recording."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify

from shared import jobs
from shared.annotations.marks import (
    add_marks,
    change_mark,
    checked_mark,
    read_marks,
    remove_mark,
)
from shared.transcripts.chapters import propose_chapters
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json
from web.api.schemas.annotations.marks import (
    ChapterProposalOut,
    MarkChangeIn,
    MarkListOut,
    MarkOut,
    MarksIn,
    ProposedChapter,
)
from web.authentication.job_access import access_of, owner_of
from web.services import services

blueprint = APIBlueprint("marks", __name__, url_prefix="/api/v1/jobs")


def _list(job_id: UUID, status: int = 200) -> Response:
    found = read_marks(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    shown = MarkListOut(
        job_id=str(job_id),
        marks=[MarkOut.model_validate(mark.to_json()) for mark in found],
    )
    response = jsonify(shown.model_dump(mode="json"))
    response.status_code = status
    return response


@blueprint.get("/<uuid:job_id>/marks")
@blueprint.output(MarkListOut)
def list_marks(job_id: UUID) -> Response:
    """List the marked places of a recording, in order of time."""
    return _list(job_id)


@blueprint.post("/<uuid:job_id>/marks")
@blueprint.output(MarkListOut, 201)
@completed_by(operations.json_body(MarksIn))
def create_marks(job_id: UUID) -> Response:
    """Mark places; the answer lists all. Several are one change, which is undone as one."""
    wanted = parse_json(MarksIn)
    access = access_of(job_id)
    add_marks(
        services().db,
        owner_id=access.owner_id,
        job_id=str(job_id),
        editor_id=access.person_id,
        marks=[
            checked_mark(mark.kind, mark.at, mark.text, mark.who, mark.due) for mark in wanted.marks
        ],
    )
    return _list(job_id, 201)


@blueprint.patch("/<uuid:job_id>/marks/<uuid:mark_id>")
@blueprint.output(MarkListOut)
@completed_by(operations.json_body(MarkChangeIn))
def change_one_mark(job_id: UUID, mark_id: UUID) -> Response:
    """Change a mark; the answer lists all."""
    wanted = parse_json(MarkChangeIn)
    access = access_of(job_id)
    change_mark(
        services().db,
        owner_id=access.owner_id,
        job_id=str(job_id),
        editor_id=access.person_id,
        mark_id=str(mark_id),
        changes=wanted.changes(),
    )
    return _list(job_id)


@blueprint.delete("/<uuid:job_id>/marks/<uuid:mark_id>")
@blueprint.output(MarkListOut)
def end_mark(job_id: UUID, mark_id: UUID) -> Response:
    """Take a mark away; the answer lists the others."""
    access = access_of(job_id)
    remove_mark(
        services().db,
        owner_id=access.owner_id,
        job_id=str(job_id),
        editor_id=access.person_id,
        mark_id=str(mark_id),
    )
    return _list(job_id)


@blueprint.get("/<uuid:job_id>/chapters/proposal")
@blueprint.output(ChapterProposalOut)
@blueprint.doc(responses=[409])
def propose_job_chapters(job_id: UUID) -> Response:
    """Ask where chapters are likely to begin, by pauses, speakers and words, without any model.

    The same transcript has the same proposal. None are proposed for less than two minutes.
    """
    transcript = jobs.get_transcript(
        services().db, owner_id=owner_of(job_id), job_id=str(job_id), words=False
    ).without_removed()
    shown = ChapterProposalOut(
        job_id=str(job_id),
        chapters=[
            ProposedChapter(at=round(chapter.at_s, 3), title=chapter.title)
            for chapter in propose_chapters(transcript)
        ],
    )
    return jsonify(shown.model_dump(mode="json"))
