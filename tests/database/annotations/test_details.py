"""A recording's title, date, people and tags, and lists by them, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from shared import jobs
from shared.annotations import labels
from shared.annotations.details import Details, change_details
from shared.annotations.edits import KEPT_EDITS, EditNotFound, read_edits
from shared.annotations.labels import LabelKind, keys_of, used_labels
from shared.annotations.undoing import undo
from shared.db import Database
from shared.errors import InvalidRequest, JobNotFound
from shared.models import LOCAL_OWNER, Label, Recording
from shared.search import entries, hits
from shared.states import JobStatus
from tests.support import factories


def change(db: Database, job_id: str, owner_id: str = LOCAL_OWNER, **changes: Any) -> Details:
    return change_details(db, owner_id=owner_id, job_id=job_id, editor_id=owner_id, changes=changes)


def record(db: Database, job_id: str) -> jobs.JobRecord:
    return jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id).job


def listed(db: Database, query: str | None = None, **asked: Any) -> list[str]:
    """The jobs of a list with these labels, by comparison and by the index alike."""
    statuses = asked.pop("statuses", ())

    def ask() -> list[str]:
        page = jobs.list_jobs(
            db, owner_id=LOCAL_OWNER, statuses=statuses, query=query, labels=keys_of(**asked)
        )
        return [view.job.id for view in page.jobs]

    compared = ask()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hits, "_FEW", -1)
        assert ask() == compared
        while entries.catch_up(db, within_s=1):
            pass
        assert ask() == compared
    return compared


def test_a_title_is_the_files_name_until_a_person_gives_one(db: Database) -> None:
    job_id = factories.submit(db, filename="周会 01.m4a")
    assert record(db, job_id).recording.title == "周会 01"
    assert change(db, job_id, title=" 预算\n会 ").title == "预算 会"
    shown = record(db, job_id).recording
    assert (shown.title, shown.filename) == ("预算 会", "周会 01.m4a")
    change(db, job_id, title="")
    assert record(db, job_id).recording.title == "周会 01"


def test_the_day_is_that_of_submission_until_a_person_gives_one(db: Database) -> None:
    job_id = factories.submit(db)
    now = record(db, job_id)
    assert now.day == now.created_at.astimezone().date()
    change(db, job_id, date="2025-12-31")
    assert record(db, job_id).day == date(2025, 12, 31)


def test_people_and_tags_are_kept_once_and_in_order(db: Database) -> None:
    job_id = factories.submit(db)
    change(db, job_id, people=["王芳", "Bo ", "bo", ""], tags=["ＫＰＩ", "kpi"])
    details = record(db, job_id).recording.details
    assert details.people == ("王芳", "Bo")
    assert details.tags == ("ＫＰＩ",)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "x" * 256},
        {"title": "a\x00b"},
        {"title": "\ud800"},
        {"people": ["x" * 81]},
        {"people": [f"p{n}" for n in range(51)]},
        {"tags": [f"t{n}" for n in range(31)]},
        {"tags": ["\udfff"]},
        {"date": "2026-13-01"},
        {"date": "0001-01-01"},
    ],
)
def test_what_cannot_be_kept_is_refused_and_named(db: Database, changes: dict[str, Any]) -> None:
    job_id = factories.submit(db)
    with pytest.raises(InvalidRequest) as refused:
        change(db, job_id, **changes)
    assert refused.value.param in changes
    assert read_edits(db, owner_id=LOCAL_OWNER, job_id=job_id) == []


def test_lists_are_narrowed_down_by_tag_person_state_and_words(db: Database) -> None:
    done = factories.a_job(db, JobStatus.COMPLETED)
    waiting, other = factories.submit(db), factories.submit(db)
    change(db, done, tags=["预算"], people=["王芳"], title="季度会")
    change(db, waiting, tags=["预算"])
    change(db, other, people=["王芳"])
    assert listed(db, tag=" 预算") == [waiting, done]
    assert listed(db, tag="预算", person="王芳") == [done]
    assert listed(db, tag="预算", statuses=[JobStatus.QUEUED]) == [waiting]
    assert listed(db, "大家好", tag="预算") == [done]
    assert listed(db, "季度 大家", person="王芳") == [done]
    assert listed(db, "大家好", tag="其他") == []
    change(db, done, tags=[])
    assert listed(db, tag="预算") == [waiting]
    assert listed(db, "季度会") == [done]


def test_titles_people_and_tags_are_searched(db: Database) -> None:
    job_id = factories.submit(db, filename="REC0001.wav")
    assert listed(db, "董事会") == []
    change(db, job_id, title="董事会", people=["Zhao Lei"], tags=["Q3"])
    assert listed(db, "董事会 zhao q3 rec0001") == [job_id]
    change(db, job_id, title=None)
    assert listed(db, "董事会") == []


def test_a_page_goes_on_where_the_one_before_ended_and_counts_are_of_the_label(
    db: Database,
) -> None:
    tagged = [factories.submit(db) for _ in range(5)]
    factories.submit(db)
    for job_id in tagged:
        change(db, job_id, tags=["t"])
    asked = {"owner_id": LOCAL_OWNER, "labels": keys_of(tag="t"), "limit": 3}
    first = jobs.list_jobs(db, **asked)
    rest = jobs.list_jobs(db, **asked, cursor=first.next_cursor)
    assert [view.job.id for view in first.jobs + rest.jobs] == tagged[::-1]
    assert first.counts[JobStatus.QUEUED] == 5
    assert first.all_counted
    assert rest.next_cursor is None
    whole = jobs.take_whole_list(db, owner_id=LOCAL_OWNER, labels=keys_of(tag="t"))
    assert whole.counts[JobStatus.QUEUED] == 5
    chosen, _ = jobs.some_of_whole_list(
        db,
        jobs.WholeList(LOCAL_OWNER, whole.newest, whole.until, labels=keys_of(tag="t")),
        statuses=[JobStatus.QUEUED],
        most=10,
    )
    assert chosen == tagged[::-1]
    with db.reading() as session:
        counts, are_all = labels.count_labelled(session, LOCAL_OWNER, keys_of(tag="t"), most=3)
    assert sum(counts.values()) == 4
    assert not are_all


def test_each_change_is_kept_and_undone_by_what_was_before(db: Database) -> None:
    job_id = factories.submit(db, filename="a.wav")
    change(db, job_id, title="第一", tags=["甲"])
    change(db, job_id, title="第二")
    change(db, job_id, title="第二")  # nothing new
    undo(db, owner_id=LOCAL_OWNER, job_id=job_id, number=1, editor_id=LOCAL_OWNER)
    assert record(db, job_id).recording.details == Details()
    edits = read_edits(db, owner_id=LOCAL_OWNER, job_id=job_id)
    assert [edit.number for edit in edits] == [1, 2, 3]
    assert edits[1].before == {"title": "第一"}
    assert edits[2].undoes == 1
    undo(db, owner_id=LOCAL_OWNER, job_id=job_id, number=3, editor_id=LOCAL_OWNER)
    assert record(db, job_id).recording.details == Details("第二", tags=("甲",))
    for number in (0, 9, 2**40):
        with pytest.raises(EditNotFound):
            undo(db, owner_id=LOCAL_OWNER, job_id=job_id, number=number, editor_id=LOCAL_OWNER)


def test_only_the_newest_changes_are_kept(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.annotations.edits.KEPT_EDITS", 2)
    assert KEPT_EDITS > 2
    job_id = factories.submit(db)
    for n in range(4):
        change(db, job_id, title=f"t{n}")
    assert [e.number for e in read_edits(db, owner_id=LOCAL_OWNER, job_id=job_id)] == [3, 4]


def test_nobody_changes_or_sees_what_is_anothers(db: Database) -> None:
    job_id = factories.submit(db)
    change(db, job_id, tags=["mine"])
    with pytest.raises(JobNotFound):
        change(db, job_id, owner_id="somebody", title="x")
    with pytest.raises(JobNotFound):
        undo(db, owner_id="somebody", job_id=job_id, number=1, editor_id="somebody")
    with pytest.raises(JobNotFound):
        read_edits(db, owner_id="somebody", job_id=job_id)
    assert used_labels(db, owner_id="somebody", kind=LabelKind.TAG) == []
    found = jobs.list_jobs(db, owner_id="somebody", labels=keys_of(tag="mine"))
    assert found.jobs == []


def test_used_labels_are_each_told_once(db: Database) -> None:
    for tags in (["b", "a"], ["B"], ["c"]):
        change(db, factories.submit(db), tags=tags)
    assert used_labels(db, owner_id=LOCAL_OWNER, kind=LabelKind.TAG) == ["a", "b", "c"]
    assert used_labels(db, owner_id=LOCAL_OWNER, kind=LabelKind.TAG, most=2) == ["a", "b"]
    assert used_labels(db, owner_id=LOCAL_OWNER, kind=LabelKind.PERSON) == []


@pytest.fixture
def deleted(db: Database) -> Iterator[str]:
    job_id = factories.submit(db)
    change(db, job_id, tags=["t"])
    factories.delete(db, job_id)
    yield job_id


def test_labels_and_changes_go_with_the_job(db: Database, deleted: str) -> None:
    with db.reading() as session:
        assert session.scalars(select(Label)).all() == []
    assert listed(db, tag="t") == []


def test_what_cannot_be_read_of_the_details_fails_no_list(db: Database) -> None:
    job_id = factories.submit(db, filename="a.wav")
    change(db, job_id, tags=["t"])
    with db.writing() as session:
        session.execute(update(Recording).values(people={"no": "list"}, tags=[1, "t"]))
    assert record(db, job_id).recording.details == Details(tags=("t",))
    assert listed(db, tag="t") == [job_id]
