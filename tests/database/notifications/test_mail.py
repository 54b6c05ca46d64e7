"""An account's mail address: confirmed first, told of ends, and gone with its account."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from shared.accounts.handing_over.ownership import hand_over
from shared.db import Database, database_now
from shared.models import LOCAL_OWNER, AuditEntry, Webhook, WebhookDelivery
from shared.notifications import mail_address
from shared.notifications.errors import (
    TooManyConfirmations,
    UnusableMailAddress,
    WrongConfirmation,
)
from shared.states import JobStatus
from shared.webhooks import hooks
from shared.webhooks.delivery_queue import Result, claim_next, store
from shared.webhooks.types import WebhookType
from tests.support import factories
from tests.support.notifications import confirmation_token, confirmed

ANN = "ann@example.org"


def waiting(db: Database) -> list[str]:
    with db.reading() as session:
        rows = select(WebhookDelivery.type).where(WebhookDelivery.state == "waiting")
        return list(session.scalars(rows.order_by(WebhookDelivery.id)))


def test_nothing_is_told_to_an_address_before_its_link_was_opened(db: Database) -> None:
    token = confirmation_token(db, LOCAL_OWNER, ANN)
    factories.a_job(db, JobStatus.COMPLETED)
    assert waiting(db) == ["mail.confirm"]
    with pytest.raises(WrongConfirmation):
        mail_address.confirm(db, owner_id="another", token=token)
    with pytest.raises(WrongConfirmation):
        mail_address.confirm(db, owner_id=LOCAL_OWNER, token="")
    assert mail_address.confirm(db, owner_id=LOCAL_OWNER, token=token) == ANN
    factories.a_job(db, JobStatus.COMPLETED)
    factories.a_job(db, JobStatus.FAILED)
    factories.a_job(db, JobStatus.CANCELLED)
    assert waiting(db) == ["mail.confirm", "job.completed", "job.failed"]
    assert hooks.hooks_of(db, LOCAL_OWNER) == [], "it is no webhook"


def test_another_address_is_confirmed_anew_and_gets_nothing_of_the_first(db: Database) -> None:
    old = confirmation_token(db, LOCAL_OWNER, ANN)
    mail_address.confirm(db, owner_id=LOCAL_OWNER, token=old)
    factories.a_job(db, JobStatus.COMPLETED)
    new = confirmation_token(db, LOCAL_OWNER, "bo@example.org")
    assert waiting(db) == ["mail.confirm"]
    shown = mail_address.mail_of(db, LOCAL_OWNER)
    assert shown is not None and not shown.is_confirmed
    with pytest.raises(WrongConfirmation):
        mail_address.confirm(db, owner_id=LOCAL_OWNER, token=old)
    assert mail_address.confirm(db, owner_id=LOCAL_OWNER, token=new) == "bo@example.org"
    with db.writing() as session:
        session.execute(
            update(WebhookDelivery).values(at=database_now(-mail_address.CONFIRMED_WITHIN_S))
        )
    with pytest.raises(WrongConfirmation):
        mail_address.confirm(db, owner_id=LOCAL_OWNER, token=new)


@pytest.mark.parametrize("is_another", [True, False])
def test_a_late_answer_says_nothing_of_an_address_given_meanwhile(
    db: Database, is_another: bool
) -> None:
    confirmation_token(db, LOCAL_OWNER, ANN)
    claim = claim_next(db, lease_s=60)
    assert claim is not None
    if is_another:
        confirmation_token(db, LOCAL_OWNER, "bo@example.org")
    else:
        mail_address.remove_mail(db, owner_id=LOCAL_OWNER)
    store(db, claim, Result(1.0, 550, "no_such_mailbox", is_gone=True), disable_after_s=60)
    with db.reading() as session:
        assert session.scalars(select(Webhook.disabled_at)).one() is None
    again = claim_next(db, lease_s=60)
    assert (again is not None and again.url == "bo@example.org") is is_another


def test_links_are_few_a_day_however_addresses_change(db: Database) -> None:
    for n in range(mail_address.MOST_CONFIRMATIONS):
        confirmation_token(db, LOCAL_OWNER, f"ann{n}@example.org")
        mail_address.remove_mail(db, owner_id=LOCAL_OWNER)
        assert mail_address.mail_of(db, LOCAL_OWNER) is None
    with pytest.raises(TooManyConfirmations):
        confirmation_token(db, LOCAL_OWNER, ANN)
    assert mail_address.mail_of(db, LOCAL_OWNER) is None, "nothing of it is stored"
    assert waiting(db) == []
    confirmation_token(db, "another", ANN)


def test_what_is_told_is_chosen_and_saved_without_another_link(db: Database) -> None:
    confirmed(db, LOCAL_OWNER, ANN)
    for types in ([WebhookType.FAILED], []):
        assert not mail_address.set_mail(
            db, owner_id=LOCAL_OWNER, address=ANN, types=types, language="zh", site_url="https://x"
        )
        factories.a_job(db, JobStatus.COMPLETED)
        factories.a_job(db, JobStatus.FAILED)
    assert waiting(db) == ["mail.confirm", "job.failed"]


def test_the_audit_log_says_when_an_address_changed(db: Database) -> None:
    confirmed(db, "ann", ANN)
    confirmation_token(db, "ann", "ann.lee@example.org")
    mail_address.remove_mail(db, owner_id="ann")
    with db.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [one.act.removeprefix("notification.") for one in entries] == [
        "mail_set", "mail_confirmed", "mail_set", "mail_removed",
    ]  # fmt: skip
    assert {one.subject_id for one in entries} == {"ann"}


def test_an_address_goes_with_whoever_gave_it(db: Database) -> None:
    confirmed(db, "first", ANN)
    confirmed(db, "second", "bo@example.org")
    hand_over(db, from_owner="first", to_owner="second")
    shown = mail_address.mail_of(db, "second")
    assert shown is not None and shown.address == "bo@example.org"
    confirmed(db, LOCAL_OWNER, ANN)
    hand_over(db, from_owner=LOCAL_OWNER, to_owner="first")
    assert mail_address.mail_of(db, "first") is not None, "nobody else's"
    confirmed(db, LOCAL_OWNER, ANN)
    hand_over(db, from_owner=LOCAL_OWNER, to_owner="second")
    with db.reading() as session:
        assert len(session.scalars(select(Webhook)).all()) == 2


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (" Ann.Lee+x@Example.ORG ", "Ann.Lee+x@example.org"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann", None),
        ("@example.org", None),
        ("ann@localhost", None),
        ("ann@127.0.0.1", None),
        ("ann@example.org\r\nBcc: bo@example.org", None),
        ("ann@example.org, bo@example.org", None),
        ('"a b"@example.org', None),
        ("安@example.org", None),
        ("=?utf-8?q?a=40b.org=2Cc=40d.org=2Ce?=@example.org", None),
        ("=?utf-8?q?a=0D=0ABcc=3A?=@example.org", None),
        ("ann@example..org", None),
        (f"ann@{'a' * 300}.org", None),
    ],
)
def test_only_what_is_an_address_is_taken(given: str, stored: str | None) -> None:
    if stored is None:
        with pytest.raises(UnusableMailAddress):
            mail_address.read_address(given)
    else:
        assert mail_address.read_address(given) == stored
