"""The client of the tests; each file defines the `app` that it needs.

What is asked of a database is tested on both kinds in tests/database.  What the web makes of its
answers is the same on either, and asked of PostgreSQL only where CI=true.
"""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from tests.support.thorough import kinds_of_database
from tests.support.web.web_app import database


@pytest.fixture(params=kinds_of_database())
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def rows(app: Flask) -> Database:
    return database(app)
