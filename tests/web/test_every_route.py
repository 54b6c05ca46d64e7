"""Every route, requested without sign-in and by another account.

The routes come from the application itself, so new ones are tested without a change here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from shared import accounts, jobs
from shared.speakers.kept.voice_keeping import switch_on
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer, form_token, quick_hashes, signed_in
from tests.support.web.routes import NEEDED, NOBODYS, methods, owned_values, rules
from tests.support.web.web_app import database, make_app
from web.authentication.sign_in import OPEN

KEY_ONLY = ("assemblyai.", "dashscope.", "openai.")
"""Beginnings of endpoints in the shape of others' services, which no cookie opens."""

OF_ADMINS = ("people.", "erasure.", "groups_page.")
"""Beginnings of endpoints of pages for administrators."""

ABOUT_NOBODY = {
    "uploads.tell_abilities",
    "openai.retrieve_model",
    "account.back_to_authenticator",
    "minutes_prompts.put_prompt",
    "minutes_prompts.delete_prompt",
    "pages.change_minutes_prompt",
    "report_templates.put_template_file",
}
"""Endpoints whose response is the same for every argument, or which change what is of who asks."""


@dataclass
class Installation:
    """The application, what Bo owns in it, and two clients of Anna, an administrator."""

    app: Flask
    owned: dict[str, str]
    by_cookie: FlaskClient
    by_key: FlaskClient
    own_id: str
    """Id of the account of both clients."""

    def address(self, rule: Rule) -> str:
        values: dict[str, Any] = dict(NOBODYS.get(rule.endpoint, {}))
        for name in rule.arguments - set(values):
            assert name in self.owned, f"{rule}: say in this test whose {name} is"
            values[name] = self.owned[name]
        with self.app.test_request_context():
            built = rule.build(values, append_unknown=False)
        assert built is not None
        return built[1]


@pytest.fixture
def installation(sqlite_url: str, tmp_path: Path) -> Iterator[Installation]:
    with quick_hashes():
        app = make_app(sqlite_url, tmp_path, sign_in="required")
        db = database(app)
        an_admin(db)
        bo, eve = a_person(db, "Bo"), a_person(db, "Eve")
        by_cookie, by_key = signed_in(app, "Eve"), app.test_client()
        by_cookie.environ_base["HTTP_X_CSRFTOKEN"] = form_token(by_cookie, "/")
        by_key.environ_base["HTTP_AUTHORIZATION"] = bearer(db, eve)["Authorization"]
        yield Installation(
            app, {**owned_values(app, bo.id), "user_id": bo.id}, by_cookie, by_key, eve.id
        )
        db.dispose()


def is_for_programs(path: str) -> bool:
    return path.startswith(("/api/", "/v1/", "/v2/", "/metrics")) and path != "/api/docs"


def ask(client: FlaskClient, method: str, path: str, rule: Rule) -> TestResponse:
    return client.open(path, method=method, **NEEDED.get(rule.endpoint, {}))


def test_nothing_but_what_is_named_answers_a_stranger(installation: Installation) -> None:
    stranger = installation.app.test_client()
    open_endpoints = set()
    for rule in rules(installation.app):
        path = installation.address(rule)
        for method in methods(rule):
            answer = ask(stranger, method, path, rule)
            if rule.endpoint in OPEN:
                open_endpoints.add(rule.endpoint)
            elif is_for_programs(path):
                assert answer.status_code == 401, (method, path)
                if method != "HEAD":
                    told: Any = answer.json
                    code = told.get("code") or told["error"]["code"]
                    assert code == "unauthorized", (method, path)
                assert "WWW-Authenticate" in answer.headers
            elif path.startswith("/fragments/"):
                assert answer.status_code == 401, (method, path)
            else:
                assert answer.status_code == 303, (method, path)
                assert answer.location.startswith("/sign-in"), (method, path)
    assert open_endpoints == OPEN, "an endpoint is named that is none"
    for path in ("/nothing/here", "/api/v1/nothing", "/fragments/nothing"):
        assert stranger.get(path).status_code in (303, 401)
    for path in ("/", "/api/v1/jobs"):
        for method in ("OPTIONS", "HEAD", "TRACE", "PROPFIND"):
            assert stranger.open(path, method=method).status_code in (303, 401, 405), method


