"""What a person is told of their share, by the API and the pages, and an administrator of all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import accounts
from shared.db import Database
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer, form_token, signed_in
from tests.support.web import uploading
from tests.support.web.web_app import database, make_app, submit

GB = 2**30
HOUR_OF_MP3 = 16_000 * 3600


@pytest.fixture
def app(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    made = make_app(
        database_url, tmp_path, sign_in="required", max_queued_hours=40, owner_monthly_hours=30
    )
    monkeypatch.setattr(
        "shared.storage.measured_space.shutil.disk_usage", lambda _: SimpleNamespace(free=40 * GB)
    )
    yield made
    database(made).dispose()


@pytest.fixture
def browser(app: Flask, rows: Database) -> FlaskClient:
    """Of Anna, an administrator who is not alone."""
    anna = an_admin(rows)
    a_person(rows)
    factories.submit(rows, owner_id=anna.id, told_s=6 * 3600, filename="a.mp3")
    return signed_in(app, "Anna")


def test_a_program_asks_how_much_it_may(app: Flask, rows: Database) -> None:
    anna, _ = an_admin(rows), a_person(rows)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = bearer(rows, anna)["Authorization"]
    uploading.begun(client, 5 * GB)
    factories.submit(rows, owner_id=anna.id, told_s=6 * 3600)
    me = client.get("/api/v1/me").json
    assert me is not None
    assert (me["name"], me["is_admin"]) == ("Anna", True)
    assert me["waiting"] == {
        "jobs": {"now": 1, "most": 5000},
        "audio_seconds": {"now": 6 * 3600, "most": 20 * 3600},
    }
    assert me["open_uploads"] == {"now": 1, "most": 100}
    assert me["stored_bytes"] == {"now": 5 * GB + 1000, "most": 20 * GB + 500}
    assert me["submitted"]["audio_seconds"] == {"now": 6 * 3600, "most": 30 * 3600}
    assert 0 < me["submitted"]["ends_in_seconds"] <= 31 * 86_400


def test_without_accounts_it_is_asked_too(database_url: str, tmp_path: Path) -> None:
    alone = make_app(database_url, tmp_path)
    me = alone.test_client().get("/api/v1/me").json
    page = alone.test_client().get("/").text
    database(alone).dispose()
    assert me and (me["name"], me["is_admin"]) == (None, True)
    assert me["waiting"]["audio_seconds"] == {"now": 0, "most": None}
    assert 'id="share"' not in page


def test_the_front_page_and_the_account_page_say_it_in_words(browser: FlaskClient) -> None:
    assert 'data-live="/fragments/share"' in browser.get("/").text
    for path in ("/fragments/share", "/account"):
        words = browser.get(path).text
        assert "You have 6 h of audio waiting, of 20 h that may wait now." in words
        assert "Your recordings take 0 MB of the 20 GB of the disk" in words
        assert "This month you have submitted 6 h of 30 h of audio;" in words
        assert "jobs wait" not in words  # far from its limit
    browser.set_cookie("longscribe_language", "zh")
    assert "你有 6 小时的录音在排队，最多可排 20 小时。" in browser.get("/fragments/share").text


def test_what_is_nearly_full_is_said_too(browser: FlaskClient, app: Flask) -> None:
    limits = app.extensions["longscribe"].settings
    object.__setattr__(limits, "owner_queued_jobs", 1)
    assert "1 of your jobs wait, of at most 1." in browser.get("/fragments/share").text


def test_an_administrator_sees_what_each_uses_and_sets_quotas(
    browser: FlaskClient, rows: Database
) -> None:
    bo = accounts.person_named(rows, "Bo")
    page = browser.get("/people").text
    assert "6 h waiting, 0 MB stored, 6 h submitted this month" in page
    assert page.count("30 hours a month") == 2
    token = form_token(browser, "/people")
    path = f"/people/{bo.id}/quota"
    page = browser.post(
        path, data={"csrf_token": token, "hours": "0.5"}, follow_redirects=True
    ).text
    assert "0.5 hours a month" in page and 'value="0.5"' in page
    browser.post(path, data={"csrf_token": token, "hours": "0"})
    assert "any amount a month" in browser.get("/people").text
    for wrong in ("-1", "many", "nan", "1e99"):
        refused = browser.post(path, data={"csrf_token": token, "hours": wrong})
        assert refused.status_code == 400 and "from 0 to 1,000,000" in refused.text
    browser.post(path, data={"csrf_token": token, "hours": ""})
    assert accounts.person_named(rows, "Bo").monthly_audio_s is None


def test_a_used_up_quota_is_told_with_its_numbers(app: Flask, rows: Database) -> None:
    anna = an_admin(rows)
    accounts.set_monthly_quota(rows, anna.id, 3600)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = bearer(rows, anna)["Authorization"]
    factories.submit(rows, owner_id=anna.id, told_s=1800)
    refused = uploading.create(client, HOUR_OF_MP3, "b.mp3")
    assert uploading.code_of(refused, 429) == "monthly_quota_used"
    assert refused.json and refused.json["error"]["message"].startswith(
        "This month you have submitted 30 min of the 1 h of audio that you may, and this recording "
        "lasts about 1 h. An administrator can raise your quota; the next month begins in "
    )
    assert int(refused.headers["Retry-After"]) > 60
    assert submit(client, b"short", "c.mp3").status_code == 202
