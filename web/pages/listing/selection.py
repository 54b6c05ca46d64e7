"""Actions on several jobs at once: those of some ids, or a whole list however long it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from flask import Response, flash, jsonify, redirect, render_template, request
from flask_babel import format_decimal
from flask_babel import gettext as _
from pydantic import AwareDatetime, ConfigDict, Field

from shared import jobs
from shared.celery_doorbell import ring
from shared.errors import InvalidRequest
from shared.jobs import CANCELLABLE, DELETABLE, RETRIABLE, Outcome, WholeList
from shared.states import JobStatus
from web.api.cursors import cursors
from web.api.parsing import parse, parse_json
from web.api.schemas.transcripts.exports import ExportChoices
from web.api.transcripts.zip_export import zip_response
from web.authentication.owner import current_owner_id
from web.errors import wants_json
from web.i18n.languages import N_
from web.pages.blueprint import pages
from web.pages.listing.query import ListQuery
from web.services import services
from web.site_address import same_site_path

MAX_SELECTED = 500
"""The most jobs in one request, and the most that are taken out of a whole list."""

_STEP = 200
"""Jobs of a whole list that one request looks after: a second's work, then it is told how far it
is."""

_JOB_ID = re.compile(r"[0-9a-f-]{36}")

_APPLIES: dict[str, Collection[JobStatus]] = {
    "cancel": CANCELLABLE,
    "retry": RETRIABLE,
    "delete": DELETABLE,
}
"""The actions, and the states that each applies to; js/list/whole_list.js has the same."""

_Id = Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]


_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Bounds of times: every database can compare with a time between these, whatever its time zone."""


class WholeListIn(ListQuery):
    """Command for a whole list, and the progress of its execution."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["cancel", "retry", "delete"]
    newest: _Id
    until: AwareDatetime = Field(ge=_EARLIEST, le=_LATEST)
    without: list[_Id] = Field(default_factory=list, max_length=MAX_SELECTED)

    def whole_list(self) -> WholeList:
        return WholeList(
            owner_id=current_owner_id(),
            newest=self.newest,
            until=self.until,
            statuses=self.statuses,
            query=self.q,
            labels=self.labels,
            without=frozenset(self.without),
        )


@pages.get("/fragments/jobs/whole")
def whole_list() -> Response:
    """Tell a page what it needs to act on all jobs of its list, and how many these are."""
    query = parse(ListQuery, request.args)
    taken = jobs.take_whole_list(
        services().db,
        owner_id=current_owner_id(),
        statuses=query.statuses,
        query=query.q,
        labels=query.labels,
    )
    return jsonify(
        {
            "newest": taken.newest,
            "until": taken.until.isoformat(),
            "counts": {status.value: count for status, count in taken.counts.items() if count},
            "all_counted": taken.all_counted,
        }
    )


@pages.post("/jobs/selected/whole")
def selected_whole_list() -> Response:
    """Cancel, retry or delete the next jobs of a whole list; count the outcomes and give the cursor
    to go on from, null at the end."""
    asked, own = parse_json(WholeListIn), cursors()
    some, cursor = jobs.some_of_whole_list(
        services().db,
        asked.whole_list(),
        statuses=_APPLIES[asked.action],
        cursor=own.find(asked.cursor),
        most=_STEP,
    )
    counts = Counter(_apply(asked.action, some).values())
    return jsonify({"outcomes": _by_name(counts), "cursor": own.hide(cursor)})


@pages.post("/jobs/selected")
def selected() -> Any:
    """Cancel, retry or delete several jobs and count the outcomes, or export their transcripts."""
    action = request.form.get("action", "")
    chosen = list(dict.fromkeys(request.form.getlist("job")))
    if len(chosen) > MAX_SELECTED:
        raise InvalidRequest(
            f"At most {MAX_SELECTED} jobs are taken at once; these are {len(chosen)}.",
            param="job",
        )
    if not all(_JOB_ID.fullmatch(job_id) for job_id in chosen):
        raise InvalidRequest("job: must be the id of a job.", param="job")
    by_program = wants_json()
    back = same_site_path(request.form.get("back"))
    if not chosen:
        flash(_("Nothing was selected."), "error")
        return redirect(back, 303)
    if action == "export":
        return zip_response(chosen, ExportChoices(format=request.form.get("format", "txt")))
    if action == "delete" and not by_program and "sure" not in request.form:
        return render_template("list/delete_selected.html", chosen=chosen, back=back)
    counts = Counter(_apply(action, chosen).values())
    if by_program:
        return jsonify({"outcomes": _by_name(counts)})
    flash(outcomes_text(action, counts), "done")
    return redirect(back, 303)


def _by_name(counts: Counter[Outcome]) -> dict[str, int]:
    return {outcome.value: count for outcome, count in counts.items()}


def _apply(action: str, chosen: Collection[str]) -> dict[str, Outcome]:
    here, owner_id = services(), current_owner_id()
    if action == "cancel":
        return jobs.cancel_all(here.db, owner_id=owner_id, job_ids=chosen)
    if action == "retry":
        outcomes = jobs.retry_all(
            here.db, owner_id=owner_id, job_ids=chosen, limit=here.queue_limit
        )
        queued = [job_id for job_id, outcome in outcomes.items() if outcome is Outcome.QUEUED]
        for job_id, model in jobs.named_models(here.db, queued).items():
            if not ring(here.celery, job_id, model):
                break  # a worker's next sweep rings for all
        return outcomes
    if action == "delete":
        here.require_storage()
        return jobs.delete_all(here.db, here.blobs, owner_id=owner_id, job_ids=chosen)
    raise InvalidRequest("action: must be cancel, retry, delete or export.", param="action")


_OUTCOME_TEXTS = {
    Outcome.CANCELLED: N_("%(count)s cancelled"),
    Outcome.CANCELLING: N_("%(count)s being stopped"),
    Outcome.QUEUED: N_("%(count)s waiting again"),
    Outcome.DELETED: N_("%(count)s deleted"),
    Outcome.NO_ROOM: N_("%(count)s not queued: you have as much waiting as you may"),
    Outcome.NO_HOURS: N_("%(count)s not queued: you have submitted as much this month as you may"),
    Outcome.IN_USE: N_("%(count)s not queued: their recording is being transcribed already"),
    Outcome.GONE: N_("%(count)s no longer there"),
}

_REFUSED_TEXTS = {
    "cancel": N_("%(count)s had already ended"),
    "retry": N_("%(count)s neither failed nor cancelled"),
    "delete": N_("%(count)s still running: cancel first"),
}


def outcomes_text(action: str, counts: Counter[Outcome]) -> str:
    """Count the jobs of each outcome of an action; js/list/selection.js builds the same text."""
    texts = []
    for outcome in Outcome:
        if count := counts[outcome]:
            text = _OUTCOME_TEXTS.get(outcome) or _REFUSED_TEXTS[action]
            texts.append(_(text, count=format_decimal(count)))
    return _("%(outcomes)s.", outcomes=_(", ").join(texts))
