"""Asking for minutes and what becomes of them, from a job's page."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from shared import jobs
from shared.errors import IllegalTransition, InvalidRequest
from shared.minutes import requests
from shared.minutes.errors import (
    MinutesEditedMeanwhile,
    MinutesExist,
    MinutesNotFound,
    MinutesNotReady,
    MinutesOff,
)
from shared.minutes.prompts import LANGUAGES
from web.api.minutes.views import ask_for, change, keep_marks, try_again
from web.authentication.job_access import access_of, owner_of
from web.pages.blueprint import flash_error, pages
from web.pages.confirmation import is_confirmed, question_page
from web.pages.minutes.panel import minutes_panel
from web.polling.intervals import MINUTES_S
from web.services import services

_REVISION = re.compile("[0-9]{1,9}")
"""A number that every database holds, and Python reads."""


@pages.get("/fragments/jobs/<uuid:job_id>/minutes")
def minutes_fragment(job_id: UUID) -> Response:
    transcript = jobs.get_transcript(
        services().db, owner_id=owner_of(job_id), job_id=str(job_id), words=False
    )
    panel = minutes_panel(str(job_id), transcript)
    shown = {"minutes": panel, "access": access_of(job_id)}
    html = render_template("minutes/_panel.html", **shown) if panel else ""
    response = make_response(html)
    response.set_etag(hashlib.sha256(html.encode()).hexdigest()[:32], weak=True)
    if panel and panel.under_way:
        response.headers["Retry-After"] = str(MINUTES_S)
    response.make_conditional(request)
    return response


@pages.post("/jobs/<uuid:job_id>/minutes")
def ask_for_minutes(job_id: UUID) -> Any:
    language = request.form.get("minutes_language", "")
    try:
        ask_for(
            str(job_id),
            language=language if language in LANGUAGES else None,
            again=request.form.get("again") == "yes",
        )
    except (MinutesExist, MinutesOff) as error:
        flash_error(error)
    return _back(job_id)


@pages.post("/jobs/<uuid:job_id>/minutes/cancel")
def cancel_minutes(job_id: UUID) -> Any:
    try:
        requests.cancel(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    except (IllegalTransition, MinutesNotFound) as error:
        flash_error(error)
    return _back(job_id)


@pages.post("/jobs/<uuid:job_id>/minutes/retry")
def retry_minutes(job_id: UUID) -> Any:
    try:
        try_again(str(job_id))
    except (IllegalTransition, MinutesNotFound, MinutesOff) as error:
        flash_error(error)
    return _back(job_id)


@pages.post("/jobs/<uuid:job_id>/minutes/delete")
def delete_minutes(job_id: UUID) -> Any:
    whose = {"owner_id": owner_of(job_id), "job_id": str(job_id)}
    try:
        requests.get(services().db, **whose)
        if not is_confirmed():
            return question_page("minutes", back=_panel_address(job_id))
        requests.delete(services().db, **whose)
        flash(_("The minutes are deleted."), "done")
    except MinutesNotFound as error:
        flash_error(error)
    return _back(job_id)


@pages.post("/jobs/<uuid:job_id>/minutes/accept")
def accept_minutes(job_id: UUID) -> Any:
    """Note that their owner has read them, or go back to those of the model."""
    revision = request.form.get("minutes_revision", "")
    back = request.form.get("minutes_as") == "proposed"
    try:
        found = requests.get(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
        if back and not is_confirmed():
            fields = ("minutes_as", "minutes_revision")
            return question_page("changed minutes", back=_panel_address(job_id), fields=fields)
        change(
            str(job_id),
            revision=int(revision) if _REVISION.fullmatch(revision) else -1,  # as if edited
            minutes=None if back else found.current,
            accepted=not back,
        )
    except (MinutesEditedMeanwhile, MinutesNotFound, MinutesNotReady) as error:
        flash_error(error)
    return _back(job_id)


@pages.post("/jobs/<uuid:job_id>/minutes/marks")
def keep_minutes_as_marks(job_id: UUID) -> Any:
    try:
        added = keep_marks(str(job_id))
    except (InvalidRequest, MinutesNotFound, MinutesNotReady) as error:
        flash_error(error)
        return _back(job_id)
    if added:
        told = ngettext(
            "%(num)s place is marked. The history of this page undoes it.",
            "%(num)s places are marked. The history of this page undoes it.",
            added,
        )
    else:
        told = _("All that has a place is marked already.")
    flash(told, "done")
    return _back(job_id)


def _panel_address(job_id: UUID) -> str:
    return url_for(".job", job_id=job_id, _anchor="minutes")


def _back(job_id: UUID) -> Any:
    return redirect(_panel_address(job_id), 303)
