"""The section of the page of words on which lists of wrong and right words are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import ngettext

from shared.errors import InvalidRequest
from shared.words.replacements import lists
from shared.words.replacements.errors import PairRefused
from shared.words.replacements.lists import PairPage
from shared.words.replacements.pairs import LONGEST, MOST_PAIRS, read_pairs
from web.api.cursors import find_place, hide_place
from web.api.words.replacements import LISTED
from web.errors import localised_error
from web.pages.words.blueprint import (
    ListOnPage,
    list_to_change,
    lists_of_page,
    render_page,
    section,
    words,
)
from web.services import services

_PAIRS_ON_A_PAGE = 25


@dataclass(frozen=True, slots=True)
class ShownList:
    """A list with the part of it that is shown."""

    which: ListOnPage
    page: PairPage
    query: str
    is_beginning: bool
    next_cursor: str | None

    @property
    def is_empty(self) -> bool:
        return not self.page.total


@section
def _context(of_group: ListOnPage | None) -> dict[str, Any]:
    return {
        "replacement_lists": lists_of_page(of_group, _shown),
        "most_pairs": MOST_PAIRS,
        "longest_side": LONGEST,
    }


def _shown(which: ListOnPage) -> ShownList:
    query = request.args.get(f"{which.name}-q", "").strip()[:LONGEST]
    place = _place(request.args.get(f"{which.name}-from"))
    page = lists.read_page(
        services().db, which.owner_id, query=query, limit=_PAIRS_ON_A_PAGE, cursor=place
    )
    following = hide_place(page.next_cursor, of=LISTED)
    return ShownList(which, page, query, place is None, following)


def _place(cursor: str | None) -> int | None:
    """Place at which the list continues: its beginning where the place is not known."""
    if not cursor:
        return None
    try:
        return find_place(cursor, of=LISTED)
    except InvalidRequest:
        flash(_("The list goes on from that place no more; this is its beginning."), "done")
        return None


def _back(which: ListOnPage) -> Any:
    return redirect(which.page_address("replacements"), 303)


def _refused(error: PairRefused, which: ListOnPage, **given: str) -> Response:
    why = localised_error(error)
    if error.line is not None:
        why = _("Line %(line)s: %(why)s", line=error.line, why=_(error.default_message))
    return render_page(
        error.http_status,
        which.query.group,
        replacements_problem=why,
        at_list=which.name,
        **given,
    )


@words.post("/replacements")
def add_replacement() -> Any:
    which, owner_id = list_to_change()
    wrong, right = request.form.get("wrong", ""), request.form.get("right", "")
    try:
        pair = lists.add(services().db, owner_id, wrong=wrong, right=right).pair
    except PairRefused as error:
        return _refused(error, which, wrong=wrong, right=right)
    flash(_("From now on “%(wrong)s” is written “%(right)s”.", **pair._asdict()), "done")
    return _back(which)


@words.post("/replacements/many")
def add_replacements() -> Any:
    which, owner_id = list_to_change()
    text = request.form.get("pairs", "")
    only = "only" in request.form
    try:
        change = lists.put(services().db, owner_id, read_pairs(text.encode()), only=only)
    except PairRefused as error:
        return _refused(error, which, pairs=text)
    flash(
        ngettext("The list has %(num)s pair now.", "The list has %(num)s pairs now.", change.total),
        "done",
    )
    return _back(which)


@words.post("/replacements/<int:pair_id>/remove")
def remove_replacement(pair_id: int) -> Any:
    which, owner_id = list_to_change()
    pair = lists.remove(services().db, owner_id, pair_id)
    flash(_("“%(wrong)s” is in the list no more.", wrong=pair.wrong), "done")
    return _back(which)
