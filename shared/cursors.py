"""Places of a list, as whoever asks for the list is given them.

A list goes on at a row's number, which the rows of all accounts are counted by: of two such numbers
the difference is how many rows of others came in between.  So a place leaves the server encrypted,
with the account and the list that it is for: nobody reads it, makes one up, or goes on at
another's.  The same place is always the same text, for a page that did not change has to stay the
same bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from shared.errors import InvalidRequest

HIDDEN_PLACE = "[A-Za-z0-9_-]{32}"
"""The form of a place, in base64url."""

HIDDEN_LENGTH = 32
"""Characters: of the place and a tag of 16 bytes."""

_PLACE_BYTES = 8


class HiddenPlaces:
    """Hides the places of one kind of list for one owner, and finds them again."""

    def __init__(self, secret: str | bytes, owner_id: str, *, of: str) -> None:
        """`secret` is the server's, which signs its cookies; `of` names the kind of list."""
        key = secret.encode() if isinstance(secret, str) else secret
        self._cipher = AESSIV(hmac.digest(key, f"cursors of {of}".encode(), hashlib.sha256))
        self._owner = [owner_id.encode()]

    def hide(self, place: int) -> str:
        """Encrypt a place, a number of less than 64 bits."""
        number = place.to_bytes(_PLACE_BYTES, "big")
        return urlsafe_b64encode(self._cipher.encrypt(number, self._owner)).decode()

    def find(self, hidden: str) -> int:
        """Decrypt what `hide` gave.

        Raises InvalidRequest for anything else: a place that was hidden for another owner, by
        another server or in a list of another kind, or what is no place at all.
        """
        try:
            if not re.fullmatch(HIDDEN_PLACE, hidden):
                raise InvalidTag
            place = self._cipher.decrypt(urlsafe_b64decode(hidden), self._owner)
        except InvalidTag:
            raise InvalidRequest(
                "cursor: this server gave you none like it. Begin again without one.",
                param="cursor",
            ) from None
        return int.from_bytes(place, "big")
