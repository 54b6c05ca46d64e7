"""Marked places on a job's page: their kinds as text, and the form that works without a script."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import redirect, request, url_for
from flask_babel import gettext as _

from shared.annotations.marks import Mark, MarkKind, add_marks, checked_mark
from shared.errors import InvalidRequest
from web.authentication.job_access import access_of
from web.i18n.languages import N_
from web.pages.blueprint import flash_error, pages
from web.services import services

_KINDS = {
    MarkKind.CHAPTER: N_("Chapter"),
    MarkKind.BOOKMARK: N_("Bookmark"),
    MarkKind.NOTE: N_("Note"),
    MarkKind.DECISION: N_("Decision"),
    MarkKind.TODO: N_("To do"),
}

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2}(?:\.\d{1,3})?)")


def mark_kind_texts() -> dict[str, str]:
    """Names of the kinds of marks, by their values in the API."""
    return {kind.value: mark_kind_text(kind) for kind in MarkKind}


def mark_kind_text(kind: MarkKind) -> str:
    return _(_KINDS[kind])


def mark_kinds() -> list[MarkKind]:
    return list(_KINDS)


def mark_json(mark: Mark) -> dict[str, Any]:
    return mark.to_json()


def seconds_of(text: str) -> float:
    """The seconds of a time of the recording, with colons as Chinese keyboards write them too.
    Raises InvalidRequest.

    >>> seconds_of("1:02:03"), seconds_of("2:03.5")
    (3723.0, 123.5)
    >>> seconds_of("2：03")
    123.0
    """
    found = _CLOCK.fullmatch(text.strip().replace("：", ":"))
    if found is None:
        raise InvalidRequest("at: must be a time as 12:34 or 1:02:03.", param="at")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


@pages.post("/jobs/<uuid:job_id>/marks")
def add_mark(job_id: UUID) -> Any:
    given = {name: request.form.get(name, "") for name in ("text", "who", "due")}
    access = access_of(job_id)
    try:
        if request.form.get("kind") not in set(MarkKind):
            raise InvalidRequest("kind: there is none of this name.", param="kind")
        kind = MarkKind(request.form["kind"])
        if kind is not MarkKind.TODO:
            given |= {"who": "", "due": ""}
        mark = checked_mark(kind, seconds_of(request.form.get("at", "")), **given)
        add_marks(
            services().db,
            owner_id=access.owner_id,
            job_id=str(job_id),
            editor_id=access.person_id,
            marks=[mark],
        )
    except InvalidRequest as error:
        flash_error(error)
    return redirect(url_for(".job", job_id=job_id, _anchor="marks"), 303)
