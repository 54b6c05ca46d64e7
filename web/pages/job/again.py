"""The page on which a recording that is here is transcribed again, with other options."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from shared import jobs
from shared.errors import InvalidRequest, JobNotFound, LongscribeError
from web.api.jobs.again import accept_again, options_before
from web.authentication.job_access import owner_of
from web.pages.blueprint import flash_error, pages
from web.pages.upload_form import EACH_IS_A_PERSON, LOW_PRIORITY, model_choices
from web.services import services


@pages.get("/jobs/<uuid:job_id>/again")
def again(job_id: UUID) -> str:
    before = _before(job_id)
    # What is chosen to begin with, where a link knows what somebody comes for.
    wanted = {"speakers": "auto"} if request.args.get("speakers") == "auto" else {}
    return _page(job_id, before, before | wanted)


@pages.post("/jobs/<uuid:job_id>/again")
def transcribe_again(job_id: UUID) -> Any:
    before, chosen = _before(job_id), _chosen()
    try:
        if chosen["speakers"] != "off" and "each" in (chosen["tracks"], chosen["channels"]):
            raise InvalidRequest(EACH_IS_A_PERSON, param="speakers")
        submission = accept_again(str(job_id), chosen)
    except JobNotFound:
        raise
    except LongscribeError as error:
        flash_error(error)
        return _page(job_id, before, chosen), error.http_status
    flash(_("The recording is in the queue again. This is the page of its new transcript."), "done")
    return redirect(url_for(".job", job_id=submission.job_id), 303)


def _before(job_id: UUID) -> dict[str, Any]:
    before = options_before(str(job_id)).model_dump()
    return before | {"hotwords": "\n".join(before["hotwords"])}


def _chosen() -> dict[str, Any]:
    form = request.form
    return {
        "speakers": form.get("speakers", "off"),
        "tracks": form.get("tracks", "mix"),
        "channels": form.get("channels", "mix"),
        "model": form.get("model") or None,
        "numbers": form.get("numbers", "spoken"),
        "replacements": form.get("replacements", "on"),
        "hotwords": form.get("hotwords", ""),
        "hotword_lists": not form.get("without_hotword_lists"),
        "priority": LOW_PRIORITY if form.get("later") else 0,
    }


def _page(job_id: UUID, before: dict[str, Any], now: dict[str, Any]) -> str:
    here, owner_id = services(), owner_of(job_id)
    record = jobs.get_records(here.db, owner_id=owner_id, job_ids=[str(job_id)])[str(job_id)]
    return render_template(
        "job/again.html",
        job_id=job_id,
        title=record.recording.title,
        before=before,
        now=now,
        models=model_choices(),
    )
