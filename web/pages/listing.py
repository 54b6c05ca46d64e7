"""The list of jobs: filters, search, updates, and actions on several jobs at once."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection
from typing import Any, Literal

from flask import (
    Response,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import format_decimal
from flask_babel import gettext as _
from pydantic import BaseModel, ConfigDict, Field

from shared import jobs
from shared.errors import InvalidRequest
from shared.jobs import Outcome, QueueSnapshot
from shared.queue import ring
from shared.states import RUNNING, TERMINAL, JobStatus
from web.api.parsing import parse
from web.api.presenter import poll_after_s
from web.authentication.owner import current_owner_id
from web.errors import wants_json
from web.i18n.languages import N_, current_language
from web.pages.blueprint import pages
from web.pages.rows import rows_of
from web.pages.upload_form import model_choices
from web.pages.why_jobs_wait import why_jobs_wait, workers_seen
from web.services import services
from web.site_address import same_site_path

_PER_PAGE = 25

_ESTIMATES_FRESH_S = 15
"""Seconds after which a page with estimated times is rendered anew though nothing happened."""

_POLL_UNCHANGED_S = 4
"""Seconds between polls while nothing changes; each such answer costs two SQL statements, and a
third where jobs wait and no worker takes any."""

MAX_SELECTED = 500
"""The most jobs in one request; a page with more selected sends several."""

_JOB_ID = re.compile(r"[0-9a-f-]{36}")

STATUS_FILTERS: dict[str, tuple[str, frozenset[JobStatus]]] = {
    "all": (N_("All"), frozenset()),
    "waiting": (N_("Waiting"), frozenset({JobStatus.QUEUED})),
    "running": (N_("Running"), RUNNING),
    "done": (N_("Done"), frozenset({JobStatus.COMPLETED})),
    "failed": (N_("Failed"), frozenset({JobStatus.FAILED})),
    "cancelled": (N_("Cancelled"), frozenset({JobStatus.CANCELLED})),
}
"""The filters of the list by their name in the URL: label and statuses."""


class ListQuery(BaseModel):
    """The query parameters of the list."""

    model_config = ConfigDict(extra="forbid")

    show: Literal["all", "waiting", "running", "done", "failed", "cancelled"] = "all"
    q: str = Field("", max_length=200)
    cursor: str | None = Field(None, pattern=r"^[0-9a-f-]{36}$")

    @property
    def statuses(self) -> frozenset[JobStatus]:
        return STATUS_FILTERS[self.show][1]

    def address(self, endpoint: str = "pages.index", **changes: str | None) -> str:
        """The URL of the list with `changes`, from its first page unless a cursor is given."""
        said: dict[str, Any] = {"show": self.show, "q": self.q.strip(), "cursor": None, **changes}
        if said["show"] == "all":
            said["show"] = None
        return url_for(endpoint, **{name: value or None for name, value in said.items()})


def _snapshot() -> QueueSnapshot:
    here = services()
    return jobs.snapshot_of(
        here.db,
        owner_id=current_owner_id(),
        seen_within_s=here.settings.worker_seen_within_s,
    )


def _context(query: ListQuery, snapshot: QueueSnapshot, why: dict[str, Any]) -> dict[str, Any]:
    """What the list is rendered from; `why` is what `_why_jobs_wait` said."""
    here = services()
    page = jobs.list_jobs(
        here.db,
        owner_id=current_owner_id(),
        statuses=query.statuses,
        query=query.q,
        limit=_PER_PAGE,
        cursor=query.cursor,
        snapshot=snapshot,
    )
    rows = rows_of(page, here.settings)
    return {
        "rows": rows,
        "query": query,
        "filters": _filters(query, page, snapshot.counts),
        "max_selected": MAX_SELECTED,
        "has_jobs": any(snapshot.counts.values()),
        "next_cursor": page.next_cursor,
        "no_worker": bool(snapshot.counts[JobStatus.QUEUED] and not snapshot.workers),
        **why,
        "version": _version(query, snapshot, why),
        "poll_after": min(
            (poll_after_s(row.job) for row in rows if row.job.status not in TERMINAL), default=None
        ),
    }


def _filters(
    query: ListQuery, page: jobs.JobPage, owned: dict[JobStatus, int]
) -> list[dict[str, Any]]:
    """List the filters; one that matches no job is left out, unless it is the current one.

    `owned` counts the owner's jobs, which may match where not all that match were counted.
    """
    found = []
    for show, (label, statuses) in STATUS_FILTERS.items():
        count = sum(page.counts[status] for status in statuses or JobStatus)
        may_match = not page.all_counted and any(owned[status] for status in statuses)
        if count or may_match or show in ("all", query.show):
            found.append(
                {
                    "label": _(label),
                    "count": format_decimal(count) + ("" if page.all_counted else "+"),
                    "address": query.address(show=show),
                    "current": show == query.show,
                }
            )
    return found


def _version(query: ListQuery, snapshot: QueueSnapshot, why: dict[str, Any]) -> str:
    """The ETag of the list, computed without reading it; changes whenever the list may have."""
    parts = (
        current_owner_id(),
        snapshot.queue_mark,
        snapshot.owner_mark,
        snapshot.now.timestamp() // _ESTIMATES_FRESH_S if _unfinished(snapshot) else None,
        query.model_dump(),
        current_language(),
        why,
        services().settings.model,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _why_jobs_wait(snapshot: QueueSnapshot) -> dict[str, Any]:
    # Where something can be claimed, the workers need not be asked what keeps them.
    here, kept = services(), snapshot.workers and not snapshot.slots
    waiting = kept and snapshot.counts[JobStatus.QUEUED]
    return why_jobs_wait(here, workers_seen(here) if waiting else ())


def _unfinished(snapshot: QueueSnapshot) -> bool:
    """Whether any of the owner's jobs has not reached a final status."""
    return any(count for status, count in snapshot.counts.items() if status not in TERMINAL)


