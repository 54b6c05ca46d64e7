"""The first visit: the bundled sample is one button away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from tests.support.web.web_app import database, make_app
from web.pages import sample


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    yield made
    database(made).dispose()


def test_an_empty_list_offers_the_sample_and_submits_it(
    client: FlaskClient, rows: Database
) -> None:
    page = client.get("/").text
    assert "Try it with the sample meeting" in page
    assert "sets LONGSCRIBE_MODEL to a real model" in page
    (token,) = re.findall(r'name="csrf-token" content="([^"]+)"', page)
    client.post("/sample", data={"csrf_token": token})
    [view] = jobs.list_jobs(rows, owner_id=LOCAL_OWNER).jobs
    assert view.job.recording.size_bytes == sample.SAMPLE.stat().st_size
    shown = client.get("/").text
    assert "sample_meeting" in shown
    assert "Try it with the sample meeting" not in shown


def test_where_the_sample_is_not_installed_nothing_is_offered(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "SAMPLE", tmp_path / "none.flac")
    assert "sample meeting" not in client.get("/").text
