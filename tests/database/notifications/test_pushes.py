"""Pushes by a real push service on loopback, opened with the browser's keys by another's code."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from sqlalchemy import select, update

from shared import accounts
from shared.accounts.credentials import digest
from shared.accounts.handing_over.ownership import hand_over
from shared.db import Database, database_now
from shared.models import LOCAL_OWNER, AuditEntry, SignIn, Webhook, WebhookDelivery
from shared.notifications import push
from shared.notifications.errors import TooManyBrowsers, UnusableSubscription
from shared.notifications.forget_channels import forget_signed_out
from shared.notifications.vapid import application_server_key, from_base64url
from shared.outbound.addresses import AddressRules
from shared.outbound.errors import AddressRefused, PlainHttpRefused
from shared.settings import Settings
from shared.states import ChannelKind, JobStatus
from shared.webhooks import hooks
from shared.webhooks.delivery_queue import Result, claim_next, store
from shared.webhooks.errors import WebhookNotFound
from tests.database.webhooks.test_delivery_queue import let_pass
from tests.support import factories
from tests.support.databases.waiting import counting_at_once
from tests.support.doubles.receiver import LOOPBACK, Received, answering, receiver
from tests.support.notifications import a_browser, a_device, end
from tests.support.people import a_person, an_admin, at_once, quick_hashes
from tests.support.stack import wait_for
from worker.webhooks.delivery_threads import WebhookSender

SETTINGS = Settings(
    outbound_networks=LOOPBACK,
    outbound_http="allowed",
    sweep_s=0.2,
    push_contact="mailto:ops@example.org",
)
OPEN = SETTINGS.outbound_rules


@contextmanager
def sending(db: Database) -> Iterator[WebhookSender]:
    sender = WebhookSender(SETTINGS, db)
    sender.start()
    try:
        yield sender
    finally:
        end(sender)


def require_vapid(db: Database, came: Received, origin: str) -> dict[str, Any]:
    """The claims of a push, after its signature was checked with the key that browsers are told."""
    scheme, _, rest = came.headers["Authorization"].partition(" ")
    given = dict(one.strip().split("=", 1) for one in rest.split(","))
    assert (scheme, given["k"]) == ("vapid", application_server_key(db))
    signed, _, signature = given["t"].rpartition(".")
    raw = from_base64url(signature)
    numbers = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(given["k"]))
    key.verify(encode_dss_signature(*numbers), signed.encode(), ec.ECDSA(hashes.SHA256()))
    claims: dict[str, Any] = json.loads(from_base64url(signed.split(".")[1]))
    assert claims["aud"] == origin
    return claims


def test_the_end_of_a_job_is_read_by_the_browser_alone(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    device = a_device()
    with receiver() as there, sending(db):
        a_browser(db, LOCAL_OWNER, there.url, device=device, rules=OPEN, language="zh")
        job_id = factories.a_job(db, JobStatus.COMPLETED)
        wait_for(lambda: len(there.received) == 1, what="the push")
        (came,) = there.received
        assert json.loads(device.read(came.body)) == {"title": "转写完成：会议", "job": job_id}
        assert "会议".encode() not in came.body
        claims = require_vapid(db, came, there.url.removesuffix("/hook"))
        assert claims["sub"] == "mailto:ops@example.org"
        assert (came.headers["Content-Encoding"], came.headers["TTL"]) == ("aes128gcm", "86400")
        wait_for(lambda: [one.state for one in deliveries(db)] == ["delivered"], what="its success")
        (browser,) = push.browsers_of(db, LOCAL_OWNER)
        push.send_test(db, owner_id=LOCAL_OWNER, browser_id=browser.id)
        wait_for(lambda: len(there.received) == 2, what="the test")
        assert json.loads(device.read(there.received[1].body))["job"] is None
    db.dispose()


def deliveries(db: Database) -> list[WebhookDelivery]:
    with db.reading() as session:
        return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))


def test_one_that_fails_is_sent_again_and_one_that_is_gone_removed(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    with receiver(answering(503), answering(201), answering(410)) as there, sending(db):
        a_browser(db, LOCAL_OWNER, there.url, rules=OPEN)
        factories.a_job(db, JobStatus.COMPLETED)
        wait_for(lambda: deliveries(db)[0].attempts == 1, what="the first attempt")
        assert push.browsers_of(db, LOCAL_OWNER)[0].failing_since is not None
        let_pass(db)
        wait_for(lambda: deliveries(db)[0].state == "delivered", what="the second")
        topics = {came.headers["Topic"] for came in there.received}
        assert len(topics) == 1, "a push service keeps one of the two"
        factories.a_job(db, JobStatus.FAILED)
        wait_for(lambda: push.browsers_of(db, LOCAL_OWNER) == [], what="it to be gone")
        factories.a_job(db, JobStatus.FAILED)
        assert len(deliveries(db)) == 2
    db.dispose()


def test_a_browser_is_told_while_its_person_is_signed_in_there(db: Database) -> None:
    with quick_hashes():
        ann, bo = an_admin(db), a_person(db)
    token = accounts.begin(db, ann.id)
    a_browser(db, ann.id, sign_in_sha256=digest(token))
    assert hooks.hooks_of(db, ann.id) == [], "it is no webhook"
    factories.a_job(db, JobStatus.COMPLETED, owner_id=ann.id)
    accounts.end(db, token)
    assert push.browsers_of(db, ann.id) == []
    assert claim_next(db, lease_s=60) is None
    with db.reading() as session:
        assert session.scalars(select(Webhook)).all() == []
    here = a_browser(db, ann.id)
    assert [one.id for one in push.browsers_of(db, ann.id)] == [here.id]
    with pytest.raises(WebhookNotFound):
        push.remove_browser(db, owner_id=bo.id, browser_id=here.id)
    a_browser(db, bo.id)
    assert push.browsers_of(db, ann.id) == [], "the next who sits there takes it over"
    hand_over(db, from_owner=bo.id, to_owner=ann.id)
    assert push.browsers_of(db, ann.id) == push.browsers_of(db, bo.id) == []


def test_a_browser_told_anew_still_gets_what_waited(db: Database) -> None:
    with quick_hashes():
        ann = an_admin(db)
    first, second = (accounts.begin(db, ann.id) for _ in range(2))
    before = a_browser(db, ann.id, sign_in_sha256=digest(first))
    factories.a_job(db, JobStatus.COMPLETED, owner_id=ann.id)
    device = a_device()
    after = a_browser(db, ann.id, device=device, sign_in_sha256=digest(second), language="zh")
    assert after.id == before.id
    accounts.end(db, first)
    claim = claim_next(db, lease_s=60)
    assert claim is not None and claim.language == "zh"
    assert claim.push_keys["p256dh"] == device.subscription("").p256dh
    with db.reading() as session:
        acts = session.scalars(select(AuditEntry.act)).all()
    assert acts.count("notification.browser_added") == 1


def test_a_browser_told_anew_begins_anew_whatever_failed_before(db: Database) -> None:
    a_browser(db, LOCAL_OWNER)
    for _ in range(2):
        factories.a_job(db, JobStatus.COMPLETED)
    first = claim_next(db, lease_s=60)
    assert first is not None
    store(db, first, Result(0.1, 403, "refused"), disable_after_s=60)
    assert claim_next(db, lease_s=60) is None, "it is paused"
    device = a_device()
    assert a_browser(db, LOCAL_OWNER, device=device).failing_since is None
    again = claim_next(db, lease_s=60)
    assert again is not None and again.delivery_id == first.delivery_id
    assert again.push_keys["p256dh"] == device.subscription("").p256dh

    a_browser(db, LOCAL_OWNER, device=a_device())  # while that is under way, with keys of before
    store(db, again, Result(0.1, 403, "refused"), disable_after_s=60)
    assert claim_next(db, lease_s=60) is not None
    (browser,) = push.browsers_of(db, LOCAL_OWNER)
    assert browser.failing_since is None


def test_a_test_that_finds_no_browser_removes_it(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    browser = a_browser(db, LOCAL_OWNER)
    for result, left in (
        (Result(0.1, 500, "refused"), 1),
        (Result(0.1, 410, "refused", is_gone=True), 0),
    ):
        push.send_test(db, owner_id=LOCAL_OWNER, browser_id=browser.id)
        claim = claim_next(db, lease_s=60)
        assert claim is not None
        store(db, claim, result, disable_after_s=60)
        assert len(push.browsers_of(db, LOCAL_OWNER)) == left
    db.dispose()


def test_browsers_go_with_the_sign_in_though_nothing_is_to_be_told_in_them(db: Database) -> None:
    with quick_hashes():
        ann = an_admin(db)
    tokens = [accounts.begin(db, ann.id) for _ in range(2)]
    for n, token in enumerate(tokens):
        a_browser(db, ann.id, f"https://push.example/{n}", sign_in_sha256=digest(token))
    a_browser(db, LOCAL_OWNER, "https://push.example/without")
    accounts.end(db, tokens[0])
    forget_signed_out(db)
    with db.reading() as session:
        left = session.scalars(select(Webhook.url).order_by(Webhook.id)).all()
    assert left == ["https://push.example/1", "https://push.example/without"]


def test_added_at_the_same_moment_there_are_no_more_browsers_than_allowed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "MOST_BROWSERS", 1)
    browsers = [partial(a_browser, db, LOCAL_OWNER, f"https://push.example/{n}") for n in range(2)]
    with counting_at_once(db, "webhooks"):
        added = at_once(*browsers)
    assert sorted(isinstance(one, TooManyBrowsers) for one in added) == [False, True]


def test_nothing_is_told_once_the_time_of_a_sign_in_is_over(db: Database) -> None:
    with quick_hashes():
        ann = an_admin(db)
    a_browser(db, ann.id, sign_in_sha256=digest(accounts.begin(db, ann.id)))
    factories.a_job(db, JobStatus.COMPLETED, owner_id=ann.id)
    assert accounts.forget_over(db, accounts.SessionLimits(idle_s=60, lifetime_s=60)) == 0
    with db.writing() as session:
        session.execute(update(SignIn).values(seen_at=database_now(-61)))
    assert accounts.forget_over(db, accounts.SessionLimits(idle_s=60, lifetime_s=600)) == 1
    assert push.browsers_of(db, ann.id) == []
    assert claim_next(db, lease_s=60) is None


def test_what_is_given_is_bounded_and_leads_to_no_private_address(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    for endpoint, error in (
        ("https://169.254.169.254/", AddressRefused),
        ("http://push.example/", PlainHttpRefused),
    ):
        with pytest.raises(error):
            a_browser(db, LOCAL_OWNER, endpoint)
    right = a_device().subscription("https://push.example/")
    off_the_curve = base64.urlsafe_b64encode(b"\4" + b"\1" * 64).decode()
    for p256dh, auth in (
        ("", right.auth),
        ("ä", right.auth),
        (off_the_curve, right.auth),
        (right.p256dh, "YQ"),
    ):
        with pytest.raises(UnusableSubscription):
            push.Subscription(right.endpoint, p256dh, auth).require_usable(AddressRules())
    for n in range(push.MOST_BROWSERS):
        a_browser(db, LOCAL_OWNER, f"https://push.example/{n}")
    with pytest.raises(TooManyBrowsers):
        a_browser(db, LOCAL_OWNER, "https://push.example/more")
    factories.a_job(db, JobStatus.COMPLETED)
    assert claim_next(db, lease_s=60, kinds=[ChannelKind.WEBHOOK, ChannelKind.MAIL]) is None
    assert claim_next(db, lease_s=60, kinds=[ChannelKind.PUSH]) is not None, "something was due"
    db.dispose()
