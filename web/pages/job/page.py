"""A job's page and its actions.

They work without JavaScript; with it, their live parts are fetched again as fragments.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from flask import (
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from shared import jobs
from shared.annotations.edits import read_edits
from shared.annotations.marks import read_marks
from shared.celery_doorbell import ring
from shared.errors import IllegalTransition, TranscriptUnreadable
from shared.quotas.errors import QuotaExceeded
from shared.sharing import (
    AccessLevel,
    JobAccess,
    editor_names,
    links_of,
    shares_of,
    sharing_history,
)
from shared.speakers.names import OPTION
from shared.states import TERMINAL, JobStatus
from shared.storage.errors import RecordingInUse
from shared.transcripts import rules
from shared.transcripts.overlap import overlap_of
from shared.transcripts.values import Transcript
from web.api.jobs.history import present_history
from web.api.jobs.presenter import present_detail, stored_data_error
from web.api.schemas.jobs import HistoryOut
from web.api.transcripts.report_templates import usable_templates
from web.authentication.job_access import access_of, owner_of
from web.pages.blueprint import flash_error, pages
from web.pages.job.player import player_of
from web.pages.job.speakers_and_paragraphs import PARAGRAPH_RULE, speakers_of
from web.pages.job.timeline import timeline
from web.pages.minutes.panel import MinutesPanel, minutes_panel
from web.pages.voices import suggestions_address
from web.pages.why_jobs_wait import room_waited_for, why_jobs_wait, workers_seen
from web.pages.words.hotwords import job_hotwords
from web.polling.cache_dependencies import PAGE_MAX_AGE_S, track_dependencies
from web.polling.intervals import job_interval_s
from web.services import services
from web.site_address import same_site_path


def _job_context(job_id: str) -> dict[str, Any]:
    here, access = services(), access_of(job_id)
    owner_id, is_own = access.owner_id, not access.is_shared
    view = jobs.get_job(
        here.db,
        owner_id=owner_id,
        job_id=job_id,
        seen_within_s=here.settings.worker_seen_within_s,
    )
    history = jobs.get_history(here.db, owner_id=owner_id, job_id=job_id)
    shown_history = present_history(job_id, history)
    shown = present_detail(view, here.settings)
    versions = None
    if shown.status == JobStatus.COMPLETED:
        try:
            versions = jobs.get_versions(here.db, owner_id=owner_id, job_id=job_id, words=False)
        except TranscriptUnreadable as error:
            shown.error = stored_data_error(error)
    speakers = speakers_of(view.job, versions) if versions else None
    return {
        "job": shown,
        "no_worker": shown.status == JobStatus.QUEUED and not shown.workers_alive,
        **_why_it_waits(view),
        "attempts": view.job.attempts,
        "history": shown_history,
        **_sharing(access, shown_history),
        "transcript": versions.current.in_order() if versions else None,
        "speakers": speakers,
        "overlap": overlap_of(versions.current, speakers.of_sentences)
        if versions and speakers
        else None,
        "voices_address": suggestions_address(job_id)
        if versions and is_own and OPTION in view.job.options
        else None,
        "paragraph_rule": PARAGRAPH_RULE,
        "marks": read_marks(here.db, owner_id=owner_id, job_id=job_id) if versions else [],
        "report_templates": usable_templates() if versions else [],
        "rules": _rule_changes(job_id, versions.current) if versions and is_own else None,
        "hotwords": job_hotwords(job_id) if versions and is_own else None,
        "minutes": _minutes(access, versions.current) if versions else None,
        # A storage on a network may take its time to say that it is not there.
        "player": player_of(
            view.job.recording, here.blobs, view.report.picture if view.report else None
        )
        if versions and not here.storage_is_gone
        else None,
        "finished": shown.status in TERMINAL,
        "other_jobs": other_jobs(job_id) if is_own else [],
    }


def other_jobs(job_id: str) -> list[jobs.OtherJob]:
    """The other jobs of the recording of a job of whoever asks."""
    return jobs.other_jobs(services().db, owner_id=owner_of(job_id), job_id=job_id)


def _sharing(access: JobAccess, history: HistoryOut) -> dict[str, Any]:
    """Values for the page about sharing, which the owner alone sees, and the job's history."""
    db, whose = services().db, {"owner_id": access.owner_id, "job_id": access.job_id}
    edits = read_edits(db, **whose)
    is_own = not access.is_shared
    changes = sharing_history(db, **whose) if is_own else []
    editors = editor_names(db, access) if changes or access.is_shared else {}
    return {
        "access": access,
        "may_correct": access.level.includes(AccessLevel.CORRECT),
        "shares": shares_of(db, **whose) if changes else [],
        "links": links_of(db, **whose) if changes else [],
        "editors": editors,
        "timeline": timeline(history, edits, changes, editors),
    }


