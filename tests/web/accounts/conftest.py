"""An application that asks everybody to sign in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.support.people import quick_hashes
from tests.support.web.web_app import database, make_app


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path, sign_in="required", sign_in_attempts=3)
    yield made
    database(made).dispose()
