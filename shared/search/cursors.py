"""Cursors of the list of jobs, as whoever asks is given them.

A list goes on at one of its jobs, by its id.  A search goes on at a place between jobs, which is a
number that the jobs of all accounts are counted by: of two such numbers the difference is how many
jobs others have submitted in between.  So a place leaves the server encrypted, with the account
that it is for: nobody reads it, makes one up, or goes on at another's.  The same place is always
the same cursor, for a page that did not change has to stay the same bytes.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from shared.errors import InvalidRequest

JOB_CURSOR = "[0-9a-f-]{36}|[A-Za-z0-9_-]{32}"
"""The form of a cursor: a job's id, or a place of a search, in base64url."""

_PLACE_BYTES = 8
_PLACE_LENGTH = 32
"""Characters: of the place and a tag of 16 bytes."""


class Cursors:
    """Hides the places in the cursors of one owner, and finds them again."""

    def __init__(self, secret: str | bytes, owner_id: str) -> None:
        """`secret` is the server's, which signs its cookies."""
        key = secret.encode() if isinstance(secret, str) else secret
        self._cipher = AESSIV(hmac.digest(key, b"cursors of searches", hashlib.sha256))
        self._owner = [owner_id.encode()]

    def hide(self, cursor: str | None) -> str | None:
        """Encrypt a `next_cursor` of `shared.jobs` where it is a place; a job's id stays."""
        if cursor is None or not cursor.isdecimal():
            return cursor
        place = int(cursor).to_bytes(_PLACE_BYTES, "big")
        return urlsafe_b64encode(self._cipher.encrypt(place, self._owner)).decode()

    def find(self, cursor: str | None) -> str | None:
        """Decrypt a cursor of the form JOB_CURSOR, for `shared.jobs`; a job's id stays.

        Raises InvalidRequest for a place that was hidden for another owner or by another server.
        """
        if cursor is None or len(cursor) != _PLACE_LENGTH:
            return cursor
        try:
            place = self._cipher.decrypt(urlsafe_b64decode(cursor), self._owner)
        except InvalidTag:
            raise InvalidRequest(
                "cursor: this server gave you none like it. Search again from the beginning.",
                param="cursor",
            ) from None
        return str(int.from_bytes(place, "big"))
