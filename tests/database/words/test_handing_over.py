"""Lists of replacements when their owner's recordings go to somebody else."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from shared.accounts.handing_over import lists as handed_over_lists
from shared.accounts.handing_over.ownership import hand_over
from shared.db import Database
from shared.words.replacements import lists
from shared.words.replacements.job_replacements import replacements_of
from shared.words.replacements.pairs import Pair
from tests.support import factories

BO, ANNA = "bo", "anna"


def text_of_job(db: Database, job_id: str, text: str) -> str:
    with db.reading() as session:
        return replacements_of(session, job_id).apply(text)


def test_a_list_goes_along_to_who_has_none(db: Database) -> None:
    lists.add(db, BO, wrong="甲", right="乙")
    job_id = factories.submit(db, owner_id=BO)
    hand_over(db, from_owner=BO, to_owner=ANNA)
    assert lists.read_all(db, ANNA) == [Pair("甲", "乙")] and lists.read_all(db, BO) == []
    lists.put(db, ANNA, [], only=True)
    lists.add(db, BO, wrong="甲", right="新")
    assert text_of_job(db, job_id, "甲") == "乙"


def test_jobs_of_both_keep_their_pairs_and_both_lists_stand(db: Database) -> None:
    lists.put(db, ANNA, [Pair("甲", "安"), Pair("丙", "娜")], only=True)
    of_anna = [factories.submit(db, owner_id=ANNA)]
    lists.add(db, ANNA, wrong="甲", right="安安")
    of_anna.append(factories.submit(db, owner_id=ANNA))
    lists.put(db, BO, [Pair("甲", "波"), Pair("丁", "先")], only=True)
    of_bo = [factories.submit(db, owner_id=BO)]
    lists.put(db, BO, [Pair("甲", "波波"), Pair("戊", "后")], only=True)
    of_bo.append(factories.submit(db, owner_id=BO))
    hand_over(db, from_owner=BO, to_owner=ANNA)
    expected = ["安娜丁戊", "安安娜丁戊", "波丙先戊", "波波丙丁后"]
    assert [text_of_job(db, job_id, "甲丙丁戊") for job_id in of_anna + of_bo] == expected
    assert sorted(lists.read_all(db, ANNA)) == sorted(
        [Pair("甲", "安安"), Pair("丙", "娜"), Pair("戊", "后")]
    )
    assert lists.read_all(db, BO) == []
    lists.put(db, ANNA, [], only=True)
    assert [text_of_job(db, job_id, "甲丙丁戊") for job_id in of_anna + of_bo] == expected


def test_of_more_than_a_list_takes_the_oldest_are_left_out(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handed_over_lists, "MOST_PAIRS", 3)
    lists.put(db, ANNA, [Pair("甲", "一"), Pair("乙", "二")], only=True)
    lists.put(db, BO, [Pair("丙", "三"), Pair("丁", "四")], only=True)
    job_id = factories.submit(db, owner_id=BO)
    hand_over(db, from_owner=BO, to_owner=ANNA)
    assert {pair.wrong for pair in lists.read_all(db, ANNA)} == {"甲", "乙", "丁"}
    assert text_of_job(db, job_id, "丙丁") == "三四"


def test_a_list_that_the_new_owner_begins_at_this_moment_stands_beside(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists.add(db, BO, wrong="甲", right="波")
    was_asked: list[str] = []
    held_versions = handed_over_lists._held_versions

    def begin_after(session: Session, *owner_ids: str) -> dict[str, int]:
        versions = held_versions(session, *owner_ids)
        if not was_asked and session.get_bind().dialect.name == "postgresql":
            lists.add(db, ANNA, wrong="乙", right="安")
        was_asked.append("")
        return versions

    monkeypatch.setattr(handed_over_lists, "_held_versions", begin_after)
    hand_over(db, from_owner=BO, to_owner=ANNA)
    found = {pair.right for pair in lists.read_all(db, ANNA)}
    assert found == ({"波", "安"} if len(was_asked) > 1 else {"波"})
