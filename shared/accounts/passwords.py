"""What a password may be, and its argon2id hash.

Memory, passes and lanes are RFC 9106's for where memory is short (64 MiB, 3, 4): some 0.15 s of
a server's core.  A hash says with what it was made, so that they can be raised later.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.accounts.errors import UnusablePassword

SHORTEST_PASSWORD = 10
_LONGEST_PASSWORD = 256
_TEMPORARY_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Nothing that looks like something else when it is read out or written down."""

_hasher = PasswordHasher()
_TWO_AT_ONCE = threading.BoundedSemaphore(2)
"""Each takes 64 MiB while it works: a burst of sign-ins must not take a process's memory."""


def require_acceptable(password: str, name: str) -> None:
    """Raises UnusablePassword."""
    fits = SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD
    if not fits or password.casefold() == name.casefold() or len(set(password)) == 1:
        raise UnusablePassword(param="password")


def hashed(password: str) -> str:
    with _TWO_AT_ONCE:
        return _hasher.hash(_normal(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password. None, for an account that is not there, takes as long."""
    with _TWO_AT_ONCE:
        try:
            right = _hasher.verify(password_hash or _nobodys_hash(), _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return right and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than a new one would be."""
    return _hasher.check_needs_rehash(password_hash)


def random_password() -> str:
    """For an account that somebody else makes: 80 bits, to be read out and typed once."""
    letters = [secrets.choice(_TEMPORARY_ALPHABET) for _ in range(16)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


def _normal(password: str) -> str:
    # Keyboards and systems write the same accented letter in several ways.
    return unicodedata.normalize("NFKC", password[:_LONGEST_PASSWORD])


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_hex(32))
