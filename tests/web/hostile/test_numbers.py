"""Numbers that no database or Python itself takes, wherever a request has a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import IntegerConverter

from shared import accounts
from shared.minutes import minutes_queue, requests
from shared.minutes.contents import Minutes, Point
from shared.states import JobStatus
from tests.support import factories
from tests.support.people import a_person, an_admin, form_token, quick_hashes, signed_in
from tests.support.web.routes import NEEDED, NOBODYS, methods, owned_values, rules
from tests.support.web.web_app import database, make_app

NUMBERS = ["9" * 4301, "9" * 19, "2147483648", "-1", "１２", "nan", "inf", "1e400", "1_0"]

DATES = [
    f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT",
    f"Mon, 01 Jan 2020 00:00:00 +{'9' * 14}",
    f"Mon, 01 Jan {'9' * 4301} 00:00:00 GMT",
]


@pytest.fixture
def app(postgresql_url: str, tmp_path: Path) -> Iterator[Flask]:
    """PostgreSQL, for its numbers are the shorter ones."""
    with quick_hashes():
        made = make_app(
            postgresql_url,
            tmp_path,
            sign_in="required",
            minutes_url="https://model.example/v1",
            minutes_model="small",
        )
        an_admin(database(made))
        yield made
        database(made).dispose()


@pytest.fixture
def anna(app: Flask) -> FlaskClient:
    client = signed_in(app, "Anna")
    client.environ_base["HTTP_X_CSRFTOKEN"] = form_token(client, "/")
    return client


def anna_id(app: Flask) -> str:
    return accounts.person_named(database(app), "Anna").id


def test_a_number_in_a_path_leads_to_nothing_or_somewhere(app: Flask, anna: FlaskClient) -> None:
    owned = owned_values(app, anna_id(app))
    asked = 0
    for rule in rules(app):
        numbers = [
            name for name, kind in rule._converters.items() if isinstance(kind, IntegerConverter)
        ]
        for name in numbers:
            values = {**owned, **NOBODYS.get(rule.endpoint, {})}
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: f"{{{found[1]}}}", rule.rule)
            for number in NUMBERS:
                address = path.format(**values | {name: number})
                for method in methods(rule):
                    needed = NEEDED.get(rule.endpoint, {})
                    answer = anna.open(address, method=method, **needed)
                    assert answer.status_code < 500, (method, address[:80])
                    asked += 1
    assert asked > 60


def test_a_number_in_a_query_is_refused_or_used(app: Flask, anna: FlaskClient) -> None:
    owned = owned_values(app, anna_id(app))
    document = anna.get("/api/openapi.json").get_json()
    asked = 0
    for path, operations in document["paths"].items():
        address = re.sub(r"\{(\w+)\}", lambda found: owned.get(found[1], "0"), path)
        for parameter in operations.get("get", {}).get("parameters", []):
            if parameter["in"] != "query" or not is_number(parameter["schema"]):
                continue
            for number in NUMBERS:
                answer = anna.get(address, query_string={parameter["name"]: number})
                assert answer.status_code < 500, (path, parameter["name"], number[:20])
                asked += 1
    assert asked > 100


def is_number(schema: dict[str, Any]) -> bool:
    kinds = [schema, *schema.get("anyOf", [])]
    return any(kind.get("type") in ("integer", "number") for kind in kinds)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
def test_a_number_in_a_form_is_refused_or_used(app: Flask, anna: FlaskClient, number: str) -> None:
    db = database(app)
    job_id = factories.a_job(db, JobStatus.COMPLETED, owner_id=anna_id(app))
    requests.ask(db, owner_id=anna_id(app), job_id=job_id, language="zh", prompts={})
    writing = minutes_queue.claim_next(db, worker="w", lease_s=60, model="m", host="model.example")
    assert writing is not None
    minutes = Minutes(summary=(Point("Said", (0,)),))
    minutes_queue.finish(db, writing, minutes, transcript_digest="d")
    eve, group = a_person(db, "Eve"), accounts.add_group(db, "Sales")
    job = f"/jobs/{job_id}"
    for path, fields in {
        f"{job}/minutes/accept": {"minutes_revision": number},
        f"{job}/marks": {"kind": "bookmark", "at": f"{number}:00"},
        f"{job}/links": {"days": number},
        f"{job}/again": {"speakers": number, "tracks": number, "channels": number},
        f"{job}/details": {"revision": number},
        f"/people/{eve.id}/quota": {"hours": number},
        f"/groups/{group.id}/kept-days": {"days": number},
        "/hotwords": {"words": "一", "revision": number},
    }.items():
        answer = anna.post(path, data=fields)
        assert answer.status_code < 500, (path, answer.text)


@pytest.mark.parametrize("date", DATES, ids=lambda date: date[:24])
def test_a_date_that_no_clock_shows_is_no_condition(
    app: Flask, anna: FlaskClient, date: str
) -> None:
    job_id = factories.a_job(database(app), JobStatus.COMPLETED, owner_id=anna_id(app))
    for path in (f"/api/v1/jobs/{job_id}", f"/api/v1/jobs/{job_id}/transcript", "/", "/sign-in"):
        answer = anna.get(path, headers={"If-Modified-Since": date})
        assert answer.status_code < 400, answer.text
    icon = re.search(r'"(/static/[^"]*icon[^"]*)"', anna.get("/").text)
    assert icon is not None
    for headers in ({"If-Modified-Since": date}, {"Range": "bytes=0-1", "If-Range": date}):
        answer = anna.get(icon[1], headers=headers)
        assert answer.status_code == 200 and len(answer.data) > 2


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
def test_a_number_in_a_header_is_refused_or_used(
    app: Flask, anna: FlaskClient, number: str
) -> None:
    job_id = factories.a_job(database(app), JobStatus.COMPLETED, owner_id=anna_id(app))
    number = number.encode().decode("latin-1")
    tus = {"Tus-Resumable": "1.0.0"}
    for method, path, headers in (
        ("GET", f"/api/v1/jobs/{job_id}/audio", {"Range": f"bytes={number}-{number}"}),
        ("GET", "/", {"Accept-Language": f"zh;q={number}", "Accept": f"text/html;q={number}"}),
        ("GET", "/api/v1/jobs", {"Content-Length": number}),
        ("GET", "/api/v1/jobs", {"traceparent": f"00-{number}-{number}-{number}"}),
        ("POST", "/api/v1/uploads", {**tus, "Upload-Length": number}),
        ("POST", "/api/v1/uploads", {**tus, "Upload-Defer-Length": number}),
    ):
        answer = anna.open(path, method=method, headers=headers)
        assert answer.status_code < 500, (path, headers, answer.text)
