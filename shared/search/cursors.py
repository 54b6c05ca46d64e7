"""Cursors of the list of jobs, as whoever asks is given them.

A list goes on at one of its jobs, by its id.  A search goes on at a place between jobs, which
leaves the server encrypted (`shared.cursors`).
"""

from __future__ import annotations

from shared.cursors import HIDDEN_LENGTH, HIDDEN_PLACE, HiddenPlaces

JOB_CURSOR = f"[0-9a-f-]{{36}}|{HIDDEN_PLACE}"
"""The form of a cursor: a job's id, or a place of a search."""


class Cursors:
    """Hides the places in the cursors of one owner, and finds them again."""

    def __init__(self, secret: str | bytes, owner_id: str) -> None:
        """`secret` is the server's, which signs its cookies."""
        self._places = HiddenPlaces(secret, owner_id, of="searches")

    def hide(self, cursor: str | None) -> str | None:
        """Encrypt a `next_cursor` of `shared.jobs` where it is a place; a job's id stays."""
        if cursor is None or not cursor.isdecimal():
            return cursor
        return self._places.hide(int(cursor))

    def find(self, cursor: str | None) -> str | None:
        """Decrypt a cursor of the form JOB_CURSOR, for `shared.jobs`; a job's id stays.

        Raises InvalidRequest for a place that was hidden for another owner or by another server.
        """
        if cursor is None or len(cursor) != HIDDEN_LENGTH:
            return cursor
        return str(self._places.find(cursor))
