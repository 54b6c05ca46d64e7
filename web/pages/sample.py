"""Trying Longscribe on a first visit: one button submits the bundled sample meeting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import abort, flash, redirect, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from shared.errors import QueueFull
from shared.quotas.errors import QuotaExceeded
from web.authentication.owner import current_owner_id
from web.pages.blueprint import flash_error, pages
from web.uploads.submission import accept_bytes

SAMPLE = Path(__file__).parents[2] / "worker" / "demo_model" / "sample_meeting.flac"
"""Comes with the demonstration model; a server that is installed without the worker has none."""


def has_sample() -> bool:
    return SAMPLE.is_file()


@pages.post("/sample")
def submit_sample() -> Any:
    if not has_sample():
        abort(404)
    try:
        submission = accept_bytes(
            SAMPLE.read_bytes(), owner_id=current_owner_id(), filename=SAMPLE.name
        )
    except (QueueFull, QuotaExceeded) as error:
        flash_error(error)
    else:
        told = _("The sample meeting is in the queue; its transcript is there in a moment.")
        # The list's script says what became of it.
        line = Markup('<span data-waits-for="{}">{}</span>')
        flash(line.format(submission.job_id, told), "done")
    return redirect(url_for(".index"), 303)
