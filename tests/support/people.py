"""Accounts, and people who use the pages with them, for tests that need somebody signed in."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from unittest import mock

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared import accounts
from shared.accounts import AttemptLimit, Person, SessionLimits, passwords
from shared.db import Database
from shared.errors import LongscribeError

PASSWORD = "correct horse battery"

LIMITS = SessionLimits(idle_s=3600, lifetime_s=7200)
ATTEMPTS = AttemptLimit(most=3, window_s=600)
HERE = "192.0.2.1"


@contextmanager
def quick_hashes() -> Iterator[None]:
    """Hashes that take a millisecond. The real ones have a test of their own."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._nobodys_hash.cache_clear()
    with mock.patch.object(passwords, "_hasher", cheap):
        yield
    passwords._nobodys_hash.cache_clear()


def an_admin(db: Database, name: str = "Anna") -> Person:
    """The first account."""
    return accounts.add_first_admin(db, name=name, password=PASSWORD)


def a_person(db: Database, name: str = "Bo", *, is_admin: bool = False) -> Person:
    """Add another account, whose person has chosen the password."""
    return accounts.add(db, name=name, password=PASSWORD, is_admin=is_admin, is_temporary=False)


def bearer(db: Database, person: Person) -> dict[str, str]:
    """The header of a program of theirs."""
    key = accounts.make_key(db, user_id=person.id, name="a program")
    return {"Authorization": f"Bearer {key}"}


def form_token(client: FlaskClient, path: str = "/sign-in") -> str:
    """Read the CSRF token of a page's form."""
    page = client.get(path, follow_redirects=True).text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def sign_in(
    client: FlaskClient, name: str, password: str = PASSWORD, **fields: str
) -> TestResponse:
    form = {"csrf_token": form_token(client), "name": name, "password": password, **fields}
    return client.post("/sign-in", data=form)


def signed_in(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    response = sign_in(client, name)
    assert response.status_code == 303, response.text
    return client


def program_among_others(app: Flask, db: Database) -> FlaskClient:
    """A program with the key of an administrator, who is not alone."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = bearer(db, an_admin(db))["Authorization"]
    a_person(db)
    return client


def enter(db: Database, name: str = "Anna", password: str = PASSWORD, *, at: str = HERE) -> str:
    """The token of a sign-in."""
    _, token = accounts.sign_in(db, LIMITS, ATTEMPTS, name=name, password=password, address=at)
    return token


def at_once(*actions: Callable[[], object]) -> list[object]:
    """Run all actions, begun at the same moment, and return what each returned or raised."""
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return action()
        except LongscribeError as error:
            return error

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))
