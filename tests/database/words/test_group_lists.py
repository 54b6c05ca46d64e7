"""The lists of words that a group shares, in jobs of its members."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import accounts, jobs
from shared.accounts.groups.membership import _delete
from shared.db import Database
from shared.errors import PermanentError
from shared.jobs.deletion.delete import _delete_rows
from shared.models import HotwordSet, JobGroupReplacements, Replacement, ReplacementList
from shared.words.hotwords import EVERYBODY, LISTS_OPTION, read_list, replace_list
from shared.words.replacements import lists
from shared.words.replacements.job_replacements import replacements_of
from shared.words.replacements.pairs import Pair
from tests.support import factories
from tests.support.databases.waiting import until_it_waits
from tests.support.people import a_person


@pytest.fixture
def bo(db: Database) -> str:
    return a_person(db, "Bo").id


def a_group(db: Database, name: str, *members: str) -> str:
    made = accounts.add_group(db, name).id
    for member in members:
        accounts.add_member(db, made, member)
    return made


def text_of(db: Database, job_id: str, text: str) -> str:
    with db.reading() as session:
        return replacements_of(session, job_id).apply(text)


def given(db: Database, bo: str, job_id: str) -> jobs.GivenWords:
    return jobs.get_hotwords(db, owner_id=bo, job_id=job_id)


def test_pairs_hold_for_members_between_their_own_and_everybodys(db: Database, bo: str) -> None:
    sales, legal = a_group(db, "Sales", "Bo"), a_group(db, "Legal", "Bo")
    lists.put(
        db, sales, [Pair("甲", "s"), Pair("乙", "s"), Pair("丙", "s"), Pair("丁", "s")], only=True
    )
    lists.put(db, legal, [Pair("甲", "l"), Pair("乙", "l")], only=True)
    lists.put(db, bo, [Pair("甲", "b")], only=True)
    lists.put(db, EVERYBODY, [Pair("丙", "e"), Pair("戊", "e")], only=True)
    job_id = factories.submit(db, owner_id=bo)
    assert text_of(db, job_id, "甲，乙，丙，丁，戊") == "b，l，s，s，e"
    without = factories.submit(db, owner_id=bo, options={"replacements": "off"})
    assert text_of(db, without, "甲，乙，丙，丁，戊") == "甲，乙，丙，丁，戊"
    accounts.remove_member(db, sales, bo)
    lists.put(db, legal, [], only=True)
    later = factories.submit(db, owner_id=bo)
    assert text_of(db, later, "甲，乙，丙，丁，戊") == "b，乙，e，丁，e"
    assert text_of(db, job_id, "甲，乙，丙，丁，戊") == "b，l，s，s，e"  # as it was submitted


def test_a_job_under_way_keeps_the_pairs_of_a_group_that_is_deleted(db: Database, bo: str) -> None:
    sales = a_group(db, "Sales", "Bo")
    lists.put(db, sales, [Pair("甲", "1"), Pair("乙", "1")], only=True)
    job_id = factories.submit(db, owner_id=bo)
    lists.put(db, sales, [Pair("甲", "2")], only=True)
    accounts.delete_group(db, sales)
    assert text_of(db, job_id, "甲，乙") == "1，1"
    assert factories.count(db, Replacement) == 2
    assert text_of(db, factories.submit(db, owner_id=bo), "甲，乙") == "甲，乙"
    unused = a_group(db, "Legal", "Bo")
    lists.put(db, unused, [Pair("甲", "1")], only=True)
    accounts.delete_group(db, unused)
    assert factories.count(db, Replacement) == 2 and factories.count(db, ReplacementList) == 1


def test_the_pairs_of_a_deleted_group_go_with_the_last_job_that_needs_them(
    db: Database, bo: str
) -> None:
    sales = a_group(db, "Sales", "Bo")
    lists.put(db, sales, [Pair("甲", "1"), Pair("乙", "1")], only=True)
    first = factories.submit(db, owner_id=bo)
    lists.put(db, sales, [Pair("甲", "2"), Pair("乙", "1")], only=True)
    second, third, fourth = (factories.submit(db, owner_id=bo) for _ in range(3))
    accounts.delete_group(db, sales)
    assert factories.count(db, Replacement) == 3
    factories.complete(db, factories.claim(db))
    assert text_of(db, second, "甲，乙") == "2，1"
    assert factories.count(db, Replacement) == 2  # what the first alone had is gone
    jobs.delete(db, factories.NotedDeletions(), owner_id=bo, job_id=second)
    jobs.fail(db, factories.claim(db), PermanentError("broken"))
    jobs.delete_all(db, factories.NotedDeletions(), owner_id=bo, job_ids=[first])
    assert text_of(db, third, "甲，乙") == "2，1"  # it may be tried again
    jobs.delete_all(db, factories.NotedDeletions(), owner_id=bo, job_ids=[third, fourth])
    assert factories.count(db, Replacement) == factories.count(db, ReplacementList) == 0
    assert factories.count(db, JobGroupReplacements) == 0


@pytest.mark.parametrize("ends", ["both jobs", "the group and a job"])
def test_pairs_go_also_where_the_last_two_that_need_them_end_at_once(
    db: Database, bo: str, ends: str
) -> None:
    """The second transaction begins while the first is not committed, and waits for it."""
    sales = a_group(db, "Sales", "Bo")
    lists.put(db, sales, [Pair("甲", "1")], only=True)
    ids = [factories.submit(db, owner_id=bo) for _ in range(2 if ends == "both jobs" else 1)]
    if ends == "both jobs":
        accounts.delete_group(db, sales)
    claimed = factories.claim(db)
    with ThreadPoolExecutor(1) as pool, db.writing() as session:
        if ends == "both jobs":
            (waiting,) = set(ids) - {claimed.job_id}
            _delete_rows(session, bo, waiting)
        else:
            _delete(session, sales)
        other = pool.submit(factories.complete, db, claimed)
        until_it_waits(session, other)
    other.result(30)
    assert factories.count(db, Replacement) == factories.count(db, ReplacementList) == 0


def test_hotwords_of_all_groups_come_together_and_go_with_the_last(
    db: Database, bo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales, legal = a_group(db, "Sales", "Bo"), a_group(db, "Legal", "Bo")
    words = {
        bo: ("网关",),
        sales: ("达摩院", "集群"),
        legal: ("支付宝", "集群"),
        EVERYBODY: ("众",),
    }
    for keeper, some in words.items():
        replace_list(db, keeper, sorted(some), editor_id="editor")
    job_id = factories.submit(db, owner_id=bo)
    told = given(db, bo, job_id)
    assert told.own == ("网关",) and told.everybodys == ("众",)
    assert told.groups == tuple(sorted({"达摩院", "集群", "支付宝"}))
    assert set(told.words) == {"网关", "达摩院", "集群", "支付宝", "众"}
    claimed = jobs.claimed_hotwords(db, factories.claim(db))
    assert claimed is not None and claimed.words == told.words
    declined = factories.submit(db, owner_id=bo, options={LISTS_OPTION: False})
    assert given(db, bo, declined).words == ()

    monkeypatch.setattr("shared.words.hotwords.job_hotwords.MOST_WORDS", 3)
    full = given(db, bo, factories.submit(db, owner_id=bo))
    assert (full.own, len(full.groups), full.everybodys, full.left_out) == (("网关",), 2, (), 2)

    accounts.delete_group(db, legal)
    assert read_list(db, legal).words == ()
    accounts.remove_member(db, sales, bo)
    assert given(db, bo, factories.submit(db, owner_id=bo)).groups == ()
    assert given(db, bo, job_id) == told


def test_what_jobs_were_given_goes_with_them(db: Database, bo: str) -> None:
    sales = a_group(db, "Sales", "Bo")
    replace_list(db, sales, ("集群",), editor_id="editor")
    job_id = factories.submit(db, owner_id=bo)
    accounts.delete_group(db, sales)
    assert given(db, bo, job_id).groups == ("集群",)
    factories.complete(db, factories.claim(db))
    jobs.delete(db, factories.NotedDeletions(), owner_id=bo, job_id=job_id)
    assert factories.count(db, HotwordSet) == 0
