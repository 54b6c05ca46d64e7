"""The page on which an owner shares a recording, and takes that back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from shared import jobs
from shared.accounts import LOCAL_OWNER, groups_of
from shared.accounts.errors import GroupNotFound
from shared.errors import InvalidRequest, SentenceNotFound, TranscriptNotReady
from shared.sharing import (
    AccessLevel,
    links_of,
    shares_of,
    withdraw_link,
    withdraw_share,
)
from shared.sharing.errors import LinkNotFound, LinksOff, NobodyOfThatName, ShareNotFound
from shared.transcripts.corrections import get_sentence
from web.api.sharing.views import link_to, share_with, share_with_group
from web.authentication.job_access import owner_of
from web.http.repeated_forms import is_sent_again, once_token
from web.pages.accounts.account import shown_once
from web.pages.blueprint import flash_error, pages
from web.pages.confirmation import is_confirmed, question_page
from web.pages.job.marks import seconds_of
from web.pages.job.sharing_text import LEVELS
from web.services import services

_DAYS = (1, 7, 30, 90, 365)


@pages.get("/jobs/<uuid:job_id>/sharing")
def sharing(job_id: UUID) -> str:
    return _page(job_id)


def _page(job_id: UUID, **shown: Any) -> str:
    here, owner_id = services(), owner_of(job_id)
    whose = {"owner_id": owner_id, "job_id": str(job_id)}
    job = jobs.get_job(here.db, owner_id=owner_id, job_id=str(job_id)).job
    return render_template(
        "sharing/owner.html",
        job_id=job_id,
        title=job.recording.title,
        is_completed=job.completed_at is not None and job.status.value == "completed",
        shares=shares_of(here.db, **whose),
        groups=groups_of(here.db, owner_id) if owner_id != LOCAL_OWNER else [],
        links=links_of(here.db, **whose),
        start_of=lambda sentence: _start_of(str(job_id), sentence),
        links_allowed=here.settings.share_links,
        tells_names=here.settings.share_tells_names,
        levels=list(LEVELS),
        days=_DAYS,
        once_token=once_token,
        **shown,
    )


@pages.post("/jobs/<uuid:job_id>/shares")
def share(job_id: UUID) -> Any:
    name, level = request.form.get("name", ""), request.form.get("access", "")
    try:
        if level not in LEVELS:
            raise InvalidRequest("access: must be read or correct.", param="access")
        share_with(job_id, name, AccessLevel(level))
    except (InvalidRequest, NobodyOfThatName) as error:
        flash_error(error)
    else:
        flash(
            _(
                "Shared. Whoever signs in as “%(name)s” finds it under “Shared with me”.",
                name=" ".join(name.split()),
            ),
            "done",
        )
    return _back(job_id)


@pages.post("/jobs/<uuid:job_id>/group-shares")
def share_group(job_id: UUID) -> Any:
    level = request.form.get("access", "")
    shares_of(services().db, owner_id=owner_of(job_id), job_id=str(job_id))  # or it is not there
    try:
        if level not in LEVELS:
            raise InvalidRequest("access: must be read or correct.", param="access")
        share_with_group(job_id, _group(request.form.get("group", "")), AccessLevel(level))
    except (InvalidRequest, GroupNotFound) as error:
        flash_error(error)
    else:
        flash(_("Shared with whoever is in the group."), "done")
    return _back(job_id)


def _group(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise GroupNotFound(param="group") from None


@pages.post("/jobs/<uuid:job_id>/shares/<uuid:share_id>/withdraw")
def end_share(job_id: UUID, share_id: UUID) -> Any:
    whose = {"owner_id": owner_of(job_id), "job_id": str(job_id)}
    try:
        withdraw_share(services().db, **whose, share_id=str(share_id))
    except ShareNotFound as error:  # withdrawn on another page
        flash_error(error)
    else:
        flash(_("Withdrawn: it is not there for them any more."), "done")
    return _back(job_id)


@pages.get("/jobs/<uuid:job_id>/links")
def new_link(job_id: UUID) -> Any:
    """Redirect those who return to the page on which a link was shown."""
    links_of(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    return _back(job_id)


@pages.post("/jobs/<uuid:job_id>/links")
def make_new_link(job_id: UUID) -> Any:
    if is_sent_again():
        flash(_("That was done already. What was shown then is shown once only."), "done")
        return _back(job_id)
    form = request.form
    try:
        address, link = link_to(
            job_id,
            name=form.get("name", ""),
            days=_number("days", form.get("days", "")) or 0,
            with_sound="with_sound" in form,
            sentence=_sentence_at(job_id, form.get("at", "")),
        )
    except (InvalidRequest, LinksOff, TranscriptNotReady) as error:
        flash_error(error)
        return _back(job_id)
    return shown_once(_page(job_id, address=address, made=link), 201)


def _sentence_at(job_id: UUID, text: str) -> int | None:
    """The number of the sentence that is said at a time, or else the last before it; None where no
    time was written. Raises InvalidRequest and what `get_transcript` raises."""
    if not text.strip():
        return None
    at = seconds_of(text)
    found = jobs.get_transcript(
        services().db, owner_id=owner_of(job_id), job_id=str(job_id), words=False
    ).without_removed()
    before = [one for one in found.sentences if one.start <= at]
    return before[-1].n if before else None


def _start_of(job_id: str, sentence: int) -> float | None:
    """Start of a sentence in seconds; None where it no longer exists."""
    try:
        owner_id = owner_of(UUID(job_id))
        return get_sentence(services().db, owner_id=owner_id, job_id=job_id, n=sentence).start
    except (SentenceNotFound, TranscriptNotReady):
        return None


def _number(name: str, text: str) -> int | None:
    """A number of a form; None where nothing was written. Raises InvalidRequest."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 7):
        raise InvalidRequest(f"{name}: write a whole number.", param=name)
    return int(text)


@pages.post("/jobs/<uuid:job_id>/links/<uuid:link_id>/withdraw")
def end_link(job_id: UUID, link_id: UUID) -> Any:
    whose = {"owner_id": owner_of(job_id), "job_id": str(job_id)}
    names = {link.id: link.name for link in links_of(services().db, **whose)}
    if str(link_id) in names and not is_confirmed():
        back = url_for(".sharing", job_id=job_id)
        name = names[str(link_id)] or _("without a name")
        return question_page("share link", back=back, name=name)
    try:
        withdraw_link(services().db, **whose, link_id=str(link_id))
    except LinkNotFound as error:
        flash_error(error)
    else:
        flash(_("Withdrawn: the link opens nothing any more."), "done")
    return _back(job_id)


def _back(job_id: UUID) -> Any:
    return redirect(url_for(".sharing", job_id=job_id), 303)
