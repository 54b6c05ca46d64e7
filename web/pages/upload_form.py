"""The upload form, as a browser without JavaScript sends it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from shared import jobs
from shared.errors import InvalidRequest, QueueFull
from shared.quotas.errors import QueueShareFull
from shared.transcripts.sound_selection import SoundSelection
from web.authentication.owner import current_owner_id
from web.errors import localised_error
from web.pages.blueprint import flash_error, pages
from web.services import services
from web.uploads.submission import NO_FILE, accept

_LOW_PRIORITY = -5
"""The priority of uploads that are not urgent; the scripts use the same."""


@pages.post("/")
def submit() -> Any:
    """Accept files from a browser without JavaScript; others send each file to the API."""
    jobs.require_database(services().db)
    files = [file for file in request.files.getlist("file") if file.filename]
    if not files:
        raise InvalidRequest(NO_FILE, param="file")
    priority = _LOW_PRIORITY if request.form.get("later") else 0
    sound = _chosen_sound()
    accepted = 0
    for file in files:
        try:
            accept(
                file,
                owner_id=current_owner_id(),
                priority=priority,
                options=sound.to_options(),
            )
        except InvalidRequest as error:
            flash_error(error)
        except (QueueFull, QueueShareFull) as error:
            if not accepted:
                raise
            why = localised_error(error)
            refused = _("“%(name)s” was not taken. %(why)s", name=file.filename, why=why)
            flash(refused, "error")
        else:
            accepted += 1
            flash(_("“%(name)s” is in the queue.", name=file.filename), "done")
    return redirect(url_for(".index"), 303)


def _chosen_sound() -> SoundSelection:
    """The tracks and channels chosen in the form. Raises InvalidRequest."""
    try:
        return SoundSelection.from_options(request.form)
    except ValueError as error:
        raise InvalidRequest(f"tracks, channels: {error}.", param="tracks") from None
