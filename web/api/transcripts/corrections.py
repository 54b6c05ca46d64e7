"""/api/v1/jobs/{id}/sentences and its revisions: correcting a finished transcript."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, request

from shared.errors import EditedMeanwhile
from shared.transcripts import changes, corrections
from web.api.cursors import find_place, hide_place
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, parse_json, takes_query
from web.api.schemas.transcripts.corrections import (
    ChangesIn,
    ChangesOut,
    CorrectionIn,
    EditedMeanwhileOut,
    RevisionListOut,
    RevisionListQuery,
    SentenceOut,
    SentenceRevisionListOut,
    SentenceRevisionListQuery,
)
from web.authentication.job_access import owner_of
from web.authentication.owner import current_owner_id
from web.error_shapes import error_object
from web.services import services

blueprint = APIBlueprint("corrections", __name__, url_prefix="/api/v1/jobs")

_MOST_CHANGES_BYTES = 2 * 2**20
"""Bytes of a change of as many sentences as there may be, of some 150 characters each."""


def _shown(found: corrections.SentenceRevision) -> SentenceOut:
    return SentenceOut(
        n=found.n,
        revision=found.revision,
        text=found.text,
        recognised_text=found.recognised_text,
        corrected=found.corrected,
        start=found.start,
        end=found.end,
        origin=found.origin,
        rule=found.rule,
        editor=found.editor_id,
        at=found.at,
    )


def _sentence(found: corrections.SentenceRevision) -> Response:
    return jsonify(_shown(found).model_dump(mode="json"))


@blueprint.errorhandler(EditedMeanwhile)
def _edited_meanwhile(error: EditedMeanwhile) -> Response:
    assert isinstance(error.current, corrections.SentenceRevision)
    answer = EditedMeanwhileOut.model_validate(
        {
            "error": error_object(error.message, status=error.http_status, code=error.code),
            "current": _shown(error.current),
        }
    )
    response = jsonify(answer.model_dump(mode="json"))
    response.status_code = error.http_status
    return response


@blueprint.get("/<uuid:job_id>/sentences/<int:n>")
@blueprint.output(SentenceOut)
@blueprint.doc(responses=[409])
def get_sentence(job_id: UUID, n: int) -> Response:
    """Ask for a sentence as it is now."""
    return _sentence(
        corrections.get_sentence(services().db, owner_id=owner_of(job_id), job_id=str(job_id), n=n)
    )


@blueprint.put("/<uuid:job_id>/sentences/<int:n>")
@blueprint.output(SentenceOut)
@completed_by(operations.json_body(CorrectionIn), operations.edited_meanwhile)
def correct_sentence(job_id: UUID, n: int) -> Response:
    """Correct a sentence of a completed job's transcript.

    The recognised text is kept, and so is every correction: send an older text to return to it.
    `revision` is the one that your text was made from. If it is no longer the newest, nothing is
    written and the answer is 409 with code `edited_meanwhile` and the sentence as it is now in
    `current`. Repeating a request is harmless.
    """
    correction = parse_json(CorrectionIn)
    return _sentence(
        corrections.correct(
            services().db,
            owner_id=owner_of(job_id),
            job_id=str(job_id),
            n=n,
            text=correction.text,
            revision=correction.revision,
            editor_id=current_owner_id(),
        )
    )


@blueprint.post("/<uuid:job_id>/revisions")
@blueprint.output(ChangesOut)
@completed_by(operations.json_body(ChangesIn), operations.edited_meanwhile)
def change_sentences(job_id: UUID) -> Response:
    """Change sentences of a completed job's transcript together: all, or none.

    This splits a sentence (the first half's text and end, and the second half as a new sentence),
    joins two (the first with both texts and the second's end, the second without text), moves one
    in time, or replaces a word everywhere; sending what was before takes it back. Words get their
    times from the recognised ones that are said then. If any `revision` is no longer the newest,
    nothing is written and the answer is 409 with code `edited_meanwhile` and that sentence in
    `current`.
    """
    given = parse_json(ChangesIn, most_bytes=_MOST_CHANGES_BYTES)
    made = changes.change_sentences(
        services().db,
        owner_id=owner_of(job_id),
        job_id=str(job_id),
        changes=[changes.Change(**one.model_dump()) for one in given.sentences],
        editor_id=current_owner_id(),
    )
    shown = ChangesOut(job_id=str(job_id), sentences=[_shown(found) for found in made])
    return jsonify(shown.model_dump(mode="json"))


@blueprint.get("/<uuid:job_id>/sentences/<int:n>/revisions")
@blueprint.output(SentenceRevisionListOut)
@blueprint.doc(responses=[409])
@takes_query(SentenceRevisionListQuery)
def list_sentence_revisions(job_id: UUID, n: int) -> Response:
    """List all that a sentence was, newest first; the recognised text is the last."""
    query = parse(SentenceRevisionListQuery, request.args)
    page = corrections.sentence_revisions(
        services().db,
        owner_id=owner_of(job_id),
        job_id=str(job_id),
        n=n,
        limit=query.limit,
        cursor=query.cursor,
    )
    shown = SentenceRevisionListOut(
        job_id=str(job_id),
        revisions=[_shown(found) for found in page.revisions],
        next_cursor=page.next_cursor,
    )
    return jsonify(shown.model_dump(mode="json"))


@blueprint.get("/<uuid:job_id>/revisions")
@blueprint.output(RevisionListOut)
@blueprint.doc(responses=[409])
@takes_query(RevisionListQuery)
def list_revisions(job_id: UUID) -> Response:
    """List the corrections of a transcript, newest first."""
    query = parse(RevisionListQuery, request.args)
    page = corrections.revisions(
        services().db,
        owner_id=owner_of(job_id),
        job_id=str(job_id),
        limit=query.limit,
        cursor=find_place(query.cursor, of="revisions"),
    )
    shown = RevisionListOut(
        job_id=str(job_id),
        revisions=[_shown(found) for found in page.revisions],
        next_cursor=hide_place(page.next_cursor, of="revisions"),
    )
    return jsonify(shown.model_dump(mode="json"))
