"""/api/v1/hotwords: the words that are kept for all jobs; and what a job was given of them."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, request

from shared import jobs
from shared.words.hotwords import WordList, read_list, replace_list
from web.api.openapi.operations import completed_by, json_body
from web.api.parsing import parse, parse_json, takes_query
from web.api.schemas.hotwords import (
    MOST_BYTES,
    FoundWordOut,
    HotwordsIn,
    HotwordsOut,
    JobHotwordsOut,
)
from web.api.schemas.replacements import ListQuery
from web.api.words.replacements import owner_of_list
from web.authentication.job_access import owner_of
from web.authentication.owner import current_owner_id
from web.services import services

blueprint = APIBlueprint("hotwords", __name__, url_prefix="/api/v1")


@blueprint.get("/jobs/<uuid:job_id>/hotwords")
@blueprint.output(JobHotwordsOut)
def get_job_hotwords(job_id: UUID) -> Response:
    """Ask which words a job was given, whether its model took them, and which are in the text.

    What a job is given is fixed when it is submitted: a list that is changed later changes nothing
    of it, and a retry has the same words.
    """
    given = jobs.get_hotwords(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    found = given.found
    shown = JobHotwordsOut(
        job_id=str(job_id),
        passed=given.passed,
        words=len(given.words),
        named=list(given.named),
        own=list(given.own),
        groups=list(given.groups),
        everybodys=list(given.everybodys),
        left_out=given.left_out,
        found=None
        if found is None
        else [FoundWordOut(word=word, times=times) for word, times in found],
        found_words=given.found_size,
    )
    return jsonify(shown.model_dump(mode="json"))


@blueprint.get("/hotwords")
@blueprint.doc(responses=[404])
@blueprint.output(HotwordsOut)
@takes_query(ListQuery)
def get_hotword_list() -> Response:
    """Ask for the list of words that are likely to be said, which every job is given."""
    query = parse(ListQuery, request.args)
    return _shown(read_list(services().db, owner_of_list(query, writes=False)))


@blueprint.put("/hotwords")
@blueprint.output(HotwordsOut)
@blueprint.doc(responses=[404, 409])
@takes_query(ListQuery)
@completed_by(json_body(HotwordsIn))
def replace_hotword_list() -> Response:
    """Put another list in place of one. Jobs that are submitted already keep their words.

    A text is read as a file is: one word a line, and the weights of FunASR's lists are taken off.
    """
    owner_id = owner_of_list(parse(ListQuery, request.args), writes=True)
    given = parse_json(HotwordsIn, most_bytes=MOST_BYTES)
    kept = replace_list(
        services().db,
        owner_id,
        given.words,
        editor_id=current_owner_id(),
        revision=given.revision,
    )
    return _shown(kept)


def _shown(kept: WordList) -> Response:
    shown = HotwordsOut(
        words=list(kept.words),
        revision=kept.revision,
        changed_at=kept.changed_at,
        editor=kept.editor_id,
    )
    return jsonify(shown.model_dump(mode="json"))
