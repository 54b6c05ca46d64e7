"""The page of the voices that are kept under a name, which works with forms alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from shared.errors import InvalidRequest
from shared.speakers.errors import SpeakersEditedMeanwhile
from shared.speakers.kept import voice_keeping, voices
from shared.speakers.kept.errors import VoiceNameTaken, VoiceNotFound
from shared.speakers.names import LONGEST_NAME
from shared.speakers.suggestions.suggest import LEAST_SPEECH_S
from web.api.speakers.kept_voices import are_allowed, require_allowed
from web.api.speakers.kept_voices import rename as rename_voice
from web.authentication.job_access import owner_of
from web.authentication.owner import current_owner_id
from web.errors import localised_error
from web.services import services

page = Blueprint("kept_voices", __name__, url_prefix="/voices")


@page.get("")
def all_voices() -> str:
    owner_id = current_owner_id()
    return render_template(
        "voices/voices.html",
        allowed=are_allowed(),
        is_on=voice_keeping.is_on(services().db, owner_id),
        voices=voices.read_voices(services().db, owner_id),
        least_s=round(LEAST_SPEECH_S),
    )


@page.post("/on")
def switch_on() -> Any:
    require_allowed()
    voice_keeping.switch_on(services().db, current_owner_id())
    flash(_("Voices may be kept, of recordings that are transcribed from now on."), "done")
    return _back()


@page.get("/off")
def confirm_off() -> str:
    return render_template("voices/sure.html", what="off", voice=None)


@page.post("/off")
def switch_off() -> Any:
    voice_keeping.switch_off(services().db, current_owner_id())
    flash(_("No voices are kept any more, and all that was kept of them is deleted."), "done")
    return _back()


@page.get("/delete")
def confirm_delete_all() -> str:
    return render_template("voices/sure.html", what="all", voice=None)


@page.post("/delete")
def delete_all() -> Any:
    voices.delete_voices(services().db, current_owner_id())
    flash(_("All kept voices are deleted."), "done")
    return _back()


@page.get("/<uuid:voice_id>/name")
def ask_for_name(voice_id: UUID) -> str:
    require_allowed()
    voice = _voice(voice_id)
    return render_template("voices/name.html", voice=voice, name=voice.name, most=LONGEST_NAME)


@page.post("/<uuid:voice_id>/name")
def rename(voice_id: UUID) -> Any:
    require_allowed()
    voice, name = _voice(voice_id), request.form.get("name", "")
    try:
        rename_voice(voice_id, name)
    except (InvalidRequest, VoiceNameTaken, SpeakersEditedMeanwhile) as error:
        shown = render_template(
            "voices/name.html",
            voice=voice,
            name=name,
            most=LONGEST_NAME,
            problem=localised_error(error),
        )
        return shown, error.http_status
    flash(_("The voice has its new name, in the recordings that it stands on too."), "done")
    return _back()


@page.get("/<uuid:voice_id>/delete")
def confirm_delete(voice_id: UUID) -> str:
    return render_template("voices/sure.html", what="one", voice=_voice(voice_id))


@page.post("/<uuid:voice_id>/delete")
def delete(voice_id: UUID) -> Any:
    voices.delete_voice(services().db, current_owner_id(), str(voice_id))
    flash(_("The voice is deleted."), "done")
    return _back()


def _voice(voice_id: UUID) -> voices.Voice:
    for voice in voices.read_voices(services().db, current_owner_id()):
        if voice.id == str(voice_id):
            return voice
    raise VoiceNotFound


def suggestions_address(job_id: str) -> str | None:
    """Address at which a job's page asks for suggestions of voices for its speakers; None where it
    need not ask."""
    if not (are_allowed() and voice_keeping.is_on(services().db, owner_of(job_id))):
        return None
    return url_for("voices.get_suggestions", job_id=job_id)


def _back() -> Any:
    return redirect(url_for(".all_voices"), 303)
