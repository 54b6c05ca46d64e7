"""The cursors of whoever sends this request."""

from __future__ import annotations

from flask import current_app

from shared.cursors import HiddenPlaces
from shared.search.cursors import Cursors
from web.authentication.owner import current_owner_id


def cursors() -> Cursors:
    """Find and hide places of searches for whoever sends this request. Raises as
    `current_owner_id`."""
    return Cursors(current_app.secret_key or "", current_owner_id())


def find_place(hidden: str | None, *, of: str) -> int | None:
    """The row at which a list goes on, of a cursor that `hide_place` gave; None for none. Raises
    InvalidRequest for any other, and as `current_owner_id`."""
    return None if hidden is None else places(of).find(hidden)


def hide_place(place: int | None, *, of: str) -> str | None:
    """The cursor of a row for whoever sends this request; `of` names the kind of list."""
    return None if place is None else places(of).hide(place)


def places(of: str) -> HiddenPlaces:
    """Find and hide places of a kind of list for whoever sends this request."""
    return HiddenPlaces(current_app.secret_key or "", current_owner_id(), of=of)
