"""The pages of webhooks, by forms alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.webhooks import hooks
from shared.webhooks.delivery_queue import Result, claim_next, store
from shared.webhooks.types import WebhookType
from tests.support import factories
from tests.support.web.web_app import make_app


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Flask:
    made = make_app(database_url, tmp_path)
    made.config["WTF_CSRF_ENABLED"] = False
    return made


def add(client: FlaskClient, **values: object) -> str:
    answer = client.post(
        "/webhooks",
        data={
            "url": "https://example.org/hook",
            "types": [one.value for one in WebhookType],
            **values,
        },
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    found = re.search(r"whsec_[A-Za-z0-9+/=]{44}", answer.text)
    assert found is not None
    (hook,) = hooks.hooks_of(client.application.extensions["longscribe"].db, LOCAL_OWNER)
    assert found[0] not in client.get(f"/webhooks/{hook.id}").text, "shown once"
    return f"/webhooks/{hook.id}"


def test_added_changed_switched_off_and_deleted(client: FlaskClient, rows: Database) -> None:
    page = add(client)
    (hook,) = hooks.hooks_of(rows, LOCAL_OWNER)
    assert (hook.types, hook.with_text) == (None, False), "all, those of later versions too"
    client.post(
        page,
        data={
            "url": "https://example.org/other",
            "description": "工单 <b>",
            "types": "job.failed",
            "with_text": "yes",
            "do": "save",
        },
    )
    (hook,) = hooks.hooks_of(rows, LOCAL_OWNER)
    assert (hook.url, hook.types) == ("https://example.org/other", (WebhookType.FAILED,))
    assert hook.with_text
    assert "工单 &lt;b&gt;" in client.get("/webhooks").text
    client.post(page, data={"do": "off"})
    (off,) = hooks.hooks_of(rows, LOCAL_OWNER)
    assert off.disabled_at is not None and off.types == hook.types
    assert "You have switched it off." in client.get(page).text
    client.post(page, data={"do": "on"})
    assert hooks.hooks_of(rows, LOCAL_OWNER)[0].disabled_at is None
    assert "whsec_" in client.post(f"{page}/secret").text
    assert client.post(f"{page}/delete").status_code == 303
    assert client.get(page).status_code == 404


def test_a_page_with_a_secret_that_is_loaded_again_makes_no_other(
    client: FlaskClient, rows: Database
) -> None:
    def once(page: str) -> str:
        return re.search(r'name="once" value="([^"]+)"', client.get(page).text)[1]  # type: ignore[index]

    sent = {"url": "https://example.org/hook", "types": "job.failed", "once": once("/webhooks")}
    assert client.post("/webhooks", data=sent).status_code == 201
    assert client.post("/webhooks", data=sent).status_code == 303
    (hook,) = hooks.hooks_of(rows, LOCAL_OWNER)
    page = f"/webhooks/{hook.id}"
    sent = {"once": once(page)}
    assert "whsec_" in client.post(f"{page}/secret", data=sent).text
    (replaced,) = hooks.hooks_of(rows, LOCAL_OWNER)
    again = client.post(f"{page}/secret", data=sent)
    assert (again.status_code, again.location) == (303, page)
    assert "That was done already." in client.get(page).text
    assert hooks.hooks_of(rows, LOCAL_OWNER) == [replaced]
    assert client.get(f"{page}/secret").location == page


def test_what_cannot_be_one_comes_back_with_the_reason(client: FlaskClient, rows: Database) -> None:
    sent = {"url": "https://169.254.169.254/", "description": "mine"}
    answer = client.post("/webhooks", data=sent, headers={"Accept-Language": "zh"})
    assert answer.status_code == 422
    assert "这个地址指向本机或内部网络" in answer.text
    assert 'value="mine"' in answer.text
    assert hooks.hooks_of(rows, LOCAL_OWNER) == []


def test_the_log_says_what_came_of_each(client: FlaskClient, rows: Database) -> None:
    page = add(client)
    job_id = factories.submit(rows)
    claimed = claim_next(rows, lease_s=60)
    assert claimed is not None
    failed = Result(0.2, status_code=500, problem="refused", answer="<i>no</i>")
    store(rows, claimed, failed, disable_after_s=86400)
    shown = client.get(page).text
    assert f"/jobs/{job_id}" in shown and "HTTP 500" in shown
    assert "to be tried again: the answer was no success" in shown
    assert "&lt;i&gt;no&lt;/i&gt;" in shown
    assert "fails since" in client.get("/webhooks").text
    assert client.post(f"{page}/deliveries/{claimed.delivery_id}/send").status_code == 303
    assert client.post(f"{page}/test").status_code == 303
    assert client.get(page).text.count("waiting") == 2
    second = client.post(f"{page}/test", headers={"Accept-Language": "zh"})
    assert second.status_code == 409 and "之前的测试还在等待发送" in second.text
    client.post(page, data={"do": "off"})
    assert client.post(f"{page}/test").status_code == 409
