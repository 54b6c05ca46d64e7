"""The client of the tests; each file defines the `app` that it needs."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from tests.support.web.web_app import database


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def rows(app: Flask) -> Database:
    return database(app)
