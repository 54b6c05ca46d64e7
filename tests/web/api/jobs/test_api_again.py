"""Having a recording that is here transcribed again: by the API, and on the page for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import jobs
from shared.db import Database
from shared.errors import WorkerLost
from shared.sharing import AccessLevel, share_job
from tests.support import factories
from tests.support.people import a_person, bearer, form_token, quick_hashes
from tests.support.web.web_app import database, make_app, stored_files, submit


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(database_url, tmp_path)
    yield made
    database(made).dispose()


def completed(client: FlaskClient, rows: Database, **fields: str) -> dict[str, Any]:
    job = submit(client, **fields).json
    factories.complete(rows, factories.claim(rows))
    assert job is not None
    return job


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def test_another_job_has_the_same_recording_and_what_is_not_named_as_it_was(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    first = completed(
        client, rows, hotwords="王敏\n预算", numbers="written", metadata='{"room": 1}', priority="3"
    )
    client.patch(f"/api/v1/jobs/{first['id']}", json={"title": "周会", "tags": ["预算"]})
    answer = client.post(first["links"]["again"], json={"speakers": "auto"})
    second = answer.json
    assert answer.status_code == 202 and second is not None
    assert answer.headers["Location"] == second["links"]["self"] != first["links"]["self"]
    assert second["recording_id"] == first["recording_id"]
    assert (second["speakers"], second["numbers"]) == ("auto", "written")
    assert (second["title"], second["tags"]) == ("周会", ["预算"])
    assert (second["metadata"], second["priority"]) == ({"room": 1}, 0)
    assert client.get(second["links"]["hotwords"]).json["named"] == ["王敏", "预算"]  # type: ignore[index]
    assert len(stored_files(tmp_path)) == 1
    assert (client.get(first["links"]["self"]).json or {})["speakers"] == "off"

    assert code(client.post(first["links"]["again"], json={})) == (409, "recording_in_use")
    assert client.delete(first["links"]["self"]).status_code == 204
    assert len(stored_files(tmp_path)) == 1
    factories.complete(rows, factories.claim(rows))
    assert client.get(second["links"]["audio"]).data == b"sound"
    assert client.delete(second["links"]["self"]).status_code == 204
    assert stored_files(tmp_path) == []


def test_a_key_makes_repeating_safe_and_bad_requests_are_told(
    client: FlaskClient, rows: Database, tmp_path: Path
) -> None:
    first = completed(client, rows)
    address, key = first["links"]["again"], {"Idempotency-Key": "k"}
    for wanted, param in (
        ({"speakers": "many"}, "speakers"),
        ({"speaker": "auto"}, "speaker"),
        ({"speakers": "auto", "channels": "each"}, "speakers"),
        ({"model": "none such"}, "model"),
    ):
        refused = client.post(address, json=wanted)
        assert (refused.status_code, refused.json["error"]["param"]) == (400, param)  # type: ignore[index]
    assert code(client.post(address, json={"tracks": 2})) == (409, "other_sound")
    made = [client.post(address, json={"speakers": "2"}, headers=key) for _ in range(2)]
    assert made[0].json["id"] == made[1].json["id"]  # type: ignore[index]
    other = client.post(address, json={"speakers": "3"}, headers=key)
    assert code(other) == (409, "idempotency_key_reused")
    jobs.fail(rows, factories.claim(rows), WorkerLost())
    stored_files(tmp_path)[0].unlink()
    assert code(client.post(address, json={})) == (404, "recording_missing")


def test_only_its_owner_may(sqlite_url: str, tmp_path: Path) -> None:
    with quick_hashes():
        app = make_app(sqlite_url, tmp_path, sign_in="required")
        db = database(app)
        bo, eve = a_person(db, "Bo"), a_person(db, "Eve")
        client, by_bo, by_eve = app.test_client(), bearer(db, bo), bearer(db, eve)
        job_id = factories.a_job(db, factories.JobStatus.COMPLETED, owner_id=bo.id)
        address = f"/api/v1/jobs/{job_id}/again"
        assert code(client.post(address, json={}, headers=by_eve)) == (404, "not_found")
        share_job(db, owner_id=bo.id, job_id=job_id, name="Eve", level=AccessLevel.CORRECT)
        assert client.post(address, json={}, headers=by_eve).status_code == 403
        # Its owner may, but the factory stored no bytes.
        assert code(client.post(address, json={}, headers=by_bo)) == (404, "recording_missing")
        db.dispose()


def test_the_page_leads_there_begins_with_what_was_chosen_and_back(
    client: FlaskClient, rows: Database
) -> None:
    first = completed(client, rows, hotwords="王敏", numbers="written")
    page = client.get(f"/jobs/{first['id']}").text
    assert f'href="/jobs/{first["id"]}/again"' in page
    assert f'href="/jobs/{first["id"]}/again?speakers=auto"' in page

    form = client.get(f"/jobs/{first['id']}/again?speakers=auto").text
    assert '<option value="auto" selected>' in form and ">王敏</textarea>" in form
    assert 'value="written" checked' in form and "only track" not in form
    assert form.index('name="speakers"') < form.index('name="tracks"')
    wrong = {"csrf_token": form_token(client, "/"), "speakers": "2", "tracks": "each"}
    refused = client.post(f"/jobs/{first['id']}/again", data=wrong)
    assert refused.status_code == 400 and "leave out speakers" in refused.text
    assert "<option selected>2</option>" in refused.text  # what was chosen is still chosen
    answer = client.post(
        f"/jobs/{first['id']}/again", data={**wrong, "tracks": "mix", "hotwords": "王敏\n预算"}
    )
    assert answer.status_code == 303
    claimed = factories.claim(rows)
    assert answer.location == f"/jobs/{claimed.job_id}"
    assert claimed.options["speakers"] == "2" and "numbers" not in claimed.options

    for one, other in ((first["id"], claimed.job_id), (claimed.job_id, first["id"])):
        shown = client.get(f"/jobs/{one}").text
        (others,) = re.findall(r'<p class="facts others".*?</p>', shown, re.DOTALL)
        assert f'href="/jobs/{other}"' in others
    assert "The recording stays" in client.get(f"/jobs/{first['id']}/delete").text
    client.set_cookie("longscribe_language", "zh")
    assert "重新转写" in client.get(f"/jobs/{first['id']}/again").text
    assert (
        "正在转写" in client.post(f"/jobs/{first['id']}/again", data=wrong | {"tracks": "mix"}).text
    )


def test_one_track_stays_the_one_that_is_played(client: FlaskClient, rows: Database) -> None:
    first = completed(client, rows, tracks="2")
    form = client.get(f"/jobs/{first['id']}/again").text
    assert form.count('<option value="mix">') == 1 and "only track 2" in form
    second = client.post(first["links"]["again"], json={"channels": "each"}).json
    assert second is not None and (second["tracks"], second["channels"]) == (2, "each")


def test_a_job_is_not_tried_again_while_another_of_its_recording_waits(
    client: FlaskClient, rows: Database
) -> None:
    first = submit(client).json
    assert first is not None
    jobs.fail(rows, factories.claim(rows), WorkerLost())
    assert client.post(first["links"]["again"], json={}).status_code == 202
    assert code(client.post(first["links"]["retry"])) == (409, "recording_in_use")
    form = {"csrf_token": form_token(client, "/")}
    shown = client.post(f"/jobs/{first['id']}/retry", data=form, follow_redirects=True)
    assert "being transcribed already" in shown.text
    several = {**form, "action": "retry", "job": first["id"]}
    shown = client.post("/jobs/selected", data=several, follow_redirects=True)
    assert "1 not queued: their recording is being transcribed already" in shown.text
