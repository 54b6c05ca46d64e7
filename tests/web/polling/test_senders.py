"""Who may poll: what a person or a program may no longer see is refused at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select, update

from shared import accounts
from shared.accounts import Person
from shared.db import Database, database_now
from shared.export.reports.named_templates import (
    delete_template,
    give_template,
    keep_template,
)
from shared.models import ApiKey, SignIn
from shared.states import JobStatus
from tests.support import factories, people
from tests.support.web.web_app import database
from tests.web.polling.conftest import Polls
from web.monitoring import metrics


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with people.quick_hashes():
        yield


@pytest.fixture
def polls(make_polls: Callable[..., Polls]) -> Polls:
    return make_polls(sign_in="required")


@pytest.fixture
def app(polls: Polls) -> Flask:
    return polls.client.application


@pytest.fixture
def rows(app: Flask) -> Database:
    return database(app)


@pytest.fixture
def anna(rows: Database) -> Person:
    return people.an_admin(rows)


@pytest.fixture
def bo(rows: Database, anna: Person) -> Person:
    return people.a_person(rows)


@pytest.fixture
def paths(rows: Database, bo: Person) -> list[str]:
    """A job of Bo's, the list, and the part of a page that polls."""
    job_id = factories.submit(rows, owner_id=bo.id)
    return [f"/api/v1/jobs/{job_id}", "/api/v1/jobs", f"/fragments/jobs/{job_id}"]


def sign_in(polls: Polls, name: str = "Bo") -> None:
    """In both applications, with one cookie."""
    assert people.sign_in(polls.client, name).status_code == 303
    cookie = polls.client.get_cookie("longscribe")
    assert cookie is not None
    polls.other.set_cookie("longscribe", cookie.value)


def settle(polls: Polls, paths: list[str]) -> None:
    for path in paths:
        polls.settle(path)
        assert polls.is_remembered(path)


def test_a_key_that_is_revoked(polls: Polls, rows: Database, bo: Person, paths: list[str]) -> None:
    polls.headers = people.bearer(rows, bo)
    settle(polls, paths[:2])
    (key,) = accounts.keys_of(rows, bo.id)
    accounts.revoke_key(rows, user_id=bo.id, key_id=key.id)
    for path in paths[:2]:
        assert polls.ask(path).status_code == 401


@pytest.mark.parametrize("with_key", [True, False])
def test_an_account_that_is_disabled(
    with_key: bool, polls: Polls, rows: Database, bo: Person, paths: list[str]
) -> None:
    if with_key:
        polls.headers, paths = people.bearer(rows, bo), paths[:2]
    else:
        sign_in(polls)
    settle(polls, paths)
    accounts.disable(rows, bo.id)
    for path in paths:
        assert polls.ask(path).status_code != 304


def test_a_sign_in_that_is_ended_elsewhere(
    polls: Polls, rows: Database, bo: Person, paths: list[str]
) -> None:
    sign_in(polls)
    settle(polls, paths)
    accounts.end_all(rows, bo.id)
    for path in paths:
        assert polls.ask(path).status_code != 304


def test_a_sign_in_that_was_not_used_for_too_long(
    polls: Polls, rows: Database, paths: list[str]
) -> None:
    sign_in(polls)
    settle(polls, paths)
    with rows.writing() as session:
        session.execute(update(SignIn).values(seen_at=database_now(-73 * 3600)))
    for path in paths:
        assert polls.ask(path).status_code != 304


def test_a_password_that_was_reset(
    polls: Polls, rows: Database, bo: Person, paths: list[str]
) -> None:
    sign_in(polls)
    settle(polls, paths)
    accounts.reset_password(rows, bo.id, people.PASSWORD + " 2")
    for path in paths:
        assert polls.ask(path).status_code != 304


def test_the_templates_of_a_group(polls: Polls, rows: Database, bo: Person) -> None:
    job_id = factories.a_job(rows, JobStatus.COMPLETED, owner_id=bo.id)
    path = f"/fragments/jobs/{job_id}"
    group = accounts.add_group(rows, "Sales").id
    keep_template(rows, owner_id=group, name="Board", content=b"{{title}}")
    sign_in(polls)
    other = accounts.add_group(rows, "Office").id
    accounts.add_member(rows, other, "Bo")
    give = partial(give_template, rows, owner_id=group, name="Board", group_id=other)
    for happens, shown in (
        (lambda: accounts.add_member(rows, group, "Bo"), {"Board (Sales)"}),
        (give, {"Board (Office)"}),
        (lambda: delete_template(rows, owner_id=other, name="Board"), set()),
    ):
        polls.settle(path)
        happens()
        told = polls.ask(path)
        assert told.status_code == 200
        assert {*re.findall(r"Board \(\w+\)", told.text)} == shown


