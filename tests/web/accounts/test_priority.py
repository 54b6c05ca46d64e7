"""Who may send jobs before those of others, in each way in which a job is submitted."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import Job
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer
from tests.support.web import uploading
from tests.support.web.web_app import submit


@pytest.fixture
def admin(app: Flask, rows: Database) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = bearer(rows, an_admin(rows))["Authorization"]
    return client


@pytest.fixture
def member(app: Flask, admin: FlaskClient, rows: Database) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = bearer(rows, a_person(rows))["Authorization"]
    return client


@pytest.mark.parametrize("priority", [1, 10])
def test_only_administrators_go_before_others(
    admin: FlaskClient, member: FlaskClient, rows: Database, priority: int
) -> None:
    assert submit(admin, priority=str(priority)).status_code == 202
    address = uploading.uploaded(admin)
    assert uploading.submit(admin, address, priority=priority).status_code == 202

    refused = submit(member, priority=str(priority))
    assert uploading.code_of(refused, 403) == "priority_not_allowed"
    assert refused.json and refused.json["error"]["param"] == "priority"
    assert "from -10 to 0" in refused.json["error"]["message"]
    address = uploading.uploaded(member)
    refused = uploading.submit(member, address, priority=priority)
    assert uploading.code_of(refused, 403) == "priority_not_allowed"
    assert factories.count(rows, Job) == 2
    # The bytes are still there for a submission that is allowed.
    assert uploading.submit(member, address).status_code == 202


@pytest.mark.parametrize("priority", ["0", "-10"])
def test_everybody_may_let_others_go_first(member: FlaskClient, priority: str) -> None:
    assert submit(member, priority=priority).status_code == 202


def test_a_repeat_with_a_key_cannot_raise_the_priority(member: FlaskClient, rows: Database) -> None:
    first = submit(member, key="one")
    assert first.status_code == 202 and first.json
    again = submit(member, key="one", priority="5")
    assert uploading.code_of(again, 403) == "priority_not_allowed"
    assert factories.row(rows, first.json["id"]).priority == 0


def test_an_upload_that_has_its_job_cannot_raise_the_priority(
    member: FlaskClient, rows: Database
) -> None:
    address = uploading.uploaded(member)
    first = uploading.submit(member, address)
    assert first.status_code == 202 and first.json
    assert uploading.submit(member, address, priority=9).status_code == 403
    assert factories.row(rows, first.json["id"]).priority == 0
