"""What the polls of many clients cost the web server, with and without anything new to tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from shared import accounts
from shared.db import Database, database_now
from shared.models import WorkerSeen
from tests.bench.measuring.pollers import Cost, Poll, ask, one_core, run
from tests.support import factories, people
from tests.support.stack import Stack, running
from tests.support.web.web_app import database, make_app

pytestmark = pytest.mark.bench

CLIENTS = 50
SECONDS = 4.0
LEAST_RATIO = 5.0
"""Processor time of a poll made anew over that of one from memory; 9 and more where measured."""
LIST_PAGE = "the list's page"
"""Name of an answer that is not cached: it finds out by two statements that nothing has changed."""
WITHOUT = "tests.bench.measuring.answers_made_anew:create_app()"


def test_a_poll_that_brings_nothing_new_costs_a_fraction(tmp_path: Path, database_url: str) -> None:
    db = Database(database_url)
    anna = people.an_admin(db)
    page = {"Cookie": cookie_of(anna.name, database_url, tmp_path / "stack")}
    key = {"Authorization": f"Bearer {accounts.make_key(db, user_id=anna.id, name='bench')}"}
    factories.learn(db, speed=10)
    factories.a_worker(db)
    ids = [factories.submit(db, owner_id=anna.id) for _ in range(CLIENTS)]
    asked = {
        "a waiting job": [Poll(f"/api/v1/jobs/{job_id}", key) for job_id in ids],
        "a waiting job's page": [Poll(f"/fragments/jobs/{job_id}", page) for job_id in ids],
        "the list, 50 jobs": [Poll("/api/v1/jobs", key)] * CLIENTS,
        LIST_PAGE: [Poll("/fragments/jobs", page)] * CLIENTS,
    }
    costs: dict[str, list[float]] = {what: [] for what in asked}
    for app, before in (("web.app:create_app()", ""), (WITHOUT, ", made anew")):
        env = {"LONGSCRIBE_SIGN_IN": "required", "LONGSCRIBE_MIN_FREE_BYTES": "0"}
        with running(Stack(tmp_path / "stack", database_url, env)) as stack:
            with one_core(0):
                service = stack.start_web(app=app)
            keep_seen(db)
            for what, whole in asked.items():
                if not before:
                    report(db, f"{what}, 200", run(service, stack.port, whole, seconds=SECONDS))
                seen = [poll.after(ask(stack.port, poll)) for poll in whole]
                cost = run(service, stack.port, seen, seconds=SECONDS)
                report(db, f"{what}, 304{before}", cost)
                costs[what].append(cost.ms)
    for what, (remembered, anew) in costs.items():
        assert what == LIST_PAGE or anew / remembered > LEAST_RATIO, what
    db.dispose()


def test_a_thousand_clients_ask_one_core_once_a_second(tmp_path: Path, database_url: str) -> None:
    db = Database(database_url)
    factories.learn(db, speed=10)
    factories.a_worker(db)
    keep_seen(db)
    ids = [factories.submit(db) for _ in range(1000)]
    with running(Stack(tmp_path / "stack", database_url)) as stack:
        with one_core(0):
            service = stack.start_web()
        polls = [Poll(f"/api/v1/jobs/{job_id}", {}) for job_id in ids]
        polls = [poll.after(ask(stack.port, poll)) for poll in polls]
        for when in ("at first", "later"):
            cost = run(service, stack.port, polls, seconds=30.0, every_s=1.0)
            report(db, f"1,000 clients, {when}", cost)
            half, most = (1000 * cost.took_s[int(len(cost.took_s) * part)] for part in (0.5, 0.99))
            print(f"  {cost.cpu_s / cost.wall_s:.0%} of the core; {half:.0f}, {most:.0f} ms")
    db.dispose()


def report(db: Database, what: str, cost: Cost) -> None:
    print(
        f"{what:<34} {db.engine.dialect.name:<11} {cost.ms:6.2f} CPU ms, "
        f"{cost.a_cpu_second:6.0f} a CPU second  {dict(cost.answers)} in {cost.wall_s:.1f} s"
    )


def cookie_of(name: str, database_url: str, folder: Path) -> str:
    """The cookie of a browser that is signed in, for a server with its data below `folder`."""
    app = make_app(database_url, folder, sign_in="required")
    client = app.test_client()
    assert people.sign_in(client, name).status_code == 303
    database(app).dispose()
    cookie = client.get_cookie("longscribe")
    assert cookie is not None
    return f"longscribe={cookie.value}"


def keep_seen(db: Database) -> None:
    """Let the worker be one that reports itself all the time."""
    with db.writing() as session:
        session.execute(update(WorkerSeen).values(seen_at=database_now(3600)))
