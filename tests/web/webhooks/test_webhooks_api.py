"""/api/v1/webhooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.webhooks.delivery_queue import Result, claim_next, store
from shared.webhooks.hooks import MOST_WEBHOOKS
from tests.support import factories
from tests.support.web.web_app import database, make_app

ADDRESS = "/api/v1/webhooks"
HOOK = {"url": "https://example.org/hook"}


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Flask:
    return make_app(database_url, tmp_path)


def made(client: FlaskClient, **values: Any) -> dict[str, Any]:
    answer = client.post(ADDRESS, json=HOOK | values)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json
    return told


def test_a_webhook_is_made_changed_and_deleted(client: FlaskClient) -> None:
    hook = made(client, description="  tickets\n", types=["job.completed"])
    assert hook["secret"].startswith("whsec_")
    assert (hook["description"], hook["types"], hook["enabled"]) == (
        "tickets", ["job.completed"], True,
    )  # fmt: skip
    own = f"{ADDRESS}/{hook['id']}"
    shown = client.get(own).json
    assert "secret" not in shown and shown["url"] == HOOK["url"]
    assert client.get(ADDRESS).json == {"webhooks": [shown]}
    changed = client.patch(own, json={"types": None, "with_text": True}).json
    assert (changed["types"], changed["with_text"], changed["description"]) == (
        None, True, "tickets",
    )  # fmt: skip
    off = client.patch(own, json={"enabled": False}).json
    assert (off["enabled"], off["disabled_reason"]) == (False, "owner")
    refused = client.post(f"{own}/test")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "webhook_disabled")
    on = client.patch(own, json={"enabled": True}).json
    assert (on["enabled"], on["disabled_reason"], on["disabled_at"]) == (True, None, None)
    replaced = client.post(f"{own}/secret")
    assert replaced.json["secret"] != hook["secret"]
    assert replaced.json["previous_secret_until"] is not None
    assert replaced.headers["Cache-Control"] == "no-store"
    assert client.delete(own).status_code == 204
    assert client.get(own).json["error"]["code"] == "webhook_not_found"


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({}, 400, "invalid_request", "url"),
        ({"url": "example.org"}, 422, "unusable_url", "url"),
        ({"url": "http://example.org/"}, 422, "https_required", "url"),
        ({"url": "https://127.0.0.1/"}, 422, "address_refused", "url"),
        ({"url": "https://u:p@example.org/"}, 422, "unusable_url", "url"),
        (HOOK | {"types": []}, 400, "invalid_request", "types"),
        (HOOK | {"types": ["job.exploded"]}, 400, "invalid_request", "types"),
        (HOOK | {"with_text": "yes"}, 400, "invalid_request", "with_text"),
        (HOOK | {"secret": "whsec_mine"}, 400, "invalid_request", "secret"),
        (HOOK | {"description": "a" * 201}, 400, "invalid_request", "description"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(
    client: FlaskClient, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    answer = client.post(ADDRESS, json=body)
    told = answer.json["error"]
    assert (answer.status_code, told["code"], told["param"]) == (status, code, param)
    assert client.get(ADDRESS).json == {"webhooks": []}


def test_there_are_so_many_and_no_more(client: FlaskClient) -> None:
    for _ in range(MOST_WEBHOOKS):
        made(client)
    answer = client.post(ADDRESS, json=HOOK)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "too_many_webhooks")


def test_the_deliveries_are_listed_and_sent_again(client: FlaskClient, rows: Database) -> None:
    hook = made(client)
    own = f"{ADDRESS}/{hook['id']}/deliveries"
    job_id = factories.submit(rows)
    assert client.post(f"{ADDRESS}/{hook['id']}/test").status_code == 202
    second = client.post(f"{ADDRESS}/{hook['id']}/test")
    assert (second.status_code, second.json["error"]["code"]) == (409, "test_waits")
    claimed = claim_next(rows, lease_s=60)
    assert claimed is not None
    failed = Result(0.25, status_code=500, problem="refused", answer="no")
    store(rows, claimed, failed, disable_after_s=86400)
    page = client.get(f"{own}?limit=1").json
    (test,) = page["deliveries"]
    assert (test["type"], test["job_id"], test["state"]) == ("webhook.test", None, "waiting")
    page = client.get(f"{own}?limit=1&before={page['next_before']}").json
    (sent,) = page["deliveries"]
    assert page["next_before"] is None
    assert (sent["job_id"], sent["state"], sent["attempts"]) == (job_id, "waiting", 1)
    assert (sent["status_code"], sent["problem"], sent["answer"]) == (500, "refused", "no")
    assert sent["took_seconds"] == 0.25 and sent["due_at"] is not None
    assert client.post(f"{own}/{sent['id']}/send").status_code == 202
    again = client.get(own).json["deliveries"][1]
    assert (again["attempts"], again["message_id"]) == (0, sent["message_id"])
    gone = client.post(f"{own}/{10**30}/send")
    assert (gone.status_code, gone.json["error"]["code"]) == (404, "delivery_not_found")


def test_where_the_operator_forbids_them_none_is_made(database_url: str, tmp_path: Path) -> None:
    app = make_app(database_url, tmp_path, webhooks="forbidden")
    client = app.test_client()
    answer = client.post(ADDRESS, json=HOOK)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "webhooks_forbidden")
    assert "does not allow webhooks" in client.get("/webhooks").text
    database(app).dispose()
