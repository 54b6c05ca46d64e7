"""Who may use a job, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from shared import accounts, jobs
from shared.accounts import Person
from shared.accounts.groups.membership import visible_group
from shared.db import Database
from shared.errors import InvalidRequest, JobNotFound, TranscriptNotReady
from shared.models import GroupShare, Share, ShareLink, SharingEvent
from shared.sharing import (
    AccessLevel,
    job_access,
    links_of,
    make_link,
    open_link,
    received_jobs,
    share_job,
    shares_of,
    sharing_history,
    withdraw_share,
)
from shared.sharing import history as sharing_changes
from shared.sharing.errors import LinkNotFound, NobodyOfThatName, ShareNotFound
from shared.states import JobStatus
from shared.storage.blob_store import BlobStore
from tests.support import factories
from tests.support.databases.waiting import until_it_waits
from tests.support.people import a_person, an_admin, at_once, quick_hashes


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield


@pytest.fixture
def anna(db: Database) -> Person:
    return an_admin(db)


@pytest.fixture
def bo(db: Database, anna: Person) -> Person:
    return a_person(db, "Bo")


@pytest.fixture
def whose(db: Database, anna: Person) -> dict[str, str]:
    """A finished job of Anna's."""
    job_id = factories.a_job(db, JobStatus.COMPLETED, owner_id=anna.id)
    return {"owner_id": anna.id, "job_id": job_id}


def level(db: Database, person: Person, job_id: str) -> tuple[str, AccessLevel]:
    found = job_access(db, person_id=person.id, job_id=job_id)
    return found.owner_id, found.level


def test_a_share_is_made_changed_and_withdrawn(
    db: Database, anna: Person, bo: Person, whose: dict[str, str]
) -> None:
    job_id = whose["job_id"]
    assert level(db, bo, job_id) == (bo.id, AccessLevel.OWNER)  # of whatever is theirs
    share_job(db, **whose, name="ＢＯ ", level=AccessLevel.READ)
    assert level(db, bo, job_id) == (anna.id, AccessLevel.READ)
    share_job(db, **whose, name="bo", level=AccessLevel.CORRECT)
    share_job(db, **whose, name="bo", level=AccessLevel.CORRECT)  # repeated, which is no change
    assert level(db, bo, job_id) == (anna.id, AccessLevel.CORRECT)
    assert level(db, anna, job_id) == (anna.id, AccessLevel.OWNER)
    (share,) = shares_of(db, **whose)
    assert share.person_id == bo.id and share.opened_at is not None
    ([received], after) = received_jobs(db, person_id=bo.id, limit=1)
    assert (received.owner_name, received.level, after) == ("Anna", AccessLevel.CORRECT, None)
    with pytest.raises(JobNotFound):
        withdraw_share(db, owner_id=bo.id, job_id=job_id, share_id=share.id)
    withdraw_share(db, **whose, share_id=share.id)
    with pytest.raises(ShareNotFound):
        withdraw_share(db, **whose, share_id=share.id)
    assert level(db, bo, job_id) == (bo.id, AccessLevel.OWNER)
    kinds = [change.kind.value for change in sharing_history(db, **whose)]
    assert kinds == ["shared", "changed", "withdrawn"]


def test_only_its_owner_shares_it_and_not_with_themselves(
    db: Database, anna: Person, bo: Person, whose: dict[str, str]
) -> None:
    share_job(db, **whose, name="Bo", level=AccessLevel.CORRECT)
    theirs = {"owner_id": bo.id, "job_id": whose["job_id"]}
    with pytest.raises(JobNotFound):
        share_job(db, **theirs, name="Eve", level=AccessLevel.READ)
    for ask in (shares_of, links_of, sharing_history):
        with pytest.raises(JobNotFound):
            ask(db, **theirs)
    with pytest.raises(InvalidRequest):
        share_job(db, **whose, name="anna", level=AccessLevel.READ)
    with pytest.raises(InvalidRequest):
        share_job(db, **whose, name="Eve", level=AccessLevel.OWNER)
    with pytest.raises(NobodyOfThatName):
        share_job(db, **whose, name="Eve", level=AccessLevel.READ, tells_names=True)


