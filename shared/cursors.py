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

_HIDDEN = re.compile("[A-Za-z0-9_-]{22,200}")


class HiddenPlaces:
    """Hides the places of one kind of list for one owner, and finds them again."""

    def __init__(self, secret: str | bytes, owner_id: str, *, of: str) -> None:
        """`secret` is the server's, which signs its cookies; `of` names the kind of list."""
        key = secret.encode() if isinstance(secret, str) else secret
        self._cipher = AESSIV(hmac.digest(key, f"cursors of {of}".encode(), hashlib.sha256))
        self._owner = [owner_id.encode()]

    def hide(self, place: int) -> str:
        """Encrypt a place, a number of less than 64 bits."""
        return self._encrypt(place.to_bytes(_PLACE_BYTES, "big"))

    def find(self, hidden: str) -> int:
        """Decrypt what `hide` gave.

        Raises InvalidRequest for anything else: a place that was hidden for another owner, by
        another server or in a list of another kind, or what is no place at all.
        """
        if len(hidden) != HIDDEN_LENGTH:
            raise _unknown()
        return int.from_bytes(self._decrypt(hidden), "big")

    def hide_text(self, place: str) -> str:
        """Encrypt a place that is a text."""
        return self._encrypt(place.encode())

    def find_text(self, hidden: str) -> str:
        """Decrypt what `hide_text` gave. Raises InvalidRequest as `find`."""
        return self._decrypt(hidden).decode()

    def _encrypt(self, place: bytes) -> str:
        hidden = urlsafe_b64encode(self._cipher.encrypt(place, self._owner))
        return hidden.rstrip(b"=").decode()

    def _decrypt(self, hidden: str) -> bytes:
        if not _HIDDEN.fullmatch(hidden):
            raise _unknown()
        try:
            whole = hidden + "=" * (-len(hidden) % 4)
            return self._cipher.decrypt(urlsafe_b64decode(whole), self._owner)
        except (InvalidTag, ValueError):
            raise _unknown() from None


def _unknown() -> InvalidRequest:
    return InvalidRequest(
        "cursor: this server gave you none like it. Begin again without one.", param="cursor"
    )
