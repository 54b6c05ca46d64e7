"""The forms of a job's page for its title, date, people and tags, and for taking changes back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _

from shared.annotations.details import change_details
from shared.annotations.edits import EditNotFound
from shared.annotations.undoing import undo
from shared.errors import InvalidRequest
from web.authentication.job_access import access_of
from web.pages.blueprint import flash_error, pages
from web.services import services

_BETWEEN = re.compile("[,，、;；\n]")


def names_in(text: str) -> list[str]:
    """The names of a field in which several stand, however they are separated.

    >>> names_in("张三、李四, Ann Lee;")
    ['张三', '李四', 'Ann Lee']
    """
    return [name for part in _BETWEEN.split(text) if (name := part.strip())]


def _changed(form: Mapping[str, str]) -> dict[str, Any]:
    """The fields that a person changed, by what stood in them when the page was made: of the others
    somebody else may have changed one meanwhile."""
    read: dict[str, Callable[[str], Any]] = {
        "title": str.strip,
        "date": str.strip,
        "people": names_in,
        "tags": names_in,
    }
    given = {name: read[name](form[name]) for name in read if name in form}
    before = {name: read[name](form[f"was_{name}"]) for name in read if f"was_{name}" in form}
    return {name: value for name, value in given.items() if before.get(name) != value}


@pages.post("/jobs/<uuid:job_id>/details")
def save_details(job_id: UUID) -> Any:
    changes = _changed(request.form)
    access = access_of(job_id)
    try:
        change_details(
            services().db,
            owner_id=access.owner_id,
            job_id=str(job_id),
            editor_id=access.person_id,
            changes=changes,
        )
    except InvalidRequest as error:
        flash_error(error)
    else:
        flash(_("Saved."), "done")
    return redirect(url_for(".job", job_id=job_id), 303)


@pages.post("/jobs/<uuid:job_id>/edits/<int:number>/undo")
def undo_edit(job_id: UUID, number: int) -> Any:
    access = access_of(job_id)
    try:
        undo(
            services().db,
            owner_id=access.owner_id,
            job_id=str(job_id),
            number=number,
            editor_id=access.person_id,
        )
    except (EditNotFound, InvalidRequest) as error:
        flash_error(error)
    else:
        flash(_("That change is undone."), "done")
    return redirect(url_for(".job", job_id=job_id, _anchor="history"), 303)
