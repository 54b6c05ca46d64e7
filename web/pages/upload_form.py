"""The upload form, as a browser without JavaScript sends it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from shared import jobs
from shared.accounts import GroupRecord
from shared.errors import InvalidRequest, QueueFull
from shared.quotas.errors import QueueShareFull
from shared.speakers.names import OPTION, speakers_from_options
from shared.transcripts.sound_selection import SoundSelection
from shared.words.hotwords import LISTS_OPTION, read_words
from shared.words.numbers.choice import OPTION as NUMBERS
from shared.words.numbers.choice import Numbers, numbers_from_options
from shared.words.replacements.job_replacements import OFF, wants_replacements
from shared.words.replacements.job_replacements import OPTION as REPLACEMENTS
from web.api.jobs.presenter import days_by_groups
from web.authentication.owner import current_owner_id
from web.errors import localised_error
from web.i18n.languages import N_
from web.pages.blueprint import flash_error, pages
from web.services import services
from web.uploads.submission import NO_FILE, accept

LOW_PRIORITY = -5
"""The priority of uploads that are not urgent; the scripts use the same."""

EACH_IS_A_PERSON = N_("Each track or channel is a person of its own already; leave out speakers.")


@pages.post("/")
def submit() -> Any:
    """Accept files from a browser without JavaScript; others send each file to the API."""
    jobs.require_database(services().db)
    files = [file for file in request.files.getlist("file") if file.filename]
    if not files:
        raise InvalidRequest(NO_FILE, param="file")
    priority = LOW_PRIORITY if request.form.get("later") else 0
    model = request.form.get("model") or None
    options = _chosen_options()
    hotwords = read_words(request.form.get("hotwords", "")).words
    accepted = 0
    for file in files:
        try:
            accept(
                file,
                owner_id=current_owner_id(),
                priority=priority,
                model=model,
                options=options,
                hotwords=hotwords,
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


def model_choices() -> list[str]:
    """The models that the form offers, beside any; none where workers know one at the most."""
    here = services()
    known = jobs.known_models(here.db, within_s=here.settings.worker_seen_within_s)
    return [model.name for model in known] if len(known) > 1 else []


def kept_by_groups(groups: Iterable[GroupRecord]) -> int | None:
    """Days after their end for which a rule of these groups keeps jobs submitted now; None where
    none has one, or all recordings are deleted earlier."""
    days = min((one.kept_days for one in groups if one.kept_days is not None), default=None)
    return days_by_groups(days, services().settings)


def _chosen_options() -> dict[str, Any]:
    """Read the options chosen in the form, as a job's options. Raises InvalidRequest."""
    try:
        sound = SoundSelection.from_options(request.form)
    except ValueError as error:
        raise InvalidRequest(f"tracks, channels: {error}.", param="tracks") from None
    chosen: dict[str, Any] = {**sound.to_options()}
    try:
        if not wants_replacements(request.form):
            chosen[REPLACEMENTS] = OFF
    except ValueError as error:
        raise InvalidRequest(f"{error}.", param=REPLACEMENTS) from None
    if request.form.get("without_hotword_lists"):
        chosen[LISTS_OPTION] = False
    try:
        if numbers_from_options(request.form) is not Numbers.SPOKEN:
            chosen[NUMBERS] = Numbers.WRITTEN.value
    except ValueError:
        raise InvalidRequest("numbers: must be spoken or written.", param=NUMBERS) from None
    if request.form.get(OPTION, "off") == "off":
        return chosen
    try:
        wanted = speakers_from_options(request.form)
    except ValueError as error:
        raise InvalidRequest(f"{OPTION}: {error}.", param=OPTION) from None
    if sound.hears_each:
        raise InvalidRequest(EACH_IS_A_PERSON, param=OPTION)
    return {**chosen, OPTION: str(wanted)}