def _minutes(access: JobAccess, transcript: Transcript) -> MinutesPanel | None:
    """The minutes of a job; a colleague is shown finished ones, and asks for none."""
    panel = minutes_panel(access.job_id, transcript)
    is_theirs = not access.is_shared
    return panel if is_theirs or (panel and panel.found and panel.found.minutes) else None


def _rule_changes(job_id: str, transcript: Transcript) -> rules.RuleChanges | None:
    """Sentences of a job's transcript that rules changed; None where there are none."""
    if not any(sentence.revision for sentence in transcript.sentences):
        return None
    changes = rules.changes_of(services().db, job_id, transcript)
    return changes if changes.applied or changes.undone else None


def _why_it_waits(view: jobs.JobView) -> dict[str, Any]:
    if view.job.status in TERMINAL:
        return {}
    workers = workers_seen(services())
    told = why_jobs_wait(services(), workers)
    if view.job.status == JobStatus.QUEUED:
        told["room_waited_for"] = room_waited_for(view.job.recording, workers)
    return told


def _fragment(template: str, context: dict[str, Any], poll_after: int | None) -> Response:
    """Render a part of a page with an ETag; Retry-After tells the page when to ask again."""
    html = render_template(template, **context)
    response = make_response(html)
    response.set_etag(hashlib.sha256(html.encode()).hexdigest()[:32], weak=True)
    if poll_after is not None:
        response.headers["Retry-After"] = str(poll_after)
    response.make_conditional(request)
    return response


@pages.get("/jobs/<uuid:job_id>")
def job(job_id: UUID) -> str:
    return render_template("job/job.html", **_job_context(str(job_id)))


@pages.get("/fragments/jobs/<uuid:job_id>")
def job_fragment(job_id: UUID) -> Response:
    # The dependencies of an answer are compared over its owner's jobs only.
    own = None if access_of(job_id).is_shared else jobs.JobSelection(str(job_id))
    with track_dependencies(own, max_age_s=PAGE_MAX_AGE_S) as noted:
        context = _job_context(str(job_id))
        shown = context["job"]
        noted.shows([(shown.id, shown.queue_position)], workers_alive=shown.workers_alive)
    poll_after = None if context["finished"] else job_interval_s(shown.eta_seconds)
    return _fragment("job/_job.html", context, poll_after)


@pages.post("/jobs/<uuid:job_id>/rules")
def change_rules(job_id: UUID) -> Any:
    applied = request.form.get("applied") == "yes"
    rules.apply_rules(services().db, owner_id=owner_of(job_id), job_id=str(job_id), applied=applied)
    done = _("The rules are applied again.") if applied else _("The recognised words are back.")
    flash(done, "done")
    return redirect(url_for(".job", job_id=job_id), 303)


def _back(job_id: UUID) -> Any:
    if "back" in request.form:
        return redirect(same_site_path(request.form["back"]), 303)
    return redirect(url_for(".job", job_id=job_id), 303)


@pages.post("/jobs/<uuid:job_id>/cancel")
def cancel(job_id: UUID) -> Any:
    try:
        jobs.cancel(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    except IllegalTransition as error:  # it ended while the page still offered this
        flash_error(error)
    return _back(job_id)


@pages.post("/jobs/<uuid:job_id>/retry")
def retry(job_id: UUID) -> Any:
    here = services()
    try:
        jobs.retry(here.db, owner_id=owner_of(job_id), job_id=str(job_id), limit=here.queue_limit)
        for named, model in jobs.named_models(here.db, [str(job_id)]).items():
            ring(here.celery, named, model)
    except (IllegalTransition, RecordingInUse, QuotaExceeded) as error:
        flash_error(error)
    return _back(job_id)


@pages.get("/jobs/<uuid:job_id>/delete")
def confirm_delete(job_id: UUID) -> str:
    return render_template("job/delete.html", **_job_context(str(job_id)))


@pages.post("/jobs/<uuid:job_id>/delete")
def delete(job_id: UUID) -> Any:
    here, others = services(), other_jobs(str(job_id))
    here.require_storage()
    try:
        jobs.delete(here.db, here.blobs, owner_id=owner_of(job_id), job_id=str(job_id))
    except IllegalTransition as error:
        flash_error(error)
        return redirect(url_for(".job", job_id=job_id), 303)
    if others:
        flash(_("The job and its transcript are deleted; the recording stays."), "done")
        return redirect(url_for(".job", job_id=others[0].id), 303)
    flash(_("The job, its transcript and its recording are deleted."), "done")
    return redirect(url_for(".index"), 303)
