"""/api/v1/voices: voices that are kept under a name, and who may be whom in a job."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify

from shared import jobs
from shared.speakers.kept import voice_keeping, voices
from shared.speakers.kept.errors import VoiceNotFound, VoicesForbidden
from shared.speakers.suggestions import job_suggestions
from shared.speakers.suggestions.renaming import rename_voice
from shared.transcripts.values import Transcript
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json, parse_json_of_kind
from web.api.schemas.speakers.kept_voices import (
    ANSWERS,
    ConfirmIn,
    EnrolmentOut,
    KeepIn,
    KeepingIn,
    SpeakerBesideVoicesOut,
    SuggestionOut,
    SuggestionsOut,
    VoiceNameIn,
    VoiceOut,
    VoicesOut,
)
from web.authentication.job_access import owner_of
from web.authentication.owner import current_owner_id
from web.services import services

blueprint = APIBlueprint("voices", __name__, url_prefix="/api/v1")


def are_allowed() -> bool:
    """Return whether the operator allows that voices are kept."""
    return services().settings.voice_keeping == "allowed"


def require_allowed() -> None:
    """Raise VoicesForbidden where the operator does not allow that voices are kept."""
    if not are_allowed():
        raise VoicesForbidden


def rename(voice_id: UUID, name: str) -> None:
    """Rename a voice of whoever asks, as `rename_voice` does."""
    owner_id = current_owner_id()

    def recognised_of(job_id: str) -> Transcript:
        found = jobs.get_versions(services().db, owner_id=owner_id, job_id=job_id, words=False)
        return found.recognised

    rename_voice(services().db, owner_id, str(voice_id), name, recognised_of)


@blueprint.get("/voices")
@blueprint.output(VoicesOut)
def list_voices() -> Response:
    """Ask whether voices are kept for you, which, and what each stands on."""
    return _voices()


@blueprint.put("/voices")
@blueprint.output(VoicesOut)
@completed_by(operations.json_body(KeepingIn))
@blueprint.doc(responses=[403])
def switch_keeping() -> Response:
    """Let voices be kept from now on, or no more.

    Switching off deletes all that is kept of voices, for good.
    """
    if parse_json(KeepingIn).on:
        require_allowed()
        voice_keeping.switch_on(services().db, current_owner_id())
    else:
        voice_keeping.switch_off(services().db, current_owner_id())
    return _voices()


@blueprint.post("/voices")
@blueprint.output(VoiceOut, 201)
@completed_by(operations.json_body(KeepIn))
@blueprint.doc(responses=[403, 404, 409])
def keep_voice() -> Response:
    """Keep the voice of a named speaker of a job, to have it suggested in your other recordings.

    If there is a voice of this name already, the recording gives to that one.
    """
    require_allowed()
    asked = parse_json(KeepIn)
    voice_id = job_suggestions.keep(
        services().db, _recorded(asked.job_id), speaker=asked.speaker, revision=asked.revision
    )
    return _voice(voice_id, 201)


@blueprint.delete("/voices")
@blueprint.output({}, 204)
def delete_voices() -> Response:
    """Delete all kept voices, what recordings gave to them and what was refused of them."""
    voices.delete_voices(services().db, current_owner_id())
    return Response(status=204)


@blueprint.patch("/voices/<uuid:voice_id>")
@blueprint.output(VoiceOut)
@completed_by(operations.json_body(VoiceNameIn))
@blueprint.doc(responses=[403, 404, 409])
def change_voice(voice_id: UUID) -> Response:
    """Rename a kept voice, and its speaker in the recordings that give to it.

    Each of these has a change of its speakers for it, which can be undone there: the recording then
    gives to the voice no more. Two voices have no one name.
    """
    require_allowed()
    asked = parse_json(VoiceNameIn)
    rename(voice_id, asked.name)
    return _voice(str(voice_id))


@blueprint.delete("/voices/<uuid:voice_id>")
@blueprint.output({}, 204)
@blueprint.doc(responses=[404])
def delete_voice(voice_id: UUID) -> Response:
    """Delete a kept voice, what recordings gave to it and what was refused of it."""
    voices.delete_voice(services().db, current_owner_id(), str(voice_id))
    return Response(status=204)


@blueprint.get("/jobs/<uuid:job_id>/speakers/suggestions")
@blueprint.output(SuggestionsOut)
@blueprint.doc(responses=[404, 409])
def get_suggestions(job_id: UUID) -> Response:
    """Ask which speakers of a completed job may be the people of your kept voices.

    Computed when it is asked for; nobody is named before you confirm.
    """
    return _suggestions(job_id)


@blueprint.post("/jobs/<uuid:job_id>/speakers/suggestions")
@blueprint.output(SuggestionsOut)
@completed_by(operations.json_body_of_kind(ANSWERS))
@blueprint.doc(responses=[403, 404, 409])
def answer_suggestion(job_id: UUID) -> Response:
    """Confirm a suggestion, or refuse it.

    A confirmation is a change of the speakers like any other, and undone like it; what the
    recording gave to the voice is taken back with it.
    """
    require_allowed()
    answer = parse_json_of_kind(ANSWERS)
    recorded = _recorded(job_id)
    speaker, voice_id = answer.speaker, str(answer.voice)
    if isinstance(answer, ConfirmIn):
        job_suggestions.confirm(
            services().db, recorded, speaker=speaker, voice_id=voice_id, revision=answer.revision
        )
    else:
        job_suggestions.refuse(services().db, recorded, speaker=speaker, voice_id=voice_id)
    return _suggestions(job_id)


def _recorded(job_id: UUID) -> job_suggestions.Recorded:
    owner_id = owner_of(job_id)
    versions = jobs.get_versions(services().db, owner_id=owner_id, job_id=str(job_id), words=False)
    return job_suggestions.Recorded(owner_id, str(job_id), versions.current, versions.recognised)


def _voices() -> Response:
    owner_id = current_owner_id()
    shown = VoicesOut(
        allowed=are_allowed(),
        on=voice_keeping.is_on(services().db, owner_id),
        voices=[_shown(voice) for voice in voices.read_voices(services().db, owner_id)],
    )
    return jsonify(shown.model_dump(mode="json"))


def _voice(voice_id: str, status: int = 200) -> Response:
    for voice in voices.read_voices(services().db, current_owner_id()):
        if voice.id == voice_id:
            response = jsonify(_shown(voice).model_dump(mode="json"))
            response.status_code = status
            return response
    raise VoiceNotFound  # deleted at this moment


def _shown(voice: voices.Voice) -> VoiceOut:
    return VoiceOut(
        id=voice.id,
        name=voice.name,
        seconds=voice.seconds,
        recordings=[
            EnrolmentOut(
                job_id=one.job_id,
                filename=one.filename,
                seconds=one.seconds,
                encoder=one.encoder,
            )
            for one in voice.enrolments
        ],
    )


def _suggestions(job_id: UUID) -> Response:
    found = job_suggestions.read_of_job(services().db, _recorded(job_id))
    is_on = found.is_on and are_allowed()
    shown = SuggestionsOut(
        job_id=str(job_id),
        revision=found.revision,
        on=is_on,
        known=found.is_known,
        speakers=[_beside(one, found, is_on) for one in found.speakers],
    )
    return jsonify(shown.model_dump(mode="json"))


def _beside(
    one: job_suggestions.Compared, found: job_suggestions.VoicesOfJob, is_on: bool
) -> SpeakerBesideVoicesOut:
    suggestion = None
    if is_on and one.suggestion is not None:
        suggestion = SuggestionOut(
            voice=one.suggestion.voice_id,
            name=found.names[one.suggestion.voice_id],
            likeness=one.suggestion.likeness / 1000,
        )
    return SpeakerBesideVoicesOut(
        speaker=one.speaker.number,
        name=one.speaker.name,
        seconds=one.known_s,
        can_be_kept=is_on and one.can_be_kept,
        kept_as=one.kept_as,
        suggestion=suggestion,
    )
