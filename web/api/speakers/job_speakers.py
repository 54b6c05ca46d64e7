"""/api/v1/jobs/{id}/speakers: who speaks in a finished transcript, and changing that."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify

from shared import jobs
from shared.sharing.errors import OnlyItsOwner
from shared.speakers.edits import Edit, EditKind
from shared.speakers.errors import SpeakersEditedMeanwhile
from shared.speakers.transcript_speakers import Speakers, edit_speakers, read_speakers
from shared.transcripts.overlap import Overlap, overlap_of
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json_of_kind
from web.api.schemas.speakers.job_speakers import (
    EDITS,
    MOST_EDITS_SHOWN,
    EditIn,
    SpeakerEditOut,
    SpeakerOut,
    SpeakersEditedMeanwhileOut,
    SpeakersOut,
    UndoIn,
)
from web.authentication.job_access import access_of, owner_of
from web.authentication.owner import current_owner_id
from web.error_shapes import error_object
from web.errors import localised_error
from web.services import services

blueprint = APIBlueprint("speakers", __name__, url_prefix="/api/v1/jobs")


@blueprint.get("/<uuid:job_id>/speakers")
@blueprint.output(SpeakersOut)
@blueprint.doc(responses=[409])
def get_speakers(job_id: UUID) -> Response:
    """Ask who speaks in a completed job's transcript, and what people changed of that."""
    return jsonify(_speakers(job_id, _versions(job_id)).model_dump(mode="json"))


@blueprint.post("/<uuid:job_id>/speakers")
@blueprint.output(SpeakersOut)
@completed_by(operations.json_body_of_kind(EDITS), operations.speakers_edited_meanwhile)
def change_speakers(job_id: UUID) -> Response:
    """Name speakers, merge or split them, give them sentences, or tell all of them apart again.

    Every download and the page have the change; the recognised transcript stays as it is, and each
    change can be undone. `revision` is the one that your change is made from. If it is no longer
    the newest, nothing is written and the answer is 409 with code `speakers_edited_meanwhile` and
    who speaks by now in `current`.
    """
    change = parse_json_of_kind(EDITS)
    versions = _versions(job_id)
    _require_allowed(job_id, versions, change)
    try:
        edit_speakers(
            services().db,
            job_id=str(job_id),
            editor_id=current_owner_id(),
            recognised=versions.recognised,
            revision=change.revision,
            kind=EditKind(change.kind),
            detail=change.detail,
            sentences=len(versions.current.sentences),
        )
    except SpeakersEditedMeanwhile as error:
        return _edited_meanwhile(error, _speakers(job_id, versions))
    return jsonify(_speakers(job_id, versions).model_dump(mode="json"))


def _require_allowed(job_id: UUID, versions: jobs.Versions, change: EditIn) -> None:
    """Check that who sent this request may make this change. Raises OnlyItsOwner.

    Telling voices apart anew takes back what the recording gave to its owner's kept voices.
    """
    if not access_of(job_id).is_shared:
        return
    kind = EditKind(change.kind)
    if isinstance(change, UndoIn):
        found = _read(job_id, versions)
        # One that is not there is refused with the others that cannot be undone.
        kind = next((edit.kind for edit in found.edits if edit.number == change.edit), kind)
        if kind is EditKind.UNDO:
            raise OnlyItsOwner
    if kind in (EditKind.COUNT, EditKind.SPLIT):
        raise OnlyItsOwner


def _edited_meanwhile(error: SpeakersEditedMeanwhile, current: SpeakersOut) -> Response:
    answer = SpeakersEditedMeanwhileOut.model_validate(
        {
            "error": error_object(
                localised_error(error), status=error.http_status, code=error.code
            ),
            "current": current,
        }
    )
    response = jsonify(answer.model_dump(mode="json"))
    response.status_code = error.http_status
    return response


def _versions(job_id: UUID) -> jobs.Versions:
    return jobs.get_versions(
        services().db, owner_id=owner_of(job_id), job_id=str(job_id), words=False
    )


def _speakers(job_id: UUID, versions: jobs.Versions) -> SpeakersOut:
    """Read a transcript's speakers as edited; an edit of speakers does not change the transcript's
    text."""
    found = _read(job_id, versions)
    shown = _shown(str(job_id), found, overlap_of(versions.current, found.of_sentences))
    if access_of(job_id).is_shared:
        shown.can_count = False
    return shown


def _read(job_id: UUID, versions: jobs.Versions) -> Speakers:
    return read_speakers(
        services().db,
        job_id=str(job_id),
        transcript=versions.current,
        recognised=versions.recognised,
    )


def _shown(job_id: str, found: Speakers, overlap: Overlap | None) -> SpeakersOut:
    spoken: dict[int | None, float] = defaultdict(float)
    for number, seconds in zip(
        found.of_sentences, overlap.of_sentences if overlap else (), strict=False
    ):
        spoken[number] += seconds
    return SpeakersOut(
        job_id=job_id,
        revision=found.revision,
        wanted=found.wanted,
        can_count=found.can_count,
        speakers=[
            SpeakerOut(
                number=speaker.number,
                name=speaker.name,
                named=speaker.is_named,
                sentences=speaker.sentences,
                seconds=speaker.seconds,
                share=speaker.share,
                overlap=round(spoken[speaker.number], 1) if overlap else None,
            )
            for speaker in found.speakers
        ],
        of_sentences=list(found.of_sentences),
        overlap=round(overlap.total, 1) if overlap else None,
        edits=[_edit(edit, edit.number in found.undone) for edit in found.edits[:MOST_EDITS_SHOWN]],
    )


def _edit(edit: Edit, undone: bool) -> SpeakerEditOut:
    detail = dict(edit.detail)
    if edit.kind is EditKind.COUNT:
        del detail["speakers"]  # one for each sentence, and of no use without the others' edits
    return SpeakerEditOut.model_validate(
        {
            "number": edit.number,
            "kind": edit.kind,
            "detail": detail,
            "undone": undone,
            "editor": edit.editor_id,
            "at": edit.at,
        }
    )