def test_what_is_somebody_elses_is_not_there(installation: Installation) -> None:
    """Request a route with a key, then with a cookie and its token: neither finds it."""
    asked = 0
    token = installation.by_cookie.environ_base["HTTP_X_CSRFTOKEN"]
    ours = accounts.add_group(database(installation.app), "Ours").id
    accounts.add_member(database(installation.app), ours, "Eve")
    needed = NEEDED | {"pages.give_named_template": {"data": {"to": ours}}}
    for rule in rules(installation.app):
        if not rule.arguments or rule.endpoint in OPEN | ABOUT_NOBODY:
            continue
        path = installation.address(rule)
        for method in methods(rule):
            expected = 403 if rule.endpoint.startswith(OF_ADMINS) else 404
            if is_for_programs(path):
                assert ask(installation.by_key, method, path, rule).status_code == 404, (
                    method,
                    path,
                )
            body = needed.get(rule.endpoint, {"data": {"csrf_token": token}})
            expected = 401 if rule.endpoint.startswith(KEY_ONLY) else expected
            answer = installation.by_cookie.open(path, method=method, **body)
            assert answer.status_code == expected, (method, path, answer.text)
            asked += 1
    assert asked >= 20
    taken = installation.by_key.post(
        "/api/v1/jobs", json={"upload_id": installation.owned["upload_id"]}
    )
    assert taken.status_code == 404, taken.text
    job_id, voice_id = installation.owned["job_id"], installation.owned["voice_id"]
    kept = installation.by_key.post(
        "/api/v1/voices", json={"job_id": job_id, "speaker": 1, "revision": 0}
    )
    assert kept.status_code == 404, kept.text
    asked = {"kind": "confirm", "speaker": 1, "voice": voice_id, "revision": 0}
    own = factories.a_job(
        database(installation.app), JobStatus.COMPLETED, owner_id=installation.own_id
    )
    switch_on(database(installation.app), installation.own_id)
    said = installation.by_key.post(f"/api/v1/jobs/{own}/speakers/suggestions", json=asked)
    assert said.status_code == 404, said.text
    zipped = installation.by_key.post("/api/v1/jobs/transcripts", json={"jobs": [job_id]})
    with ZipFile(io.BytesIO(zipped.data)) as archive:
        (told,) = archive.namelist()
        assert "theirs" not in archive.read(told).decode()
    address = f"http://localhost/v2/upload/{installation.owned['upload_id']}"
    stolen = installation.by_key.post("/v2/transcript", json={"audio_url": address})
    assert stolen.status_code == 404, stolen.text
    shown = jobs.get_job(
        database(installation.app),
        owner_id=installation.owned["user_id"],
        job_id=installation.owned["job_id"],
    )
    assert shown.job.status == JobStatus.COMPLETED


def test_a_list_names_nothing_of_somebody_elses(installation: Installation) -> None:
    ids = [theirs for theirs in installation.owned.values() if len(theirs) > 30]
    for rule in rules(installation.app):
        if "GET" not in methods(rule) or rule.arguments:
            continue
        for client in (installation.by_cookie, installation.by_key):
            text = client.get(rule.rule).get_data().decode("utf-8", "replace")
            assert not [theirs for theirs in ids if theirs in text], rule.rule
    assert (
        installation.owned["job_id"] not in installation.by_key.get("/api/v1/jobs?limit=100").text
    )


def test_a_change_by_cookie_alone_is_refused_everywhere(installation: Installation) -> None:
    client = installation.by_cookie
    del client.environ_base["HTTP_X_CSRFTOKEN"]
    for rule in rules(installation.app):
        for method in set(methods(rule)) - {"GET", "HEAD", "OPTIONS"}:
            path = installation.address(rule)
            if rule.endpoint.startswith(OF_ADMINS):
                continue  # not an administrator: refused before
            answer = client.open(path, method=method, **NEEDED.get(rule.endpoint, {}))
            if rule.endpoint.startswith(KEY_ONLY):
                assert answer.status_code == 401, (method, path)
                continue
            assert answer.status_code == 400, (method, path)
            assert re.search("csrf_failed|open for too long", answer.text), (method, path)
