"""The set-up code, without which the first account is not made.

It stands in the server's log and terminal, so a stranger who finds the page first cannot use it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from shared.accounts.users import is_set_up
from shared.db import Database
from shared.secret import session_secret
from shared.settings import Settings

_LETTERS = 12
"""Characters of the code, 60 bits. Wrong codes are counted like wrong passwords."""


def set_up_code(settings: Settings) -> str:
    """Derive the set-up code from the session secret.

    It is the same in every process and after a restart, and of no use once there is an account.
    """
    digest = hmac.digest(session_secret(settings).encode(), b"the first account", hashlib.sha256)
    letters = base64.b32encode(digest).decode().lower()[:_LETTERS]
    return "-".join(letters[at : at + 4] for at in range(0, _LETTERS, 4))


def is_set_up_code(settings: Settings, code: str) -> bool:
    """Return whether a code is the set-up code; capitals, hyphens and spaces do not matter."""
    given = "".join(letter for letter in code.lower() if letter.isalnum())
    return hmac.compare_digest(given.encode(), set_up_code(settings).replace("-", "").encode())


def code_unless_set_up(settings: Settings) -> str | None:
    """Return the set-up code, or None once there is an account. Raises SQLAlchemyError."""
    db = Database(settings.resolved_database_url)
    try:
        return None if is_set_up(db) else set_up_code(settings)
    finally:
        db.dispose()
