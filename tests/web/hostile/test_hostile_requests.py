"""Attacks: scripts in displayed texts, paths in names, and requests from other sites."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import accounts, jobs
from shared.minutes import minutes_queue, requests
from shared.minutes.contents import Minutes, Point
from shared.speakers.kept.speaker_voices import SpeakerVoice
from shared.speakers.kept.voice_keeping import switch_on
from shared.speakers.kept.voices import enrol
from shared.transcripts.values import Sentence, Transcript
from tests.support import factories
from tests.support.people import (
    PASSWORD,
    a_person,
    an_admin,
    form_token,
    quick_hashes,
    sign_in,
    signed_in,
)
from tests.support.web.web_app import database, make_app, stored_files, submit

SCRIPT = "<script>alert(1)</script>"
BREAKOUTS = [SCRIPT, '"><img src=x onerror=alert(1)>', "'-alert(1)-'", "{{ 7*7 }}", "</textarea>"]
PATHS = ["../../../etc/passwd", "..\\..\\boot.ini", "/etc/shadow", "C:\\a.wav", "a/b/../../c.wav"]


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    with quick_hashes():
        made = make_app(sqlite_url, tmp_path, sign_in="required")
        an_admin(database(made))
        yield made
        database(made).dispose()


@pytest.fixture
def anna(app: Flask) -> FlaskClient:
    client = signed_in(app, "Anna")
    client.environ_base["HTTP_X_CSRFTOKEN"] = form_token(client, "/")
    return client


def owner(app: Flask) -> str:
    return accounts.person_named(database(app), "Anna").id


@pytest.mark.parametrize("text", BREAKOUTS)
def test_markup_in_names_and_in_speech_is_text(app: Flask, anna: FlaskClient, text: str) -> None:
    db = database(app)
    job_id = factories.submit(db, owner_id=owner(app), filename=f"{text}.wav")
    spoken = Transcript(12.5, "zh", "demo", (Sentence(0.0, 1.0, text, ()),))
    factories.complete(db, factories.claim(db), spoken)
    a_person(db, name=text)
    anna.post("/account/keys", data={"csrf_token": form_token(anna, "/account"), "name": text})
    about = {"title": text, "people": [text], "tags": [text]}
    assert anna.patch(f"/api/v1/jobs/{job_id}", json=about).status_code == 200
    assert anna.post("/api/v1/searches", json={"name": text, "q": text}).status_code == 201
    switch_on(db, owner(app))
    with db.writing() as session:
        enrol(session, owner(app), text, job_id, "e", SpeakerVoice(b"\x7f", 9.0))
    requests.ask(db, owner_id=owner(app), job_id=job_id, language="zh", prompts={})
    writing = minutes_queue.claim_next(db, worker="w", lease_s=60, model=text, host=text)
    assert writing is not None
    point = Point(text, (0,), owner=text, due=text, unverified=(text,))
    minutes = Minutes((point,), (point,), (point,), (point,))
    minutes_queue.finish(db, writing, minutes, transcript_digest="d")
    written = anna.get(f"/api/v1/jobs/{job_id}/minutes/file?format=md")
    assert not re.search(r"(?<!\\)[<>]", written.text)
    assert "\n" not in written.headers["Content-Disposition"]
    jobs_pages = (f"/jobs/{job_id}", f"/jobs/{job_id}/delete")
    for path in ("/", *jobs_pages, "/account", "/people", "/voices"):
        page = anna.get(path).text
        assert SCRIPT not in page and "<img src=x" not in page, path
        if "{{" in text:
            assert "{{ 7*7 }}" in page, path


def test_markup_in_a_name_is_text_on_the_form_that_comes_back(app: Flask) -> None:
    client = app.test_client()
    page = sign_in(client, BREAKOUTS[1], "wrong", next=f"/{SCRIPT}").text
    assert "<img src=x" not in page and SCRIPT not in page


@pytest.mark.parametrize("filename", PATHS)
def test_a_path_for_a_name_leads_nowhere(
    app: Flask, anna: FlaskClient, tmp_path: Path, filename: str
) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    answer = submit(anna, b"sound", filename)
    assert answer.status_code == 202
    kept = answer.json["filename"]  # type: ignore[index]
    assert "/" not in kept and "\\" not in kept and kept not in (".", "..")
    [stored] = stored_files(tmp_path)
    assert stored.read_bytes() == b"sound" and stored.name not in filename
    databases = {"longscribe.db", "longscribe.db-wal", "longscribe.db-shm"}
    made = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path for path in made if path.name not in databases} == {stored}
    view = jobs.list_jobs(database(app), owner_id=owner(app)).jobs[0]
    factories.complete(database(app), factories.claim(database(app)))
    saved = anna.get(f"/api/v1/jobs/{view.job.id}/transcript").headers["Content-Disposition"]
    assert "/" not in saved and "\\" not in saved


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd"]
)
def test_no_file_but_the_pages_own_is_served(app: Flask, path: str) -> None:
    assert app.test_client().get(path).status_code in (303, 308, 404)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_sites_page_sends_is_refused(app: Flask, anna: FlaskClient, site: str) -> None:
    job_id = factories.submit(database(app), owner_id=owner(app))
    token = form_token(anna, "/")
    for path in (f"/jobs/{job_id}/delete", f"/api/v1/jobs/{job_id}/cancel", "/sign-out"):
        answer = anna.post(path, data={"csrf_token": token}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403, path
    assert len(jobs.list_jobs(database(app), owner_id=owner(app)).jobs) == 1


def test_a_form_without_its_token_changes_nothing_whoever_is_signed_in(
    app: Flask, anna: FlaskClient, tmp_path: Path
) -> None:
    del anna.environ_base["HTTP_X_CSRFTOKEN"]
    file = {"file": (io.BytesIO(b"sound"), "a.wav")}
    assert anna.post("/", data=file).status_code == 400
    assert anna.post("/people", data={"name": "Eve"}).status_code == 400
    form = {"current": PASSWORD, "password": "the one of an attacker"}
    assert anna.post("/account/password", data=form).status_code == 400
    assert stored_files(tmp_path) == []
    assert [person.name for person in accounts.people(database(app))] == ["Anna"]
    assert app.test_client().post("/sign-in", data={"name": "Anna"}).status_code == 400


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n//evil.example",
    "javascript:alert(1)",
    "evil.example",
    " //evil.example",
    "///evil.example",
    "http:evil.example",
    "//[",
    "/[::1",
    "http://[",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_leads_to_no_other_site(app: Flask, target: str) -> None:
    for answer in (
        sign_in(app.test_client(), "Anna", next=target),
        signed_in(app, "Anna").get("/sign-in", query_string={"next": target}),
        app.test_client().get("/language/zh", query_string={"next": target}),
    ):
        assert answer.status_code == 303
        led = urlsplit(answer.location)
        assert (led.scheme, led.netloc) == ("", ""), answer.location
        assert answer.location.startswith("/") and answer.location[1:2] not in ("/", "\\")


def test_a_header_cannot_be_smuggled_in(app: Flask, anna: FlaskClient) -> None:
    answer = sign_in(app.test_client(), "Anna", next="/a\r\nSet-Cookie: x=y")
    assert "x=y" not in str(answer.headers)
    response = submit(anna, b"sound", "a\r\nX-Evil: 1.wav")
    assert response.status_code in (202, 400)
    assert "X-Evil" not in str(response.headers)


def test_pages_of_somebody_who_is_signed_in_are_not_framed_or_cached_for_others(
    anna: FlaskClient,
) -> None:
    for path in ("/", "/account", "/people", "/account/password"):
        headers = anna.get(path).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] in ("private, no-cache", "no-store")
        assert "Cookie" in headers["Vary"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "192.168.1.4", "[2001:db8::1]:80"]
)
def test_without_sign_in_another_sites_name_for_this_machine_is_refused(
    sqlite_url: str, tmp_path: Path, host: str
) -> None:
    (tmp_path / "alone").mkdir()
    app = make_app(sqlite_url, tmp_path / "alone")
    client = app.test_client()
    for path in ("/", "/api/v1/jobs"):
        assert client.get(path, headers={"Host": host}).status_code == 421
    for ours in ("localhost:8000", "127.0.0.1:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"):
        assert client.get("/", headers={"Host": ours}).status_code == 200
    proxied = make_app(sqlite_url, tmp_path / "alone", proxies=1).test_client()
    assert proxied.get("/", headers={"Host": host}).status_code == 200
    database(app).dispose()
