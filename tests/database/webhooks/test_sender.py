"""The sender with a real receiver, which answers, is down, is slow, lies and redirects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import standardwebhooks

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.settings import Settings
from shared.states import JobStatus
from shared.webhooks import hooks, log
from shared.webhooks.hooks import HookSettings
from shared.webhooks.types import DeliveryState
from tests.database.webhooks.test_delivery_queue import let_pass, logged
from tests.support import factories
from tests.support.doubles.receiver import (
    LOOPBACK,
    Received,
    answering,
    drip,
    garbage,
    receiver,
    stall,
)
from tests.support.notifications import end
from tests.support.stack import hold_port, wait_for
from worker.webhooks.delivery_threads import AT_ONCE, WebhookSender

SETTINGS = Settings(
    outbound_networks=LOOPBACK, outbound_http="allowed", webhook_timeout_s=20, sweep_s=0.2
)


@contextmanager
def sending(db: Database, **changes: Any) -> Iterator[WebhookSender]:
    sender = WebhookSender(SETTINGS.model_copy(update=changes), db)
    sender.start()
    try:
        yield sender
    finally:
        end(sender)


def add(db: Database, url: str, *, owner_id: str = LOCAL_OWNER, **values: Any) -> tuple[str, str]:
    hook, secret = hooks.add_hook(
        db,
        SETTINGS.outbound_rules,
        owner_id=owner_id,
        wanted=HookSettings(url, **values),
        site_url="https://here.example/below",
    )
    return hook.id, secret


def opened(came: Received, secret: str) -> dict[str, Any]:
    """What a receiver reads that checks the signature. Raises WebhookVerificationError."""
    told: dict[str, Any] = standardwebhooks.Webhook(secret).verify(came.body, came.headers)
    return told


def test_a_job_is_told_from_its_beginning_to_its_end(db: Database) -> None:
    with receiver() as there, sending(db):
        webhook_id, secret = add(db, there.url)
        job_id = factories.a_job(db, JobStatus.COMPLETED)
        wait_for(lambda: len(there.received) == 3, what="three deliveries")
        told = [opened(came, secret) for came in there.received]
        assert [one["type"] for one in told] == ["job.submitted", "job.started", "job.completed"]
        assert [one["data"]["status"] for one in told] == ["queued", "processing", "completed"]
        last = told[-1]
        assert last["timestamp"].endswith("Z")
        assert last["data"] == {
            "id": job_id,
            "status": "completed",
            "links": {
                "self": f"https://here.example/below/api/v1/jobs/{job_id}",
                "page": f"https://here.example/below/jobs/{job_id}",
                "transcript": f"https://here.example/below/api/v1/jobs/{job_id}/transcript",
            },
        }
        came = there.received[0]
        assert came.headers["Content-Type"] == "application/json"
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            opened(Received(came.path, came.headers, came.body + b" "), secret)
        wait_for(
            lambda: {one.state for one in logged(db, webhook_id)} == {DeliveryState.DELIVERED},
            what="the log",
        )


def test_text_and_errors_are_told_where_they_are_wanted(db: Database) -> None:
    with receiver() as there, sending(db):
        _, secret = add(db, there.url, with_text=True)
        completed = factories.a_job(db, JobStatus.COMPLETED)
        factories.a_job(db, JobStatus.FAILED)
        wait_for(lambda: len(there.received) == 6, what="six deliveries")
        told = {
            one["type"]: one["data"] for came in there.received if (one := opened(came, secret))
        }
        text = jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=completed).text
        assert (told["job.completed"]["text"], told["job.completed"]["text_is_cut"]) == (
            text,
            False,
        )
        assert set(told["job.failed"]["error"]) == {"code", "message"}
        assert told["job.failed"]["error"]["code"]


def test_a_receiver_with_the_old_secret_and_one_with_the_new_both_read_it(db: Database) -> None:
    with receiver() as there:
        webhook_id, old = add(db, there.url)
        new = hooks.replace_secret(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id)
        hooks.send_test(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id)
        with sending(db):
            wait_for(lambda: bool(there.received), what="the test")
        assert opened(there.received[0], old) == opened(there.received[0], new)


def test_one_that_is_down_gets_everything_in_order_once_it_is_back(db: Database) -> None:
    port = hold_port()
    with sending(db):
        webhook_id, secret = add(db, f"http://127.0.0.1:{port}/hook")
        factories.a_job(db, JobStatus.COMPLETED)
        wait_for(lambda: logged(db, webhook_id)[-1].attempts == 1, what="the first attempt")
        assert logged(db, webhook_id)[-1].problem == "unreachable"
        with receiver(port=port) as there:
            let_pass(db)
            wait_for(lambda: len(there.received) == 3, what="all three")
            types = [opened(came, secret)["type"] for came in there.received]
            assert types == ["job.submitted", "job.started", "job.completed"]
            assert len({came.headers["webhook-id"] for came in there.received}) == 3


@pytest.mark.parametrize(
    ("answer", "status_code", "problem"),
    [
        (answering(500, b"<h1>\x00 Oh\nno</h1>" * 1000), 500, "refused"),
        (answering(404), 404, "refused"),
        (answering(302, Location="http://127.0.0.1/elsewhere"), 302, "redirected"),
        (garbage, None, "unreachable"),
        (drip, None, "too_slow"),
        (stall, None, "too_slow"),
    ],
)
def test_what_is_no_success_is_sent_again_under_the_same_id(
    sqlite_url: str, answer: Any, status_code: int | None, problem: str
) -> None:
    db = Database(sqlite_url)
    with receiver(answer) as there:
        webhook_id, secret = add(db, there.url)
        factories.submit(db)
        with sending(db, webhook_timeout_s=0.5 if problem == "too_slow" else 20):
            wait_for(lambda: logged(db, webhook_id)[0].attempts == 1, what="the first attempt")
        shown = logged(db, webhook_id)[0]
        assert (shown.status_code, shown.problem) == (status_code, problem)
        assert len(shown.answer) <= 300 and shown.answer.isprintable()
        let_pass(db)
        with sending(db):
            wait_for(lambda: len(there.received) == 2, what="the second")
        first, second = there.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.path == second.path == "/hook"
        assert opened(first, secret) == opened(second, secret)
    db.dispose()


def test_however_many_stall_the_others_are_served(db: Database) -> None:
    with receiver() as quick, receiver() as slow:
        slow.otherwise = stall
        _, secret = add(db, quick.url, owner_id="quick")
        factories.submit(db, owner_id="quick")
        with sending(db):
            wait_for(
                lambda: len(quick.received) == 1, what="the first, which shows that it is quick"
            )
            for n in range(AT_ONCE):
                add(db, slow.url, owner_id=f"slow {n}")
                factories.submit(db, owner_id=f"slow {n}")
            wait_for(lambda: len(slow.received) >= AT_ONCE - 3, what="those that stall")
            for _ in range(5):
                factories.submit(db, owner_id="quick")
            wait_for(lambda: len(quick.received) == 6, what="the others'")
            assert opened(quick.received[-1], secret)["type"] == "job.submitted"
            slow.free.set()


def test_a_private_address_is_refused_when_it_is_sent_too(db: Database) -> None:
    with receiver() as there:
        webhook_id, _ = add(db, there.url.replace("127.0.0.1", "localhost"))
        factories.submit(db)
        with sending(db, outbound_networks="10.0.0.0/8"):
            wait_for(lambda: logged(db, webhook_id)[0].attempts == 1, what="the attempt")
        assert logged(db, webhook_id)[0].problem == "address_refused"
        assert there.received == []


def test_stopped_it_gives_back_what_it_is_at(db: Database) -> None:
    with receiver(stall) as there:
        webhook_id, _ = add(db, there.url)
        factories.submit(db)
        with sending(db):
            assert there.stalled.wait(60)
        assert logged(db, webhook_id)[0].attempts == 0
        with sending(db):
            wait_for(lambda: len(there.received) == 2, what="the second")


def test_several_share_the_work_and_none_is_sent_twice(db: Database) -> None:
    with receiver() as there, sending(db), sending(db), sending(db):
        for n in range(6):
            add(db, there.url, owner_id=f"owner {n}")
            factories.a_job(db, JobStatus.CANCELLED, owner_id=f"owner {n}")
        wait_for(lambda: len(there.received) >= 12, what="all")
        told = [json.loads(came.body)["data"]["id"] for came in there.received]
        assert all(told.count(job_id) == 2 for job_id in told)
        ids = [came.headers["webhook-id"] for came in there.received]
        assert len(ids) == len(set(ids)) == 12


def test_the_page_of_the_log_goes_on_before_an_id(db: Database) -> None:
    with receiver() as there:
        webhook_id, _ = add(db, there.url)
        for _ in range(3):
            factories.submit(db)
        of_hook: dict[str, Any] = {"owner_id": LOCAL_OWNER, "webhook_id": webhook_id}
        newest, *others = log.deliveries_of(db, **of_hook, most=10)
        assert log.deliveries_of(db, **of_hook, most=10, before=newest.id) == others
