"""The cursors of whoever sends this request."""

from __future__ import annotations

from flask import current_app

from shared.search.cursors import Cursors
from web.authentication.owner import current_owner_id


def cursors() -> Cursors:
    """Find and hide places of searches for whoever sends this request. Raises as
    `current_owner_id`."""
    return Cursors(current_app.secret_key or "", current_owner_id())
