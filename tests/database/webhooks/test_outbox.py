"""An event is put into the outbox in the transaction in which it is recorded."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from shared import jobs
from shared.accounts.handing_over.ownership import hand_over
from shared.db import Database
from shared.jobs.events import NewEvent, record
from shared.models import LOCAL_OWNER, Job, Webhook, WebhookDelivery
from shared.outbound.addresses import AddressRules
from shared.outbound.errors import AddressRefused
from shared.states import EventKind, JobStatus
from shared.webhooks import hooks
from shared.webhooks.errors import TooManyWebhooks, WebhookNotFound
from shared.webhooks.hooks import HookSettings
from shared.webhooks.types import DisabledReason, WebhookType
from tests.support import factories
from tests.support.databases.waiting import counting_at_once
from tests.support.people import at_once

RULES = AddressRules()


def add(db: Database, *, owner_id: str = LOCAL_OWNER, **values: Any) -> str:
    wanted = HookSettings("https://example.org/hook", **values)
    hook, secret = hooks.add_hook(
        db, RULES, owner_id=owner_id, wanted=wanted, site_url="https://here.example"
    )
    assert secret.startswith("whsec_")
    return hook.id


def outbox(db: Database, webhook_id: str) -> list[str]:
    with db.reading() as session:
        rows = session.scalars(
            select(WebhookDelivery)
            .where(WebhookDelivery.webhook_id == webhook_id)
            .order_by(WebhookDelivery.id)
        )
        return [row.type for row in rows]


def test_each_event_of_a_job_is_put_there_once_for_each_webhook_that_wants_it(
    db: Database,
) -> None:
    everything = add(db)
    ends = add(db, types=(WebhookType.COMPLETED, WebhookType.FAILED))
    of_another = add(db, owner_id="another")
    factories.a_job(db, JobStatus.COMPLETED)
    failed = factories.a_job(db, JobStatus.FAILED)
    jobs.retry(db, owner_id=LOCAL_OWNER, job_id=failed)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=failed)
    assert outbox(db, everything) == [
        "job.submitted", "job.started", "job.completed",
        "job.submitted", "job.started", "job.failed", "job.retried", "job.cancelled",
    ]  # fmt: skip
    assert outbox(db, ends) == ["job.completed", "job.failed"]
    assert outbox(db, of_another) == []


def test_what_is_rolled_back_is_not_sent(db: Database) -> None:
    webhook_id = add(db)
    job_id = factories.submit(db)
    with pytest.raises(RuntimeError), db.writing() as session:
        session.get(Job, job_id, with_for_update=True)
        record(session, job_id, NewEvent(EventKind.CANCELLED))
        raise RuntimeError
    assert outbox(db, webhook_id) == ["job.submitted"]


def test_nothing_is_put_there_for_one_that_is_switched_off(db: Database) -> None:
    webhook_id = add(db)
    hooks.change_hook(
        db,
        RULES,
        owner_id=LOCAL_OWNER,
        webhook_id=webhook_id,
        wanted=HookSettings("https://example.org/hook"),
        enabled=False,
        site_url="https://here.example",
    )
    factories.submit(db)
    assert outbox(db, webhook_id) == []


def test_a_webhook_is_its_owners_alone(db: Database) -> None:
    webhook_id = add(db)
    assert hooks.hooks_of(db, "another") == []
    for act in (hooks.get_hook, hooks.delete_hook, hooks.replace_secret, hooks.send_test):
        with pytest.raises(WebhookNotFound):
            act(db, owner_id="another", webhook_id=webhook_id)
    with pytest.raises(WebhookNotFound):
        hooks.send_again(db, owner_id="another", webhook_id=webhook_id, delivery_id=1)


def test_there_are_so_many_and_no_more(db: Database) -> None:
    for _ in range(hooks.MOST_WEBHOOKS):
        add(db)
    with pytest.raises(TooManyWebhooks):
        add(db)
    add(db, owner_id="another")


def test_added_at_the_same_moment_there_are_no_more_than_allowed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "MOST_WEBHOOKS", 1)
    with counting_at_once(db, "webhooks"):
        added = at_once(partial(add, db), partial(add, db))
    assert sorted(isinstance(one, TooManyWebhooks) for one in added) == [False, True]


def test_what_cannot_be_read_of_a_webhook_fails_no_job(db: Database) -> None:
    webhook_id = add(db)
    with db.writing() as session:
        session.execute(update(Webhook).values(types=7))
    factories.a_job(db, JobStatus.FAILED)
    assert outbox(db, webhook_id) == []
    [listed] = hooks.hooks_of(db, LOCAL_OWNER)
    assert (listed.id, listed.types) == (webhook_id, ())
    with db.writing() as session:
        session.execute(update(Webhook).values(types=["job.later", "job.failed"]))
    [listed] = hooks.hooks_of(db, LOCAL_OWNER)
    assert listed.types == (WebhookType.FAILED,)


def test_an_address_within_is_refused_at_once(db: Database) -> None:
    with pytest.raises(AddressRefused):
        hooks.add_hook(
            db,
            RULES,
            owner_id=LOCAL_OWNER,
            wanted=HookSettings("https://169.254.169.254/latest"),
            site_url="",
        )


def test_deleted_with_what_waits_for_it(db: Database) -> None:
    webhook_id = add(db)
    factories.submit(db)
    hooks.delete_hook(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id)
    assert outbox(db, webhook_id) == []
    factories.submit(db)  # nobody minds


def test_handed_over_it_tells_its_old_owner_nothing_of_the_new_ones_jobs(db: Database) -> None:
    webhook_id = add(db, owner_id="leaves")
    hand_over(db, from_owner="leaves", to_owner="stays")
    (hook,) = hooks.hooks_of(db, "stays")
    assert hook.disabled_reason is DisabledReason.HANDED_OVER
    factories.submit(db, owner_id="stays")
    assert outbox(db, webhook_id) == []


def test_what_nobody_signed_in_for_stays_as_it_is(db: Database) -> None:
    add(db)
    hand_over(db, from_owner=LOCAL_OWNER, to_owner="first")
    assert hooks.hooks_of(db, "first")[0].disabled_at is None
