"""Hotwords in the database: what a job is given, fixed when it is submitted, and stored once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from shared import jobs
from shared.accounts.handing_over.ownership import hand_over
from shared.db import Database, database_now
from shared.errors import IdempotencyKeyReused, JobNotFound
from shared.models import LOCAL_OWNER, HotwordSet, Job, JobHotwords
from shared.states import JobStatus
from shared.words.hotwords import (
    EVERYBODY,
    LISTS_OPTION,
    MOST_FOUND,
    MOST_WORDS,
    HotwordListChanged,
    WordList,
    read_list,
    replace_list,
)
from tests.support import factories

NAMED = ("网关", "集群")


def _keep(db: Database, *words: str, owner_id: str = LOCAL_OWNER) -> WordList:
    return replace_list(db, owner_id, sorted(words), editor_id="editor")


def _given(db: Database, job_id: str) -> jobs.GivenWords:
    return jobs.get_hotwords(db, owner_id=LOCAL_OWNER, job_id=job_id)


def _sets(db: Database) -> int:
    return factories.count(db, HotwordSet)


class TestWhatAJobIsGiven:
    def test_its_own_words_and_those_of_both_lists(self, db: Database) -> None:
        _keep(db, "达摩院", "网关")
        _keep(db, "阿里巴巴", owner_id=EVERYBODY)
        _keep(db, "别人的", owner_id="somebody else")
        given = _given(db, factories.submit(db, hotwords=NAMED))
        assert given.named == NAMED
        assert given.own == ("网关", "达摩院")
        assert given.everybodys == ("阿里巴巴",)
        assert given.words == ("网关", "达摩院", "阿里巴巴", "集群")
        assert (given.left_out, given.passed, given.found) == (0, None, None)

    def test_the_lists_only_if_it_wants_them(self, db: Database) -> None:
        _keep(db, "达摩院")
        without = {"options": {LISTS_OPTION: False}}
        assert _given(db, factories.submit(db, hotwords=NAMED, **without)).words == NAMED
        assert _given(db, factories.submit(db, **without)).words == ()
        assert factories.count(db, JobHotwords) == 1

    def test_a_list_that_is_changed_later_changes_nothing(self, db: Database) -> None:
        _keep(db, "达摩院")
        job_id = factories.submit(db)
        _keep(db, "阿里巴巴")
        assert _given(db, job_id).words == ("达摩院",)
        _keep(db)
        assert _given(db, job_id).words == ("达摩院",)
        claimed = factories.claim(db)
        given = jobs.claimed_hotwords(db, claimed)
        assert given is not None and given.words == ("达摩院",)

    def test_words_of_the_lists_beyond_the_most_are_left_out_everybodys_first(
        self, db: Database
    ) -> None:
        _keep(db, *(f"我{number:04}" for number in range(MOST_WORDS - 10)))
        _keep(db, *(f"众{number:04}" for number in range(30)), owner_id=EVERYBODY)
        given = _given(db, factories.submit(db, hotwords=NAMED))
        assert len(given.words) == MOST_WORDS
        assert given.named == NAMED
        assert len(given.own) == MOST_WORDS - 10
        assert given.everybodys == tuple(f"众{number:04}" for number in range(8))
        assert given.left_out == 22

    def test_a_job_without_any_has_no_row(self, db: Database) -> None:
        job_id = factories.submit(db)
        assert factories.count(db, JobHotwords) == 0
        assert _given(db, job_id).words == ()
        assert jobs.claimed_hotwords(db, factories.claim(db)) is None

    def test_another_owners_are_nobodys_business(self, db: Database) -> None:
        job_id = factories.submit(db, hotwords=NAMED)
        with pytest.raises(JobNotFound):
            jobs.get_hotwords(db, owner_id="somebody else", job_id=job_id)


class TestIdempotency:
    def test_the_same_request_makes_one_job_whatever_became_of_the_list(self, db: Database) -> None:
        same = {"blob": factories.a_blob(), "idempotency_key": "k", "hotwords": NAMED}
        first = factories.submit(db, **same)
        _keep(db, "达摩院")
        assert factories.submit(db, **same) == first
        assert _given(db, first).words == NAMED

    def test_other_words_are_another_request(self, db: Database) -> None:
        same = {"blob": factories.a_blob(), "idempotency_key": "k"}
        factories.submit(db, **same, hotwords=NAMED)
        for other in (("网关",), ()):
            with pytest.raises(IdempotencyKeyReused):
                factories.submit(db, **same, hotwords=other)


class TestSets:
    def test_the_same_words_are_stored_once(self, db: Database) -> None:
        _keep(db, "达摩院")
        for _ in range(3):
            factories.submit(db, hotwords=NAMED)
        factories.submit(db, owner_id="somebody else", hotwords=NAMED)
        assert _sets(db) == 2

    def test_a_set_goes_with_the_last_that_names_it(self, db: Database) -> None:
        _keep(db, *NAMED)
        one, other = (factories.submit(db, hotwords=NAMED) for _ in range(2))
        factories.delete(db, one)
        _keep(db, "达摩院")
        assert _sets(db) == 2
        factories.delete(db, other)
        assert _sets(db) == 1
        _keep(db)
        assert _sets(db) == 0

    def test_jobs_that_were_kept_long_enough_take_theirs_along(self, db: Database) -> None:
        factories.a_job(db, JobStatus.CANCELLED, hotwords=NAMED)
        with db.writing() as session:
            session.execute(update(Job).values(completed_at=database_now(-3 * 86_400)))
        kept = timedelta(days=2)
        assert jobs.delete_expired(db, factories.NotedDeletions(), kept=kept) == 1
        assert _sets(db) == factories.count(db, JobHotwords) == 0

    def test_a_jobs_row_stays_small(self, db: Database) -> None:
        words = [f"词{number:04}" for number in range(MOST_WORDS)]
        job_id = factories.submit(db, hotwords=words)
        assert len(str(factories.row(db, job_id).options)) < 100


class TestLists:
    def test_a_list_is_as_it_was_left(self, db: Database) -> None:
        assert read_list(db, LOCAL_OWNER) == WordList()
        kept = _keep(db, "达摩院", "网关")
        assert kept == read_list(db, LOCAL_OWNER)
        assert kept.words == ("网关", "达摩院") and kept.editor_id == "editor"
        assert kept.revision and kept.changed_at
        assert _keep(db) == WordList()

    def test_a_change_of_a_list_that_is_another_by_now_is_refused(self, db: Database) -> None:
        seen = _keep(db, "达摩院")
        _keep(db, "网关")
        for revision in (seen.revision, ""):
            with pytest.raises(HotwordListChanged):
                replace_list(db, LOCAL_OWNER, ("集群",), editor_id="e", revision=revision)
        now = read_list(db, LOCAL_OWNER)
        assert now.words == ("网关",)
        replace_list(db, LOCAL_OWNER, ("集群",), editor_id="e", revision=now.revision)
        assert read_list(db, LOCAL_OWNER).words == ("集群",)

    def test_a_list_is_handed_over_and_stands_with_that_of_the_new_owner(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _keep(db, "达摩院")
        hand_over(db, from_owner=LOCAL_OWNER, to_owner="anna")
        assert read_list(db, LOCAL_OWNER) == WordList()
        assert read_list(db, "anna").editor_id == "editor"
        _keep(db, "网关", "达摩院", "集群", owner_id="bo")
        job_id = factories.submit(db, owner_id="bo")
        monkeypatch.setattr("shared.words.hotwords.lists.MOST_WORDS", 2)
        hand_over(db, from_owner="bo", to_owner="anna")
        assert read_list(db, "anna").words == ("网关", "达摩院")
        assert read_list(db, "bo") == WordList()
        given = jobs.get_hotwords(db, owner_id="anna", job_id=job_id)
        assert set(given.words) == {"网关", "达摩院", "集群"}
        hand_over(db, from_owner="bo", to_owner="anna")
        assert _sets(db) == 2  # the job's and the list's


class TestWhatBecameOfThem:
    def test_whether_they_were_passed_and_which_were_found(self, db: Database) -> None:
        job_id = factories.submit(db, hotwords=NAMED)
        claimed = factories.claim(db)
        jobs.note_hotwords(db, claimed, passed=True)
        assert _given(db, job_id).passed is True
        jobs.store_plan(db, claimed, "plan", [], complete=True)
        found = [("网关", 3), *((f"词{number}", 1) for number in range(MOST_FOUND))]
        jobs.finish(db, claimed, factories.TRANSCRIPT, hotwords_found=found)
        given = _given(db, job_id)
        assert given.found == found[:MOST_FOUND]
        assert given.found_size == MOST_FOUND + 1

    def test_another_attempts_model_decides_anew(self, db: Database) -> None:
        job_id = factories.submit(db, hotwords=NAMED)
        first = factories.claim(db)
        jobs.note_hotwords(db, first, passed=True)
        jobs.release(db, first)
        jobs.note_hotwords(db, factories.claim(db), passed=False)
        assert _given(db, job_id).passed is False

    def test_a_worker_that_lost_the_job_writes_nothing(self, db: Database) -> None:
        job_id = factories.submit(db, hotwords=NAMED)
        lost = factories.claim(db)
        jobs.release(db, lost)
        factories.claim(db)
        with pytest.raises(Exception, match="no longer holds"):
            jobs.note_hotwords(db, lost, passed=True)
        assert _given(db, job_id).passed is None


class TestWhatReadsThem:
    def test_neither_a_list_nor_a_claim_nor_a_poll_reads_the_words(self, db: Database) -> None:
        factories.submit(db, hotwords=NAMED)
        factories.submit(db, hotwords=NAMED)
        sent: list[str] = []

        def note(conn, cursor, statement, *rest):  # type: ignore[no-untyped-def]
            sent.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        job_id = factories.claim(db).job_id
        jobs.list_jobs(db, owner_id=LOCAL_OWNER, limit=10)
        jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id)
        event.remove(db.engine, "before_cursor_execute", note)
        assert sent and not [one for one in sent if "hotword_" in one or "job_hotwords" in one]

    def test_who_submits_and_who_deletes_the_same_words_do_not_meet(self, db: Database) -> None:
        """A set goes with its last job while another begins to name it."""

        def come_and_go(_number: int) -> None:
            for _ in range(6):
                factories.delete(db, factories.submit(db, hotwords=NAMED))
                _keep(db, *NAMED)
                _keep(db)

        with ThreadPoolExecutor(3) as threads:
            list(threads.map(come_and_go, range(3)))
        assert _sets(db) == 0


def test_a_worker_tells_whether_its_model_takes_any(db: Database) -> None:
    told = {"hostname": "h", "model": "m", "device": "cpu"}
    with db.reading() as session:
        started_at = session.scalar(select(database_now()))
    for name, takes in (("a", True), ("b", False), ("c", None)):
        jobs.note_worker(
            db, jobs.WorkerReport(name=name, started_at=started_at, takes_hotwords=takes, **told)
        )
    seen = jobs.workers_seen(db, within_s=60)
    assert [worker.takes_hotwords for worker in seen] == [True, False, None]
