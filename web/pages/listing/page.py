"""The list of jobs: filters, search and updates."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request
from flask_babel import format_decimal
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from shared import jobs
from shared.errors import InvalidRequest
from shared.jobs import QueueSnapshot
from shared.states import TERMINAL, JobStatus
from web.api.cursors import cursors
from web.api.parsing import parse
from web.authentication.owner import current_owner_id
from web.i18n.languages import current_language
from web.pages.blueprint import own_groups, pages
from web.pages.listing.query import STATUS_FILTERS, ListQuery
from web.pages.listing.rows import rows_of
from web.pages.listing.searches import folders
from web.pages.listing.selection import MAX_SELECTED
from web.pages.upload_form import kept_by_groups, model_choices
from web.pages.why_jobs_wait import why_jobs_wait, workers_seen
from web.polling.intervals import LIST_UNCHANGED_S, job_interval_s
from web.services import services

_PER_PAGE = 25

_ESTIMATES_FRESH_S = 15
"""Seconds after which a page with estimated times is rendered anew though nothing happened."""

"""Seconds between polls while nothing changes; each such answer costs two SQL statements, and a
third where jobs wait and no worker takes any."""


def _snapshot() -> QueueSnapshot:
    here = services()
    return jobs.snapshot_of(
        here.db,
        owner_id=current_owner_id(),
        seen_within_s=here.settings.worker_seen_within_s,
    )


def _context(query: ListQuery, snapshot: QueueSnapshot, why: dict[str, Any]) -> dict[str, Any]:
    """Values that the list is rendered from; `why` is the result of `_why_jobs_wait`."""
    here, own = services(), cursors()
    page = jobs.list_jobs(
        here.db,
        owner_id=current_owner_id(),
        statuses=query.statuses,
        query=query.q,
        labels=query.labels,
        limit=_PER_PAGE,
        cursor=own.find(query.cursor),
        snapshot=snapshot,
    )
    rows = rows_of(page, here.settings, query.q)
    return {
        "rows": rows,
        "query": query,
        "filters": _filters(query, page, snapshot.counts),
        "max_selected": MAX_SELECTED,
        "has_jobs": any(snapshot.counts.values()),
        "next_cursor": own.hide(page.next_cursor),
        "searched_to": page.searched_to,
        "no_worker": bool(snapshot.counts[JobStatus.QUEUED] and not snapshot.workers),
        **why,
        "version": _version(query, snapshot, why),
        "poll_after": min(
            (job_interval_s(row.job.eta_seconds) for row in rows if row.job.status not in TERMINAL),
            default=None,
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
    """Return whether any of the owner's jobs has not reached a final status."""
    return any(count for status, count in snapshot.counts.items() if status not in TERMINAL)


@pages.get("/")
def index() -> Any:
    try:
        query = parse(ListQuery, request.args)
        return _index(query)
    except InvalidRequest as error:
        if error.param != "cursor":
            raise
    # As after the search index was made anew, and of an address that was kept from before that.
    rest = MultiDict(request.args)
    del rest["cursor"]
    begun = parse(ListQuery, rest).address()
    flash(_("The list goes on from that place no more; this is its beginning."), "done")
    return redirect(begun)


def _index(query: ListQuery) -> str:
    """Render the page. Raises InvalidRequest for a cursor that nothing is known of."""
    snapshot = _snapshot()
    context = _context(query, snapshot, _why_jobs_wait(snapshot))
    groups = own_groups()
    return render_template(
        "list/index.html",
        models=model_choices(),
        kept_by_groups=kept_by_groups(groups),
        folders=folders(),
        own_groups=groups,
        **context,
    )


@pages.get("/fragments/jobs")
def jobs_fragment() -> Response:
    """Render the list alone; answer 304 without reading it while its ETag is unchanged.

    A cursor that nothing is known of is refused: the page has to show another address.
    """
    query = parse(ListQuery, request.args)
    snapshot = _snapshot()
    why = _why_jobs_wait(snapshot)
    version = _version(query, snapshot, why)
    if request.if_none_match.contains_weak(version):
        response = make_response("", 304)
        poll_after = LIST_UNCHANGED_S if _unfinished(snapshot) else None
    else:
        context = _context(query, snapshot, why)
        response = make_response(render_template("list/_jobs.html", **context))
        poll_after = context["poll_after"]
    response.set_etag(version, weak=True)
    if poll_after:
        response.headers["Retry-After"] = str(poll_after)
    return response
