"""What takes something away for good asks first, on every page, with its script or without."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from werkzeug.test import TestResponse

from shared import accounts
from shared.db import Database
from shared.minutes import minutes_queue
from shared.minutes.contents import Minutes, Point
from shared.minutes.owner_prompts import change_prompt
from shared.sharing import make_link
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import (
    ATTEMPTS,
    HERE,
    a_person,
    an_admin,
    form_token,
    quick_hashes,
    signed_in,
)
from tests.support.web.web_app import database, make_app


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    with quick_hashes():
        minutes = {"minutes_url": "https://model.example/v1", "minutes_model": "small"}
        made = make_app(sqlite_url, tmp_path, sign_in="required", **minutes)
        yield made
        database(made).dispose()


def fill(client: FlaskClient, rows: Database, owner: str) -> list[str]:
    """Make one of everything that can be deleted; the addresses of the pages with it."""
    job_id = factories.a_job(rows, JobStatus.COMPLETED, owner_id=owner)
    page = f"/jobs/{job_id}"
    token = form_token(client, page)
    client.post(f"{page}/minutes", data={"csrf_token": token})
    claim = minutes_queue.claim_next(rows, worker="w", lease_s=60, model="small", host="model")
    assert claim is not None
    proposal = Minutes(summary=(Point("大家好。", (0,)),))
    minutes_queue.finish(rows, claim, proposal, transcript_digest="d")
    own = {"summary": [{"text": "你好。", "sentences": [0]}], "decisions": [], "todos": []}
    of_job = f"/api/v1{page}/minutes"
    changed = {"revision": 0, "minutes": {**own, "chapters": []}, "accepted": False}
    headers = {"X-CSRFToken": token}
    assert client.put(of_job, json=changed, headers=headers).status_code == 200
    change_prompt(rows, owner, "en", "part", "my way: {{transcript}}")
    group = accounts.add_group(rows, "Sales").id
    accounts.add_member(rows, group, "Anna")
    bo = a_person(rows, "Bo")
    _add_authenticator(rows, bo.id)
    make_link(rows, owner_id=owner, job_id=job_id, name="Board", days=1, with_sound=False)
    form = {"csrf_token": token, "show": "all", "q": "x", "tag": "", "person": ""}
    for name in ("Own", "Given"):
        client.post("/searches", data={**form, "name": name})
    given = client.get("/api/v1/searches").get_json()["searches"][0]
    assert given["name"] == "Given"
    client.post(f"/searches/{given['id']}", data={**form, "do": "give", "to": group})
    client.post("/report-template", data={"csrf_token": token, "template": "# {{title}}"})
    for of_group in ("", group):
        file = (io.BytesIO(b"{{title}}"), "a.md")
        data = {"csrf_token": token, "name": "Board", "group": of_group, "file": file}
        client.post("/report-templates", data=data)
    client.post("/account/keys", data={"csrf_token": token, "name": "night"})
    sharing, prompts, template = f"{page}/sharing", "/minutes/prompts", "/report-template"
    return [page, sharing, prompts, "/", template, "/account", "/people"]


def _add_authenticator(rows: Database, user_id: str) -> None:
    accounts.begin_enrolment(rows, user_id)
    code = pyotp.TOTP(accounts.secret_to_confirm(rows, user_id) or "").now()
    accounts.confirm(rows, ATTEMPTS, user_id=user_id, code=code, address=HERE)


def buttons(page: str) -> list[html.HtmlElement]:
    return list(html.fromstring(page).iterfind(".//button[@data-question]"))


def press(client: FlaskClient, at: str, button: html.HtmlElement) -> TestResponse:
    """Send the form of a button as a browser without scripts does."""
    root = button.getroottree().getroot()
    named = button.get("form")
    form = root.get_element_by_id(named) if named else next(button.iterancestors("form"))
    fields = dict(form.form_values())
    for one in root.iterfind(f".//input[@form='{named}']"):
        fields[one.get("name")] = one.get("value")
    if button.get("name"):
        fields[button.get("name")] = button.get("value")
    address = button.get("formaction") or form.get("action") or at
    return client.post(address, data=fields)


def test_without_a_script_a_page_asks_and_changes_nothing(app: Flask, rows: Database) -> None:
    anna = an_admin(rows)
    client = signed_in(app, "Anna")
    client.set_cookie("longscribe_language", "en")
    pages = [*fill(client, rows, anna.id), "/people/groups"]
    asked = set()
    for page in pages:
        while found := buttons(shown := client.get(page).text):
            button = found[0]
            answer = press(client, page, button)
            assert answer.status_code == 200, answer.text
            [question] = html.fromstring(answer.text).iterfind(".//h1")
            assert question.text == button.get("data-question")
            assert button.get("data-lost") in html.fromstring(answer.text).text_content()
            assert len(buttons(client.get(page).text)) == len(found), "nothing is deleted yet"
            asked.add(question.text)
            [sure] = html.fromstring(answer.text).xpath(".//button[@class='danger']")
            assert sure.text == button.get("data-yes")
            done = press(client, answer.request.path, sure)
            assert done.status_code == 303, done.text
            assert len(buttons(client.get(page).text)) < len(found), shown
    assert asked == {
        "Delete these minutes?",
        "Go back to what the model wrote?",
        "Go back to the default text?",
        "Delete the saved search “Given”?",
        "Delete the saved search “Own”?",
        "Go back to the built-in template?",
        "Delete the template “Board”?",
        "Revoke the key “night”?",
        "Disable the account of Bo?",
        "Remove the authenticator app of Bo?",
        "Withdraw the link “Board”?",
        "Delete the group “Sales”?",
    }


def test_what_is_not_there_is_asked_about_no_more(app: Flask, rows: Database) -> None:
    an_admin(rows)
    client = signed_in(app, "Anna")
    form = {"csrf_token": form_token(client, "/people"), "do": "delete"}
    nobody = "00000000-0000-7000-8000-000000000000"
    for address in (
        f"/searches/{nobody}",
        f"/account/keys/{nobody}/revoke",
        f"/people/{nobody}/disable",
        f"/people/{nobody}/second-step/remove",
        f"/people/groups/{nobody}/delete",
    ):
        assert client.post(address, data=form).status_code == 404, address