def test_another_role(polls: Polls, rows: Database, bo: Person, paths: list[str]) -> None:
    sign_in(polls)
    settle(polls, paths)
    for is_admin in (True, False):
        accounts.set_admin(rows, bo.id, is_admin)
        for path in paths:
            assert polls.ask(path).status_code == 304


def test_jobs_that_are_handed_over(
    polls: Polls, rows: Database, anna: Person, bo: Person, paths: list[str]
) -> None:
    polls.headers = people.bearer(rows, bo)
    settle(polls, paths[:2])
    accounts.hand_over(rows, from_owner=bo.id, to_owner=anna.id)
    assert polls.ask(paths[0]).status_code == 404
    assert polls.ask(paths[1]).json["jobs"] == []  # type: ignore[index]


def test_another_person_who_knows_the_etag(
    polls: Polls, rows: Database, anna: Person, bo: Person, paths: list[str]
) -> None:
    polls.headers = people.bearer(rows, bo)
    settle(polls, paths[:2])
    polls.headers = people.bearer(rows, anna)
    assert polls.ask(paths[0]).status_code == 404
    assert polls.ask(paths[1]).json["jobs"] == []  # type: ignore[index]
    polls.headers = {}
    assert polls.ask(paths[0]).status_code == 401


def test_a_use_is_still_noted_once_a_minute(
    polls: Polls, rows: Database, bo: Person, paths: list[str]
) -> None:
    polls.headers = people.bearer(rows, bo)
    settle(polls, paths[:2])
    with rows.writing() as session:
        session.execute(update(ApiKey).values(last_used_at=database_now(-61)))
    assert (
        polls.client.get(
            paths[0], headers=polls.headers | {"If-None-Match": polls.seen[paths[0]]}
        ).status_code
        == 304
    )
    with rows.reading() as session:
        noted = ApiKey.last_used_at > database_now(-30)
        assert session.scalar(select(noted))


def test_another_language_method_or_host(polls: Polls, paths: list[str]) -> None:
    sign_in(polls)
    settle(polls, paths)
    for path in paths:
        assert polls.ask(path, method="HEAD").status_code == 304
        seen = polls.seen[path]
        for client in (polls.client, polls.other):
            client.set_cookie("longscribe_language", "zh")
        polls.ask(path)
        for client in (polls.client, polls.other):
            client.delete_cookie("longscribe_language")
        polls.ask(path, **{"If-None-Match": seen})
        polls.ask(path, **{"If-None-Match": '"something else"'})
        polls.ask(path, **{"If-None-Match": "*"})


def test_an_answer_from_memory_is_counted_and_logged(
    polls: Polls, rows: Database, bo: Person, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    polls.headers = people.bearer(rows, bo)
    settle(polls, paths[:2])
    lines: list[dict[str, object]] = []
    monkeypatch.setattr(
        "web.monitoring.access_log.log.debug", lambda event, **line: lines.append(line)
    )
    labels = ("GET", "jobs.get_job", "304")
    before = count(labels)
    sent = polls.headers | {"If-None-Match": polls.seen[paths[0]]}
    polls.made.clear()
    answers = [polls.client.get(paths[0], headers=sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [304, 304]
    assert not polls.made
    assert count(labels) == before + 2
    assert len({answer.headers["X-Request-ID"] for answer in answers}) == 2
    line, _ = lines
    assert {**line, "ms": 0} == {
        "method": "GET",
        "path": paths[0],
        "status": 304,
        "ms": 0,
        "client": "127.0.0.1",
        "account": bo.id,
    }


def count(labels: tuple[str, str, str]) -> float:
    method, endpoint, status = labels
    value = metrics.REQUEST_SECONDS.labels(method, endpoint, status)
    (total,) = [s.value for s in value.collect()[0].samples if s.name.endswith("_count")]
    return float(total)


def test_without_sign_in_no_other_host_name_is_answered(make_polls: Callable[..., Polls]) -> None:
    polls = make_polls()
    path = f"/api/v1/jobs/{factories.submit(database(polls.client.application))}"
    settle(polls, [path])
    assert polls.ask(path, Host="example.org").status_code == 421
