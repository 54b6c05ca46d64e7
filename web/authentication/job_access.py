"""Access to the job that a request names: the one place that lets in more than its owner.

Every view that takes a job's id asks `owner_of` whose job it is to read or change. That is whoever
sent the request, unless the job is shared with them and the route is named in SHARED_ROUTES.  So a
new route is its owner's alone until it is named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from uuid import UUID

from flask import g, request

from shared.accounts import LOCAL_OWNER
from shared.sharing import AccessLevel, JobAccess, job_access
from shared.sharing.errors import OnlyItsOwner, SharedForReading
from web.authentication.owner import current_owner_id
from web.services import services

_READ, _CORRECT = AccessLevel.READ, AccessLevel.CORRECT

SHARED_ROUTES: Mapping[str, AccessLevel] = {
    "pages.job": _READ,
    "pages.job_fragment": _READ,
    "jobs.get_job": _READ,
    "jobs.get_job_events": _READ,
    "jobs.get_job_transcript": _READ,
    "jobs.get_job_text": _READ,
    "jobs.list_sentences": _READ,
    "jobs.get_job_history": _READ,
    "listening.get_job_audio": _READ,
    "listening.get_job_peaks": _READ,
    "listening.get_job_words": _READ,
    "speakers.get_speakers": _READ,
    "marks.list_marks": _READ,
    "reports.get_report": _READ,
    "minutes.get_minutes": _READ,
    "minutes.get_minutes_file": _READ,
    "corrections.get_sentence": _READ,
    "corrections.list_revisions": _READ,
    "corrections.list_sentence_revisions": _READ,
    "corrections.correct_sentence": _CORRECT,
    "corrections.change_sentences": _CORRECT,
    "speakers.change_speakers": _CORRECT,
    "marks.create_marks": _CORRECT,
    "marks.change_one_mark": _CORRECT,
    "marks.end_mark": _CORRECT,
    "marks.propose_job_chapters": _CORRECT,
    "pages.add_mark": _CORRECT,
    "details.change_job": _CORRECT,
    "details.undo_edit": _CORRECT,
    "pages.save_details": _CORRECT,
    "pages.undo_edit": _CORRECT,
}
"""The endpoints that a job's colleagues may use, by what that takes."""

LOOK_EVERY_S = 1.0
"""Seconds after which, at the latest, an answer that is still being sent ends once its recording is
shared no more."""


def access_of(job_id: UUID | str) -> JobAccess:
    """Access of the request's sender to a job.

    Raises SharedForReading or OnlyItsOwner where it is shared with them, and not for this.
    """
    known: dict[str, JobAccess] = g.setdefault("job_access", {})
    wanted = str(job_id)
    if wanted not in known:
        known[wanted] = _access_of(wanted)
    return known[wanted]


def owner_of(job_id: UUID | str) -> str:
    """Id of a job's owner, for reading or changing the job as theirs. Raises as `access_of`."""
    return access_of(job_id).owner_id


def _access_of(job_id: str) -> JobAccess:
    person_id = current_owner_id()
    if person_id == LOCAL_OWNER:  # nobody else is there
        return JobAccess(job_id, person_id, person_id, AccessLevel.OWNER)
    found = job_access(services().db, person_id=person_id, job_id=job_id)
    if found.is_shared:
        needed = SHARED_ROUTES.get(request.endpoint or "", AccessLevel.OWNER)
        if needed is AccessLevel.OWNER:
            raise OnlyItsOwner
        if not found.level.includes(needed):
            raise SharedForReading
    return found


def still_open(access: JobAccess) -> Callable[[], bool]:
    """A function that answers which take long ask before each part: whether the access that they
    began with stands. It looks at most once in LOOK_EVERY_S, and needs no request."""
    db, looked_at = services().db, time.monotonic()
    stands = True

    def stands_now() -> bool:
        nonlocal looked_at, stands
        if access.is_shared and stands and time.monotonic() - looked_at >= LOOK_EVERY_S * 0.9:
            looked_at = time.monotonic()
            now = job_access(db, person_id=access.person_id, job_id=access.job_id)
            stands = now.is_shared
        return stands

    return stands_now
