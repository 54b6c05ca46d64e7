"""Which delivery is sent next, and what is stored of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from shared import jobs
from shared.db import Database, database_now
from shared.models import LOCAL_OWNER, Webhook, WebhookDelivery
from shared.states import ChannelKind, JobStatus
from shared.webhooks import delivery_queue, hooks, log, outbox, retention
from shared.webhooks.delivery_queue import WAITS_S, Claim, Result, claim_next, store
from shared.webhooks.errors import (
    DeliveryNotFound,
    EarlierTestWaits,
    TooManyTests,
    WebhookDisabled,
)
from shared.webhooks.hooks import HookSettings
from shared.webhooks.types import DeliveryState, DisabledReason
from tests.database.webhooks.test_outbox import RULES, add
from tests.support import factories
from tests.support.people import at_once

DONE = Result(0.1, status_code=204)
REFUSED = Result(0.1, status_code=500, problem="refused", answer="no")
DAYS = 5 * 86400.0
ALL = frozenset(ChannelKind)


def claim(db: Database, **values: Any) -> Claim:
    found = claim_next(db, **{"lease_s": 60.0, **values})
    assert found is not None
    return found


def end(db: Database, claimed: Claim, result: Result = DONE) -> bool:
    return store(db, claimed, result, disable_after_s=DAYS)


def end_all(db: Database) -> None:
    while (claimed := claim_next(db, lease_s=60)) is not None:
        end(db, claimed)


def let_pass(db: Database, *, days: float = 0.0) -> None:
    """As if whatever is waited for had passed."""
    with db.writing() as session:
        session.execute(update(WebhookDelivery).values(due_at=database_now(-1)))
        session.execute(update(Webhook).values(paused_until=None))
        if days:
            session.execute(update(Webhook).values(failing_since=database_now(-days * 86400)))


def logged(db: Database, webhook_id: str) -> list[log.Delivery]:
    return log.deliveries_of(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id, most=100)


def test_events_of_a_job_go_out_in_order_and_each_once(db: Database) -> None:
    add(db)
    job_id = factories.a_job(db, JobStatus.COMPLETED)
    sent = []
    while (claimed := claim_next(db, lease_s=60)) is not None:
        assert claimed.job_id == job_id
        sent.append(claimed.type)
        end(db, claimed)
    assert sent == ["job.submitted", "job.started", "job.completed"]


def test_one_is_on_its_way_to_an_address_and_two_of_an_owner(db: Database) -> None:
    for _ in range(3):
        add(db)
    add(db, owner_id="another")
    factories.submit(db)
    factories.submit(db)
    factories.submit(db, owner_id="another")
    first, second, third = claim(db), claim(db), claim(db)
    assert len({first.webhook_id, second.webhook_id, third.webhook_id}) == 3
    assert sorted([first.owner_id, second.owner_id, third.owner_id]) == [
        "another", LOCAL_OWNER, LOCAL_OWNER,
    ]  # fmt: skip
    assert claim_next(db, lease_s=60) is None
    delivery_queue.release(db, first)
    assert claim_next(db, lease_s=60) is not None


def test_one_that_fails_holds_back_its_job_and_no_other(db: Database) -> None:
    webhook_id = add(db)
    first_job = factories.submit(db)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=first_job)
    other_job = factories.submit(db)
    failed = claim(db)
    assert (failed.job_id, failed.type) == (first_job, "job.submitted")
    end(db, failed, REFUSED)
    assert claim_next(db, lease_s=60) is None, "the address gets a pause"
    with db.writing() as session:
        session.execute(update(Webhook).values(paused_until=None))
    next_one = claim(db)
    assert (next_one.job_id, next_one.type) == (other_job, "job.submitted")
    end(db, next_one)
    assert claim_next(db, lease_s=60) is None
    let_pass(db)
    again = claim(db)
    assert (again.message_id, again.attempts) == (failed.message_id, 1)
    end(db, again)
    assert claim(db).type == "job.cancelled"
    assert logged(db, webhook_id)[-1].state is DeliveryState.DELIVERED


def test_a_sender_that_was_killed_leaves_it_to_another_under_the_same_id(db: Database) -> None:
    webhook_id = add(db)
    factories.submit(db)
    killed = claim(db, lease_s=-1.0)
    second = claim(db)
    assert second.message_id == killed.message_id
    end(db, killed, REFUSED)  # too late: nothing of it is stored
    assert logged(db, webhook_id)[0].attempts == 0
    end(db, second)
    assert logged(db, webhook_id)[0].state is DeliveryState.DELIVERED
    assert claim_next(db, lease_s=60) is None


def test_a_success_counts_whoever_has_the_lease_by_now(db: Database) -> None:
    webhook_id = add(db)
    factories.submit(db)
    first = claim(db, lease_s=-1.0)
    second = claim(db)
    end(db, first)
    assert logged(db, webhook_id)[0].state is DeliveryState.DELIVERED
    end(db, second, REFUSED)
    assert logged(db, webhook_id)[0].state is DeliveryState.DELIVERED


def test_waits_grow_over_more_than_a_day_and_then_it_is_given_up(db: Database) -> None:
    assert sum(WAITS_S) > 86400 and list(WAITS_S) == sorted(WAITS_S)
    webhook_id = add(db)
    factories.submit(db)
    waits = []
    for _ in WAITS_S:
        end(db, claim(db), REFUSED)
        shown = logged(db, webhook_id)[0]
        assert shown.due_at is not None and shown.tried_at is not None
        waits.append((shown.due_at - shown.tried_at).total_seconds())
        let_pass(db)
    assert waits == pytest.approx(list(WAITS_S), rel=0.11, abs=1)
    end(db, claim(db), REFUSED)
    shown = logged(db, webhook_id)[0]
    assert (shown.state, shown.attempts) == (DeliveryState.FAILED, len(WAITS_S) + 1)
    assert (shown.status_code, shown.problem, shown.answer) == (500, "refused", "no")
    let_pass(db)
    assert claim_next(db, lease_s=60) is None


def test_after_an_outage_what_waits_for_hours_goes_out_at_once(db: Database) -> None:
    add(db)
    for _ in range(4):
        factories.submit(db)
    for _ in range(3):
        end(db, claim(db), replace(REFUSED, retry_after_s=3600.0))
        with db.writing() as session:
            session.execute(update(Webhook).values(paused_until=None))
    end(db, claim(db))
    for _ in range(3):
        end(db, claim(db))
    assert claim_next(db, lease_s=60) is None


def test_one_that_stalls_may_not_take_what_is_kept_for_the_quick(db: Database) -> None:
    slow, quick = add(db), add(db, owner_id="another")
    factories.submit(db)
    factories.submit(db, owner_id="another")
    assert claim_next(db, lease_s=60, quick_only=True) is None, "nobody has shown it yet"
    for _ in range(2):
        claimed = claim(db)
        end(db, claimed, Result(14.0 if claimed.webhook_id == slow else 0.1, status_code=200))
    factories.submit(db)
    factories.submit(db, owner_id="another")
    assert claim(db, quick_only=True).webhook_id == quick
    assert claim_next(db, lease_s=60, quick_only=True) is None
    assert claim(db).webhook_id == slow


def test_switched_off_after_days_without_a_success(db: Database) -> None:
    webhook_id = add(db)
    factories.submit(db)
    assert not end(db, claim(db), REFUSED)
    let_pass(db, days=6)
    assert not end(db, claim(db), REFUSED), "two are too few to tell"
    let_pass(db)
    assert end(db, claim(db), REFUSED)
    hook = hooks.get_hook(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id)
    assert hook.disabled_reason is DisabledReason.FAILING
    let_pass(db)
    assert claim_next(db, lease_s=60) is None
    with pytest.raises(WebhookDisabled):
        hooks.send_test(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id)
    hooks.change_hook(
        db,
        RULES,
        owner_id=LOCAL_OWNER,
        webhook_id=webhook_id,
        wanted=HookSettings("https://example.org/other"),
        enabled=True,
        site_url="https://here.example",
    )
    end(db, claim(db))
    hook = hooks.get_hook(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id)
    assert (hook.disabled_at, hook.failing_since) == (None, None)


def test_gone_is_gone(db: Database) -> None:
    webhook_id = add(db)
    factories.submit(db)
    assert end(db, claim(db), replace(REFUSED, status_code=410, is_gone=True))
    hook = hooks.get_hook(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id)
    assert hook.disabled_reason is DisabledReason.GONE


def test_a_test_goes_out_once_and_counts_for_nothing(db: Database) -> None:
    webhook_id = add(db)
    hooks.send_test(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id)
    end(db, claim(db), REFUSED)
    (shown,) = logged(db, webhook_id)
    assert (shown.type, shown.state) == ("webhook.test", DeliveryState.FAILED)
    assert hooks.get_hook(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id).failing_since is None


def test_one_test_waits_at_a_time_and_no_more_go_out_than_allowed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_TESTS_AN_HOUR", 2)
    webhook_id, other = add(db), add(db)
    test = partial(hooks.send_test, db, owner_id=LOCAL_OWNER, webhook_id=webhook_id)
    factories.submit(db)  # an event of a job that waits is no test
    asked = at_once(test, test)
    assert sorted(isinstance(one, EarlierTestWaits) for one in asked) == [False, True]
    hooks.send_test(db, owner_id=LOCAL_OWNER, webhook_id=other)
    end_all(db)
    test()
    end_all(db)
    with pytest.raises(TooManyTests):
        test()
    assert [one.type for one in logged(db, webhook_id)].count("webhook.test") == 2
    with db.writing() as session:
        session.execute(update(WebhookDelivery).values(at=database_now(-3601)))
    test()


def test_sent_again_it_has_the_id_that_it_had(db: Database) -> None:
    webhook_id = add(db)
    factories.submit(db)
    first = claim(db)
    end(db, first)
    of_hook: dict[str, Any] = {"owner_id": LOCAL_OWNER, "webhook_id": webhook_id}
    hooks.send_again(db, **of_hook, delivery_id=first.delivery_id)
    again = claim(db)
    assert again.message_id == first.message_id
    with pytest.raises(DeliveryNotFound):
        hooks.send_again(db, **of_hook, delivery_id=10_000)


def test_what_cannot_be_read_of_a_delivery_holds_up_no_other(db: Database) -> None:
    for owner_id in ("another", LOCAL_OWNER):
        add(db, owner_id=owner_id)
        factories.submit(db, owner_id=owner_id)
    with db.writing() as session:
        broken = select(Webhook.id).where(Webhook.owner_id == "another").scalar_subquery()
        rows = update(WebhookDelivery).where(WebhookDelivery.webhook_id == broken)
        session.execute(rows.values(detail=["of another version"]))
    claimed = [claim(db), claim(db)]
    assert [(one.owner_id, one.detail) for one in claimed] == [("another", {}), (LOCAL_OWNER, {})]


def test_both_secrets_sign_for_a_while(db: Database) -> None:
    webhook_id = add(db)
    factories.submit(db)
    secret = hooks.replace_secret(db, owner_id=LOCAL_OWNER, webhook_id=webhook_id)
    claimed = claim(db)
    assert len(claimed.secrets) == 2 and claimed.secrets[0] == secret
    delivery_queue.release(db, claimed)
    with db.writing() as session:
        session.execute(update(Webhook).values(previous_secret_until=database_now(-1)))
    assert claim(db).secrets == (secret,)


def test_the_log_is_kept_for_a_while(db: Database) -> None:
    webhook_id = add(db)
    for _ in range(3):
        factories.submit(db)
    end(db, claim(db))
    assert retention.sweep(db, sent=ALL) == 0
    with db.writing() as session:
        session.execute(update(WebhookDelivery).values(ended_at=database_now(-15 * 86400)))
    assert retention.sweep(db, sent=ALL) == 1, "what waits is not ended"
    assert len(logged(db, webhook_id)) == 2
    with db.writing() as session:
        session.execute(update(WebhookDelivery).values(webhook_id="of nobody any more"))
    assert retention.sweep(db, sent=ALL) == 2
    with db.reading() as session:
        assert session.scalars(select(WebhookDelivery.id)).all() == []


def test_what_waits_is_kept_for_whom_it_will_be_sent_to_however_long_no_worker_ran(
    db: Database,
) -> None:
    for owner_id in (LOCAL_OWNER, "another"):
        add(db, owner_id=owner_id)
        factories.submit(db, owner_id=owner_id)
    with db.writing() as session:
        session.execute(update(WebhookDelivery).values(due_at=database_now(-15 * 86400)))
        off = update(Webhook).where(Webhook.owner_id == "another")
        session.execute(off.values(disabled_at=database_now()))
    assert retention.sweep(db, sent=ALL) == 1
    assert claim(db).owner_id == LOCAL_OWNER
    assert retention.sweep(db, sent=ALL - {ChannelKind.WEBHOOK}) == 1
