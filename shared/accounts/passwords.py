"""The rules for passwords, and their argon2id hashes.

The parameters are RFC 9106's second recommendation, for little memory: 64 MiB, 3 passes, 4 lanes,
some 0.15 s of a server's core. A hash contains its parameters, so they can be raised later.
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
"""Letters and digits without those that are easily taken for another, such as l, 1, o and 0."""

_hasher = PasswordHasher()
_TWO_AT_ONCE = threading.BoundedSemaphore(2)
"""A limit on concurrent hashes: each takes 64 MiB, so a burst of sign-ins could exhaust memory."""


def require_acceptable(password: str, name: str) -> None:
    """Refuse a password that is too short or long, is the name, or repeats one character.

    Raises UnusablePassword.
    """
    fits = SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD
    if not fits or password.casefold() == name.casefold() or len(set(password)) == 1:
        raise UnusablePassword(param="password")


def hashed(password: str) -> str:
    """Hash a password with argon2id and a new salt."""
    with _TWO_AT_ONCE:
        return _hasher.hash(_normal(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Return whether a password is that of the hash.

    Without a hash, for an unknown account, the answer is False and takes as long.
    """
    with _TWO_AT_ONCE:
        try:
            right = _hasher.verify(password_hash or _nobodys_hash(), _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return right and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Return whether a hash was made with other parameters than a new one would be."""
    return _hasher.check_needs_rehash(password_hash)


def random_password() -> str:
    """Make a temporary password of 80 random bits that is easy to read out and to type."""
    letters = [secrets.choice(_TEMPORARY_ALPHABET) for _ in range(16)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


def _normal(password: str) -> str:
    # Keyboards and systems write the same accented letter in several ways.
    return unicodedata.normalize("NFKC", password[:_LONGEST_PASSWORD])


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_hex(32))