@pages.get("/")
def index() -> str:
    query = parse(ListQuery, request.args)
    snapshot = _snapshot()
    context = _context(query, snapshot, _why_jobs_wait(snapshot))
    return render_template("list/index.html", models=model_choices(), **context)


@pages.get("/fragments/jobs")
def jobs_fragment() -> Response:
    """Render the list alone; answer 304 without reading it while its ETag is unchanged."""
    query = parse(ListQuery, request.args)
    snapshot = _snapshot()
    why = _why_jobs_wait(snapshot)
    version = _version(query, snapshot, why)
    if request.if_none_match.contains_weak(version):
        response = make_response("", 304)
        poll_after = _POLL_UNCHANGED_S if _unfinished(snapshot) else None
    else:
        context = _context(query, snapshot, why)
        response = make_response(render_template("list/_jobs.html", **context))
        poll_after = context["poll_after"]
    response.set_etag(version, weak=True)
    if poll_after:
        response.headers["Retry-After"] = str(poll_after)
    return response


@pages.get("/fragments/jobs/ids")
def job_ids() -> Response:
    """List the ids and statuses of all jobs that match, whatever page they are on."""
    query = parse(ListQuery, request.args)
    found = jobs.list_states(
        services().db, owner_id=current_owner_id(), statuses=query.statuses, query=query.q
    )
    return jsonify({"jobs": found})


@pages.post("/jobs/selected")
def selected() -> Any:
    """Cancel, retry or delete several jobs, and count the outcomes."""
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
    if action == "delete" and not by_program and "sure" not in request.form:
        return render_template("list/delete_selected.html", chosen=chosen, back=back)
    counts = Counter(_apply(action, chosen).values())
    if by_program:
        return jsonify({"outcomes": {outcome.value: count for outcome, count in counts.items()}})
    flash(outcomes_text(action, counts), "done")
    return redirect(back, 303)


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
    raise InvalidRequest("action: must be cancel, retry or delete.", param="action")


_OUTCOME_TEXTS = {
    Outcome.CANCELLED: N_("%(count)s cancelled"),
    Outcome.CANCELLING: N_("%(count)s being stopped"),
    Outcome.QUEUED: N_("%(count)s waiting again"),
    Outcome.DELETED: N_("%(count)s deleted"),
    Outcome.NO_ROOM: N_("%(count)s not queued: you have as much waiting as you may"),
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
