"""The audit log holds what happened and nothing else, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from shared import accounts, audit, jobs
from shared.accounts.errors import LastAdministrator, TooManyAttempts, WrongPassword
from shared.audit import Actor, AuditFilter, Means
from shared.db import Database, database_now
from shared.models import AuditEntry
from shared.outbound.addresses import AddressRules
from shared.sharing import AccessLevel, make_link, share_job, shares_of, withdraw_share
from shared.states import JobStatus
from shared.webhooks import hooks
from shared.webhooks.hooks import HookSettings
from shared.webhooks.types import DisabledReason
from shared.words import hotwords
from shared.words.hotwords import replace_list
from shared.words.replacements import lists
from shared.words.replacements.pairs import Pair
from tests.support import factories
from tests.support.people import PASSWORD, a_person, an_admin, enter, quick_hashes

SECRETS = ("lsk_", "whsec_", PASSWORD, "another password", "Bo", "a wish", "hook.example")


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield
    audit.let_act(audit.SERVER)


def acts(db: Database, **wanted: Any) -> list[str]:
    """What is recorded, oldest first."""
    return [one.act for one in reversed(audit.page_of(db, AuditFilter(**wanted), most=100)[0])]


def test_each_act_is_recorded_with_who_and_from_where_and_no_secret(db: Database) -> None:
    anna = an_admin(db)
    bo = a_person(db)
    key = accounts.make_key(db, user_id=anna.id, name="a wish")
    (kept,) = accounts.keys_of(db, anna.id)
    audit.let_act(
        Actor(
            Means.API_KEY,
            anna.id,
            key_sha256=accounts.key_credential(key).sha256,
            address="192.0.2.7",
            request_id="r-1",
        )
    )
    accounts.set_monthly_quota(db, bo.id, 3600.0)
    accounts.reset_password(db, bo.id, "another password")
    accounts.set_admin(db, bo.id, True)
    accounts.set_admin(db, bo.id, True)  # it is one already
    job_id = factories.a_job(db, JobStatus.COMPLETED, owner_id=anna.id)
    whose = {"owner_id": anna.id, "job_id": job_id}
    share_job(db, **whose, name="Bo", level=AccessLevel.READ)
    withdraw_share(db, **whose, share_id=shares_of(db, **whose)[0].id)
    make_link(db, **whose, days=1, with_sound=True, name="for Bo")
    wanted = HookSettings("https://hook.example/a")
    hook, _ = hooks.add_hook(db, AddressRules(), owner_id=bo.id, wanted=wanted, site_url="")
    jobs.delete(db, factories.NotedDeletions(), **whose)
    accounts.disable(db, bo.id)
    accounts.revoke_key(db, user_id=anna.id, key_id=kept.id)
    assert acts(db) == [
        "account.added", "account.added", "key.made",
        "account.quota_set", "account.password_reset", "account.made_admin",
        "job.shared", "job.share_withdrawn", "job.link_made", "webhook.added", "job.deleted",
        "account.disabled", "key.revoked",
    ]  # fmt: skip
    newest = audit.page_of(db, AuditFilter(), most=1)[0][0]
    assert (newest.actor_name, newest.key_id, newest.key_name) == ("Anna", kept.id, "a wish")
    assert (newest.address, newest.request_id, newest.means) == ("192.0.2.7", "r-1", "api_key")
    assert "job.shared" in acts(db, account_id=bo.id)
    assert "job.deleted" not in acts(db, account_id=bo.id)
    assert acts(db, kind="webhook") == acts(db, kind="webhook.added") == ["webhook.added"]
    with db.reading() as session:
        stored = session.execute(select(AuditEntry.__table__)).all()
        text = json.dumps([tuple(row) for row in stored], default=str)
    assert not [secret for secret in SECRETS if secret in text]
    (switched_off,) = hooks.hooks_of(db, bo.id)
    assert switched_off.disabled_reason is DisabledReason.ACCOUNT_DISABLED
    factories.submit(db, owner_id=bo.id)
    assert hook.id == switched_off.id and hooks.hooks_of(db, bo.id)[0].disabled_at


def test_changes_of_everybodys_lists_are_recorded_with_their_numbers(db: Database) -> None:
    anna = an_admin(db)
    audit.let_act(Actor(Means.SESSION, anna.id))
    for words in (("集群", "网关"), ("集群", "达摩院"), ("集群", "达摩院")):
        replace_list(db, hotwords.EVERYBODY, words, editor_id=anna.id)
    replace_list(db, anna.id, ("自己",), editor_id=anna.id)
    lists.put(db, lists.EVERYBODY, [Pair("甲", "1"), Pair("乙", "1")], only=True)
    pair = lists.add(db, lists.EVERYBODY, wrong="甲", right="2")
    lists.add(db, lists.EVERYBODY, wrong="甲", right="2")  # it stands already
    lists.remove(db, lists.EVERYBODY, pair.id)
    lists.put(db, anna.id, [Pair("甲", "1")], only=True)
    entries, _ = audit.page_of(db, AuditFilter(kind="words"), most=100)
    assert [(one.act, one.detail) for one in reversed(entries)] == [
        ("words.hotwords_changed", {"added": 2, "removed": 0}),
        ("words.hotwords_changed", {"added": 1, "removed": 1}),
        ("words.pairs_changed", {"added": 2, "removed": 0}),
        ("words.pairs_changed", {"added": 1, "removed": 1}),
        ("words.pairs_changed", {"added": 0, "removed": 1}),
    ]
    assert {(one.actor_id, one.object_id) for one in entries} == {(anna.id, None)}


def test_what_does_not_happen_is_not_recorded(db: Database) -> None:
    anna = an_admin(db)
    with pytest.raises(LastAdministrator):
        accounts.disable(db, anna.id)
    with pytest.raises(RuntimeError), db.writing() as session:
        audit.record(session, audit.Act.KEY_MADE)
        raise RuntimeError
    assert acts(db) == ["account.added"]


def test_sign_ins_are_recorded_whatever_comes_of_them(db: Database) -> None:
    anna = an_admin(db)
    accounts.end(db, enter(db))
    accounts.end(db, "none")
    for name in ("Anna", "nobody", "Anna", "Anna"):
        with pytest.raises(WrongPassword):
            enter(db, name, "wrong")
    for _ in range(3):
        with pytest.raises(TooManyAttempts):
            enter(db)
    accounts.end_all(db, anna.id)
    refused = ["sign_in.refused"] * 4
    assert acts(db, kind="sign_in") == [
        "sign_in.accepted", "sign_in.ended", *refused, "sign_in.limited", "sign_in.all_ended"
    ]  # fmt: skip
    found = audit.page_of(db, AuditFilter(kind="sign_in.refused"), most=9)[0]
    assert [one.subject_name for one in reversed(found)] == ["Anna", None, "Anna", "Anna"]
    first, before = audit.page_of(db, AuditFilter(kind="sign_in"), most=5)
    rest, end = audit.page_of(db, AuditFilter(kind="sign_in"), most=5, before=before)
    told = [one.act for one in (*first, *rest)]
    assert told == acts(db, kind="sign_in")[::-1] and len(first) == 5 and end is None
    assert acts(db, kind="sign_in", account_id=anna.id) == [
        "sign_in.accepted", "sign_in.ended", *refused[:3], "sign_in.all_ended"
    ]  # fmt: skip
    assert acts(db, kind="nothing") == []


def test_an_entry_whose_detail_cannot_be_read_fails_no_page(db: Database) -> None:
    an_admin(db)
    told = acts(db)
    with db.writing() as session:
        session.execute(update(AuditEntry).values(detail=["of another version"]))
    assert acts(db) == told != []


def test_entries_end_after_their_time(db: Database) -> None:
    an_admin(db)
    enter(db)
    with db.writing() as session:
        old = update(AuditEntry).where(AuditEntry.act == "account.added")
        session.execute(old.values(at=database_now(-3600)))
    assert audit.forget(db, kept_s=60.0) == 1
    assert audit.forget(db, kept_s=60.0) == 0
    assert acts(db) == ["sign_in.accepted"]
