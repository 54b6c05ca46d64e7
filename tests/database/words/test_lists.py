"""Lists of replacements: one of each owner and one of everybody, and what they were before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from shared.db import Database
from shared.models import LOCAL_OWNER, Replacement
from shared.states import JobStatus
from shared.words.replacements import lists
from shared.words.replacements.errors import ListFull, PairNotFound
from shared.words.replacements.job_replacements import replacements_of
from shared.words.replacements.lists import EVERYBODY
from shared.words.replacements.pairs import MOST_PAIRS, Pair
from tests.support import factories

OTHER = "other"


def pairs_of(db: Database, owner_id: str = LOCAL_OWNER) -> list[Pair]:
    return lists.read_all(db, owner_id)


def text_of_job(db: Database, job_id: str, text: str) -> str:
    with db.reading() as session:
        return replacements_of(session, job_id).apply(text)


def test_a_pair_is_added_changed_and_removed(db: Database) -> None:
    first = lists.add(db, LOCAL_OWNER, wrong=" 阿皮艾 ", right="API")
    assert first.pair == Pair("阿皮艾", "API")
    lists.add(db, LOCAL_OWNER, wrong="kube", right="Kube")
    changed = lists.add(db, LOCAL_OWNER, wrong="ＫＵＢＥ", right="Kubernetes")
    assert pairs_of(db) == [Pair("阿皮艾", "API"), Pair("ＫＵＢＥ", "Kubernetes")]
    assert lists.add(db, LOCAL_OWNER, wrong="ＫＵＢＥ", right="Kubernetes") == changed
    assert lists.remove(db, LOCAL_OWNER, first.id) == first.pair
    assert pairs_of(db) == [changed.pair]
    for gone in (first.id, changed.id + 1000):
        with pytest.raises(PairNotFound):
            lists.remove(db, LOCAL_OWNER, gone)


def test_nobody_sees_or_changes_the_list_of_another(db: Database) -> None:
    mine = lists.add(db, LOCAL_OWNER, wrong="甲", right="乙")
    lists.add(db, OTHER, wrong="甲", right="丙")
    with pytest.raises(PairNotFound):
        lists.remove(db, OTHER, mine.id)
    lists.put(db, OTHER, [], only=True)
    assert pairs_of(db) == [mine.pair]
    assert pairs_of(db, OTHER) == []


def test_a_file_adds_to_a_list_or_is_all_of_it(db: Database) -> None:
    one, two, three = Pair("一", "1"), Pair("二", "2"), Pair("三", "3")
    assert lists.put(db, LOCAL_OWNER, [one, two], only=False) == lists.Change(2, 0, 2)
    change = lists.put(db, LOCAL_OWNER, [two._replace(right="貳"), three], only=False)
    assert change == lists.Change(2, 1, 3)
    assert lists.put(db, LOCAL_OWNER, [three], only=True) == lists.Change(0, 2, 1)
    assert pairs_of(db) == [three]


def test_a_list_is_read_in_pages_and_searched(db: Database) -> None:
    lists.put(db, LOCAL_OWNER, [Pair(f"wrong{n}", f"Right{n}") for n in range(7)], only=False)
    page = lists.read_page(db, LOCAL_OWNER, limit=3)
    assert [stored.pair.wrong for stored in page.pairs] == ["wrong6", "wrong5", "wrong4"]
    assert page.total == 7
    seen = [stored.pair for stored in page.pairs]
    while page.next_cursor is not None:
        page = lists.read_page(db, LOCAL_OWNER, limit=3, cursor=page.next_cursor)
        seen += [stored.pair for stored in page.pairs]
    assert seen == pairs_of(db)[::-1]
    for query in ("ＷＲＯＮＧ3", "right3"):
        found = lists.read_page(db, LOCAL_OWNER, limit=3, query=query)
        assert [stored.pair.wrong for stored in found.pairs] == ["wrong3"]
    assert lists.read_page(db, LOCAL_OWNER, limit=3, query="%").pairs == []


def test_a_full_list_takes_no_more_and_stays_as_it_is(db: Database) -> None:
    full = [Pair(f"wrong {n}", "right") for n in range(MOST_PAIRS)]
    lists.put(db, LOCAL_OWNER, full, only=True)
    with pytest.raises(ListFull):
        lists.add(db, LOCAL_OWNER, wrong="one more", right="right")
    with pytest.raises(ListFull):
        lists.put(db, LOCAL_OWNER, [Pair("one", "1"), Pair("two", "2")], only=False)
    assert lists.read_page(db, LOCAL_OWNER, limit=1).total == MOST_PAIRS
    assert lists.put(db, LOCAL_OWNER, [Pair("one", "1")], only=True).total == 1


def test_those_who_change_a_list_at_once_lose_nothing(db: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        writes = [
            pool.submit(lists.add, db, LOCAL_OWNER, wrong=f"wrong {n % 6}", right=f"right {n}")
            for n in range(12)
        ]
        for write in writes:
            write.result()
    assert sorted(pair.wrong for pair in pairs_of(db)) == [f"wrong {n}" for n in range(6)]


def test_a_job_has_the_lists_as_they_stood_when_it_was_submitted(db: Database) -> None:
    before = factories.submit(db)
    lists.add(db, LOCAL_OWNER, wrong="甲", right="乙")
    lists.add(db, EVERYBODY, wrong="甲", right="公")
    lists.add(db, EVERYBODY, wrong="丁", right="戊")
    lists.add(db, OTHER, wrong="丁", right="己")
    job_id = factories.submit(db)
    unchanged = factories.submit(db, options={"replacements": "off"})
    lists.put(db, LOCAL_OWNER, [Pair("甲", "丙")], only=True)
    lists.put(db, EVERYBODY, [], only=True)
    after = factories.submit(db)
    assert text_of_job(db, before, "甲丁") == "甲丁"
    assert text_of_job(db, job_id, "甲丁") == "乙戊"  # one's own list counts more
    assert text_of_job(db, unchanged, "甲丁") == "甲丁"
    assert text_of_job(db, after, "甲丁") == "丙丁"


def test_what_no_job_needs_is_forgotten(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_MOST_REMOVED", 3)
    done = factories.a_job(db, JobStatus.COMPLETED)
    for right in ("1", "2"):
        lists.add(db, LOCAL_OWNER, wrong="甲", right=right)
    waiting = factories.submit(db)
    for right in ("3", "4", "5", "6"):
        lists.add(db, LOCAL_OWNER, wrong="甲", right=right)
    assert text_of_job(db, waiting, "甲") == "2"
    assert text_of_job(db, done, "甲") == "甲"
    with db.reading() as session:
        kept = session.scalar(select(func.count()).select_from(Replacement))
    assert kept == 3  # the one that the waiting job needs, one removed since, and the present one