def test_who_shares_with_a_name_twice_at_once_shares_once(
    db: Database, bo: Person, whose: dict[str, str]
) -> None:
    def share() -> None:
        share_job(db, **whose, name="Bo", level=AccessLevel.READ)

    assert at_once(share, share) == [None, None]
    assert len(shares_of(db, **whose)) == 1
    assert len(sharing_history(db, **whose)) == 1


def test_what_is_handed_over_is_no_longer_shared_with_its_new_owner(
    db: Database, anna: Person, bo: Person, whose: dict[str, str]
) -> None:
    eve = a_person(db, "Eve")
    for name in ("Bo", "Eve"):
        share_job(db, **whose, name=name, level=AccessLevel.READ)
    accounts.hand_over(db, from_owner=anna.id, to_owner=bo.id)
    assert level(db, bo, whose["job_id"]) == (bo.id, AccessLevel.OWNER)
    assert level(db, eve, whose["job_id"]) == (bo.id, AccessLevel.READ)
    shares = shares_of(db, owner_id=bo.id, job_id=whose["job_id"])
    assert [share.name for share in shares] == ["Eve"]


def test_everything_goes_with_the_job(db: Database, bo: Person, whose: dict[str, str]) -> None:
    share_job(db, **whose, name="Bo", level=AccessLevel.READ)
    token, _ = make_link(db, **whose, days=1, with_sound=False)
    jobs.delete(db, cast(BlobStore, factories.NotedDeletions()), **whose)
    assert [factories.count(db, table) for table in (Share, ShareLink, SharingEvent)] == [0] * 3
    with pytest.raises(LinkNotFound):
        open_link(db, token)


def test_a_link_opens_its_job_and_no_other_text_does(
    db: Database, anna: Person, whose: dict[str, str]
) -> None:
    token, link = make_link(db, **whose, name=" for  Eve ", days=2, with_sound=True, sentence=1)
    opened = open_link(db, token)
    assert (opened.job_id, opened.owner_id, opened.sentence) == (whose["job_id"], anna.id, 1)
    assert link.name == "for Eve"
    lasts_s = (link.expires_at - link.created_at).total_seconds()
    assert lasts_s == pytest.approx(2 * 24 * 3600, abs=30)  # each by the clock of its own moment
    for wrong in ("", token[:-1], token + "x", token.swapcase(), "\x00" * 43, "词" * 43):
        with pytest.raises(LinkNotFound):
            open_link(db, wrong)
    waiting = factories.submit(db, owner_id=anna.id)
    with pytest.raises(TranscriptNotReady):
        make_link(db, owner_id=anna.id, job_id=waiting, days=1, with_sound=False)


def test_of_very_many_changes_the_newest_are_kept(
    db: Database, bo: Person, whose: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing_changes, "KEPT_CHANGES", 3)
    for wanted in (AccessLevel.READ, AccessLevel.CORRECT) * 3:
        share_job(db, **whose, name="Bo", level=wanted)
    told = [change.detail["level"] for change in sharing_history(db, **whose)]
    assert told == ["correct", "read", "correct"]


def test_a_group_is_not_deleted_while_something_is_shared_with_it(
    db: Database, anna: Person, whose: dict[str, str]
) -> None:
    group = accounts.add_group(db, "Sales")
    with ThreadPoolExecutor(1) as other:
        with db.writing() as session:
            visible_group(session, anna.id, group.id)
            deleting = other.submit(accounts.delete_group, db, group.id)
            until_it_waits(session, deleting)
            session.add(GroupShare(job_id=whose["job_id"], group_id=group.id, level="read"))
        deleting.result()
    assert factories.count(db, GroupShare) == 0
