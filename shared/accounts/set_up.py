"""The code that the first account is made with: whoever can read the server's log or terminal may
set it up, and no stranger who finds the page first."""

from __future__ import annotations

import base64
import hashlib
import hmac

from shared.accounts.users import is_set_up
from shared.db import Database
from shared.secret import session_secret
from shared.settings import Settings

_LETTERS = 12
"""60 bits. The page counts wrong codes as it counts wrong passwords."""


def set_up_code(settings: Settings) -> str:
    """The same in every process and after a restart, worth nothing once there is an account."""
    digest = hmac.digest(session_secret(settings).encode(), b"the first account", hashlib.sha256)
    letters = base64.b32encode(digest).decode().lower()[:_LETTERS]
    return "-".join(letters[at : at + 4] for at in range(0, _LETTERS, 4))


def is_set_up_code(settings: Settings, code: str) -> bool:
    """Capitals and the hyphens do not matter."""
    given = "".join(letter for letter in code.lower() if letter.isalnum())
    return hmac.compare_digest(given.encode(), set_up_code(settings).replace("-", "").encode())


def code_unless_set_up(settings: Settings) -> str | None:
    """None once there is an account. Raises SQLAlchemyError."""
    db = Database(settings.resolved_database_url)
    try:
        return None if is_set_up(db) else set_up_code(settings)
    finally:
        db.dispose()
