"""The forms of a job's page for its title, date, people and tags, and for taking changes back."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from shared.annotations.details import change_details
from shared.annotations.edits import EditNotFound
from shared.annotations.undoing import undo
from shared.errors import InvalidRequest
from web.authentication.job_access import owner_of
from web.pages.blueprint import flash_error, pages
from web.services import services

_BETWEEN = re.compile("[,，、;；\n]")


def names_in(text: str) -> list[str]:
    """The names of a field in which several stand, however they are separated.

    >>> names_in("张三、李四, Ann Lee;")
    ['张三', '李四', 'Ann Lee']
    """
    return [name for part in _BETWEEN.split(text) if (name := part.strip())]


@pages.post("/jobs/<uuid:job_id>/details")
def save_details(job_id: UUID) -> Any:
    given = request.form
    changes: dict[str, Any] = {name: given[name] for name in ("title", "date") if name in given}
    changes |= {name: names_in(given[name]) for name in ("people", "tags") if name in given}
    owner_id = owner_of(job_id)
    try:
        change_details(
            services().db,
            owner_id=owner_id,
            job_id=str(job_id),
            editor_id=owner_id,
            changes=changes,
        )
    except InvalidRequest as error:
        flash_error(error)
    else:
        flash(_("Saved."), "done")
    return redirect(url_for(".job", job_id=job_id), 303)


@pages.post("/jobs/<uuid:job_id>/edits/<int:number>/undo")
def undo_edit(job_id: UUID, number: int) -> Any:
    owner_id = owner_of(job_id)
    try:
        undo(
            services().db, owner_id=owner_id, job_id=str(job_id), number=number, editor_id=owner_id
        )
    except (EditNotFound, InvalidRequest) as error:
        flash_error(error)
    else:
        flash(_("That change is undone."), "done")
    return redirect(url_for(".job", job_id=job_id, _anchor="history"), 303)
