"""What a person and an administrator do with accounts and API keys, and what these allow."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import accounts, jobs
from shared.db import Database
from tests.support import factories
from tests.support.people import (
    PASSWORD,
    a_person,
    an_admin,
    bearer,
    form_token,
    sign_in,
    signed_in,
)
from tests.support.web.web_app import submit


def test_a_person_changes_the_password_and_stays_signed_in_here(app: Flask, rows: Database) -> None:
    an_admin(rows)
    here, there = signed_in(app, "Anna"), signed_in(app, "Anna")
    form = {"csrf_token": form_token(here, "/account/password"), "password": "battery staple"}
    assert here.post("/account/password", data={**form, "current": "wrong"}).status_code == 401
    done = here.post("/account/password", data={**form, "current": PASSWORD})
    assert (done.status_code, done.location) == (303, "/account")
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 303
    assert sign_in(app.test_client(), "Anna").status_code == 401
    assert sign_in(app.test_client(), "Anna", "battery staple").status_code == 303


def test_a_key_is_shown_once_used_and_revoked(app: Flask, rows: Database) -> None:
    anna = an_admin(rows)
    client = signed_in(app, "Anna")
    token = form_token(client, "/account")
    made = client.post("/account/keys", data={"csrf_token": token, "name": "<b>night</b>"})
    assert made.status_code == 201 and made.headers["Cache-Control"] == "no-store"
    assert "&lt;b&gt;night&lt;/b&gt;" in made.text
    found = re.search(r'<code class="text">(lsk_[\w-]+)</code>', made.text)
    assert found is not None
    assert found[1] not in client.get("/account").text
    program = app.test_client()
    header = {"Authorization": f"Bearer {found[1]}"}
    assert program.get("/api/v1/jobs", headers=header).status_code == 200
    assert program.get("/", headers=header).status_code == 401  # pages take no keys
    [key] = accounts.keys_of(rows, anna.id)
    client.post(f"/account/keys/{key.id}/revoke", data={"csrf_token": token, "sure": "yes"})
    assert program.get("/api/v1/jobs", headers=header).status_code == 401
    refused = client.post("/account/keys", data={"csrf_token": token, "name": " "})
    assert refused.status_code == 400 and "what the key is for" in refused.text


def test_a_page_with_a_secret_that_is_loaded_again_does_nothing_again(
    app: Flask, rows: Database
) -> None:
    anna = an_admin(rows)
    client = signed_in(app, "Anna")

    def sent(page: str, address: str, **fields: str) -> dict[str, str]:
        """Send a form of a page twice, as a browser does that loads the answer again."""
        shown = client.get(page).text
        (once,) = re.findall(r'name="once" value="([^"]+)"', shown.split(f'action="{address}"')[1])
        form = {"csrf_token": form_token(client, page), "once": once, **fields}
        assert client.post(address, data=form).status_code == 201
        again = client.post(address, data=form)
        assert again.status_code == 303
        assert "done already" in client.get(again.location).text
        return form

    form = sent("/account", "/account/keys", name="night")
    assert len(accounts.keys_of(rows, anna.id)) == 1
    assert client.post("/account/keys", data={**form, "once": "another"}).status_code == 201
    sent("/people", "/people", name="Bo")


def test_another_persons_key_is_not_revoked(app: Flask, rows: Database) -> None:
    anna, _ = an_admin(rows), a_person(rows)
    accounts.make_key(rows, user_id=anna.id, name="hers")
    [key] = accounts.keys_of(rows, anna.id)
    client = signed_in(app, "Bo")
    form = {"csrf_token": form_token(client, "/account")}
    assert client.post(f"/account/keys/{key.id}/revoke", data=form).status_code == 404
    assert len(accounts.keys_of(rows, anna.id)) == 1


def test_an_account_that_an_administrator_adds_chooses_its_own_password_first(
    app: Flask, rows: Database
) -> None:
    an_admin(rows)
    admin = signed_in(app, "Anna")
    token = form_token(admin, "/people")
    added = admin.post("/people", data={"csrf_token": token, "name": "Bo"})
    assert added.status_code == 201 and added.headers["Cache-Control"] == "no-store"
    found = re.search(r'<code class="text">([a-z0-9-]+)</code>', added.text)
    assert found is not None
    assert admin.post("/people", data={"csrf_token": token, "name": "BO"}).status_code == 409

    bo = app.test_client()
    assert sign_in(bo, "Bo", found[1]).status_code == 303
    for path in ("/", "/account", "/jobs/00000000-0000-0000-0000-000000000000"):
        assert bo.get(path).location == "/account/password"
        assert bo.get(path, headers={"Authorization": "x"}).location == "/account/password"
    assert bo.get("/api/v1/jobs").json["error"]["code"] == "password_is_temporary"  # type: ignore[index]
    form = {"csrf_token": form_token(bo, "/account/password"), "current": found[1]}
    assert bo.post("/account/password", data={**form, "password": PASSWORD}).status_code == 303
    assert bo.get("/").status_code == 200
    assert bo.get("/people").status_code == 403


def test_an_administrator_disables_enables_and_resets(app: Flask, rows: Database) -> None:
    anna, bo = an_admin(rows), a_person(rows)
    admin, theirs = signed_in(app, "Anna"), signed_in(app, "Bo")
    form = {"csrf_token": form_token(admin, "/people"), "sure": "yes"}
    assert admin.post(f"/people/{bo.id}/disable", data=form).location == "/people"
    assert theirs.get("/").status_code == 303
    assert sign_in(app.test_client(), "Bo").status_code == 401
    assert admin.post(f"/people/{bo.id}/enable", data=form).location == "/people"
    reset = admin.post(f"/people/{bo.id}/password", data=form)
    found = re.search(r'<code class="text">([a-z0-9-]+)</code>', reset.text)
    assert found is not None
    assert sign_in(app.test_client(), "Bo").status_code == 401
    assert sign_in(app.test_client(), "Bo", found[1]).status_code == 303
    admin.post(f"/people/{bo.id}/admin", data=form)
    assert accounts.person_named(rows, "Bo").is_admin
    admin.post(f"/people/{bo.id}/no-admin", data=form)
    assert not accounts.person_named(rows, "Bo").is_admin
    last = admin.post(f"/people/{anna.id}/disable", data=form)
    assert last.status_code == 409 and "only administrator" in last.text


@pytest.mark.parametrize(
    "header",
    ["Bearer nonsense", "Bearer ", "Basic QW5uYTpwYXNz", "Bearer lsk_" + "A" * 43, "\u00e9"],
)
def test_a_key_that_is_none_is_refused_even_beside_a_good_cookie(
    app: Flask, rows: Database, header: str
) -> None:
    an_admin(rows)
    client = signed_in(app, "Anna")
    answer = client.get("/api/v1/jobs", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "unauthorized"  # type: ignore[index]
    assert ("opens nothing" in answer.text) == header.startswith("Bearer")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Longscribe"'


def test_the_api_takes_a_change_with_a_key_or_with_cookie_and_token_never_with_a_cookie_alone(
    app: Flask, rows: Database
) -> None:
    anna = an_admin(rows)
    client = signed_in(app, "Anna")
    alone = submit(client)
    assert alone.status_code == 400
    assert alone.json["error"]["code"] == "csrf_failed"  # type: ignore[index]
    token = form_token(client, "/")
    client.environ_base["HTTP_X_CSRFTOKEN"] = token
    assert submit(client).status_code == 202
    client.environ_base["HTTP_X_CSRFTOKEN"] = token[::-1]
    assert submit(client).status_code == 400
    program = app.test_client()
    program.environ_base["HTTP_AUTHORIZATION"] = bearer(rows, anna)["Authorization"]
    assert submit(program).status_code == 202
    assert len(jobs.list_jobs(rows, owner_id=anna.id).jobs) == 2


def test_the_token_of_somebody_else_is_none(app: Flask, rows: Database) -> None:
    an_admin(rows)
    a_person(rows)
    anna, bo = signed_in(app, "Anna"), signed_in(app, "Bo")
    anna.environ_base["HTTP_X_CSRFTOKEN"] = form_token(bo, "/")
    assert submit(anna).status_code == 400


def test_what_machines_ask_stays_open_and_figures_over_all_are_an_administrators(
    app: Flask, client: FlaskClient, rows: Database
) -> None:
    anna, bo = an_admin(rows), a_person(rows)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=bearer(rows, bo)).status_code == 403
    assert client.get("/metrics", headers=bearer(rows, anna)).status_code == 200


def test_two_peoples_jobs_take_turns(app: Flask, rows: Database) -> None:
    anna, bo = an_admin(rows), a_person(rows)
    submitted: dict[str, list[str]] = {}
    for person, number in ((anna, 3), (bo, 2)):
        program = app.test_client()
        program.environ_base["HTTP_AUTHORIZATION"] = bearer(rows, person)["Authorization"]
        answers = [submit(program, str(n).encode()) for n in range(number)]
        submitted[person.name] = [answer.json["id"] for answer in answers]  # type: ignore[index]
        listed = program.get("/api/v1/jobs").json["jobs"]  # type: ignore[index]
        assert {job["id"] for job in listed} == set(submitted[person.name])
    names = {job_id: name for name, ids in submitted.items() for job_id in ids}
    taken = []
    for _ in range(5):
        claimed = factories.claim(rows)
        factories.complete(rows, claimed)
        taken.append(names[claimed.job_id])
    assert taken == ["Anna", "Bo", "Anna", "Bo", "Anna"]
