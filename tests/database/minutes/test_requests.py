"""Requests for minutes as rows: who may do what, and that an end is written once."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from shared import jobs
from shared.accounts.handing_over.ownership import hand_over
from shared.db import Database, database_now
from shared.errors import Cancelled, FenceLost, IllegalTransition, JobNotFound, TranscriptNotReady
from shared.minutes import events, minutes_queue, requests
from shared.minutes.contents import Minutes, Point
from shared.minutes.errors import (
    MinutesEditedMeanwhile,
    MinutesExist,
    MinutesNotFound,
    MinutesNotReady,
    ModelServerBusy,
    ModelServerRefused,
)
from shared.minutes.owner_prompts import change_prompt, changed_prompts, restore_prompt
from shared.minutes.prompts import default_prompt, prompts_of_request
from shared.models import LOCAL_OWNER, MinutesAnswer, MinutesEvent, MinutesRequest
from shared.states import EventKind, JobStatus, MinutesStatus
from tests.support import factories

WRITTEN = Minutes(summary=(Point("大家好", (0,)),))


def asked(db: Database, *, owner_id: str = LOCAL_OWNER, again: bool = False, job: str = "") -> str:
    """Ask for minutes of a job, or of a new one; the job's id."""
    job_id = job or factories.a_job(db, JobStatus.COMPLETED, owner_id=owner_id)
    requests.ask(
        db,
        owner_id=owner_id,
        job_id=job_id,
        language="zh",
        prompts=prompts_of_request("zh", {}),
        again=again,
    )
    return job_id


def claim(db: Database, *, lease_s: float = 60) -> minutes_queue.MinutesClaim:
    found = minutes_queue.claim_next(db, worker="w", lease_s=lease_s, model="small", host="h:1")
    assert found is not None
    return found


def get(db: Database, job_id: str) -> requests.MinutesRecord:
    return requests.get(db, owner_id=LOCAL_OWNER, job_id=job_id)


def finish(db: Database, claimed: minutes_queue.MinutesClaim, minutes: Minutes = WRITTEN) -> None:
    minutes_queue.finish(db, claimed, minutes, transcript_digest="d")


def kinds(db: Database, job_id: str) -> list[EventKind]:
    return [event.kind for event in get(db, job_id).events]


def make_due(db: Database) -> None:
    with db.writing() as session:
        session.execute(update(MinutesRequest).values(available_at=database_now(-1)))


def test_from_asking_to_the_minutes(db: Database) -> None:
    job_id = asked(db)
    assert get(db, job_id).status is MinutesStatus.QUEUED
    claimed = claim(db)
    assert (claimed.job_id, claimed.owner_id, claimed.fence) == (job_id, LOCAL_OWNER, 1)
    minutes_queue.note_progress(db, claimed, done=0, planned=3)
    minutes_queue.store_answer(db, claimed, "q", WRITTEN)
    minutes_queue.store_answer(
        db, claimed, "q", Minutes()
    )  # its COMMIT was not answered, for instance
    assert minutes_queue.stored_answer(db, claimed, "q") == WRITTEN
    minutes_queue.note_progress(db, claimed, done=1, planned=3)
    found = get(db, job_id)
    assert (found.status, found.answers_done, found.answers_planned) == ("running", 1, 3)
    assert (found.model, found.host) == ("small", "h:1")
    assert minutes_queue.claim_next(db, worker="w", lease_s=1, model="m", host="h") is None
    finish(db, claimed)
    found = get(db, job_id)
    assert (found.status, found.current, found.transcript_digest) == ("completed", WRITTEN, "d")
    assert kinds(db, job_id) == [EventKind.SUBMITTED, EventKind.CLAIMED, EventKind.COMPLETED]
    assert factories.count(db, MinutesAnswer) == 0
    with pytest.raises(FenceLost):
        finish(db, claimed, Minutes())
    assert get(db, job_id).current == WRITTEN


def test_only_the_owner_of_a_completed_job_may_ask_and_once(db: Database) -> None:
    job_id = asked(db)
    with pytest.raises(MinutesExist):
        asked(db, job=job_id)
    with pytest.raises(MinutesExist):  # being written, they are not replaced
        asked(db, job=job_id, again=True)
    with pytest.raises(JobNotFound):
        asked(db, job=job_id, owner_id="eve")
    for act in (requests.get, requests.cancel, requests.retry, requests.delete):
        with pytest.raises(JobNotFound):
            act(db, owner_id="eve", job_id=job_id)
    waiting = factories.submit(db)
    with pytest.raises(TranscriptNotReady):
        asked(db, job=waiting)
    with pytest.raises(MinutesNotFound):
        get(db, waiting)


def test_cancelled_ones_stop_at_once_and_go_on_where_they_were(db: Database) -> None:
    job_id = asked(db)
    claimed = claim(db)
    minutes_queue.store_answer(db, claimed, "q", WRITTEN)
    for _ in range(2):
        assert requests.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id).status == "cancelled"
    for write in (lambda: minutes_queue.heartbeat(db, claimed), lambda: finish(db, claimed),
                  lambda: minutes_queue.release(db, claimed)):  # fmt: skip
        with pytest.raises(Cancelled):
            write()
    assert requests.retry(db, owner_id=LOCAL_OWNER, job_id=job_id).status == "queued"
    again = claim(db)
    assert minutes_queue.stored_answer(db, again, "q") == WRITTEN
    with pytest.raises(FenceLost):
        minutes_queue.heartbeat(db, claimed)
    finish(db, again)
    for act in (requests.cancel, requests.retry):
        with pytest.raises(IllegalTransition):
            act(db, owner_id=LOCAL_OWNER, job_id=job_id)


def test_a_lease_that_ran_out_goes_to_the_next_and_one_result_is_written(db: Database) -> None:
    job_id = asked(db)
    first = claim(db, lease_s=-1)
    assert minutes_queue.expire_leases(db) == [first.request_id]
    assert minutes_queue.expire_leases(db) == []
    second = claim(db)
    finish(db, second)
    with pytest.raises(FenceLost):
        finish(db, first, Minutes())
    assert get(db, job_id).current == WRITTEN
    assert kinds(db, job_id)[2] is EventKind.LOST


def test_what_is_lost_too_often_is_failed(db: Database) -> None:
    job_id = asked(db)
    for _ in range(minutes_queue.MOST_FAILURES):
        claim(db, lease_s=-1)
        minutes_queue.expire_leases(db)
    found = get(db, job_id)
    assert (found.status, found.error_code) == ("failed", "minutes_worker_lost")


def test_a_passing_error_is_tried_again_later_each_time_until_it_fails(db: Database) -> None:
    job_id = asked(db)
    waits = []
    for _ in range(minutes_queue.MOST_FAILURES):
        minutes_queue.retry_later(db, claim(db), ModelServerBusy(), asked_delay_s=25)
        found = get(db, job_id)
        waits.append((found.available_at - found.events[-1].at).total_seconds())
        if found.status is MinutesStatus.QUEUED:
            assert minutes_queue.claim_next(db, worker="w", lease_s=1, model="m", host="h") is None
        make_due(db)
    assert waits[:-1] == pytest.approx([25, 25, 40, 80, 160], abs=5)
    assert (found.status, found.error_code) == ("failed", "minutes_server_busy")
    requests.retry(db, owner_id=LOCAL_OWNER, job_id=job_id)
    claimed = claim(db)
    minutes_queue.retry_later(db, claimed, ModelServerBusy())
    make_due(db)
    claimed = claim(db)
    minutes_queue.store_answer(db, claimed, "q", WRITTEN)  # it got on: failures are counted anew
    minutes_queue.retry_later(db, claimed, ModelServerBusy())
    assert get(db, job_id).events[-1].detail["failures"] == 1


def test_a_lasting_error_fails_at_once_and_a_stop_costs_nothing(db: Database) -> None:
    job_id = asked(db)
    minutes_queue.release(db, claim(db))
    minutes_queue.fail(db, claim(db), ModelServerRefused("no"))
    found = get(db, job_id)
    assert (found.status, found.error_code, found.error_message) == (
        "failed", "minutes_server_refused", "no",
    )  # fmt: skip
    assert found.attempts == 2


def test_one_that_cannot_be_read_stands_before_no_other(db: Database) -> None:
    broken = asked(db)
    with db.writing() as session:
        values = {"prompts": ["of another version"]}
        session.execute(update(MinutesRequest).values(values))
        session.execute(update(MinutesEvent).values(detail=[]))
    other = asked(db)
    assert [claim(db).job_id for _ in range(2)] == [broken, other]
    assert get(db, broken).events[0].detail == {}


def test_owners_take_turns(db: Database) -> None:
    first = [asked(db, owner_id="bo") for _ in range(3)]
    other = asked(db, owner_id="anna")
    order = []
    for _ in range(4):
        claimed = claim(db)
        order.append(claimed.job_id)
        finish(db, claimed)
    assert order == [first[0], other, *first[1:]]


def test_asking_again_and_deleting_leave_nothing_for_an_attempt_of_before(db: Database) -> None:
    job_id = asked(db)
    finish(db, claim(db))
    asked(db, job=job_id, again=True)
    assert get(db, job_id).current is None
    stale = claim(db)
    requests.delete(db, owner_id=LOCAL_OWNER, job_id=job_id)
    asked(db, job=job_id)
    fresh = claim(db)
    assert stale.fence == fresh.fence
    with pytest.raises(FenceLost):
        finish(db, stale, Minutes())
    finish(db, fresh)
    assert get(db, job_id).current == WRITTEN
    factories.delete(db, job_id)
    assert factories.count(db, MinutesRequest) == factories.count(db, MinutesEvent) == 0


def test_a_change_names_the_revision_it_was_made_from(db: Database) -> None:
    job_id = asked(db)

    def change(revision: int, minutes: Minutes | None, accepted: bool) -> requests.MinutesRecord:
        return requests.change(
            db, owner_id=LOCAL_OWNER, job_id=job_id,
            revision=revision, minutes=minutes, accepted=accepted,
        )  # fmt: skip

    with pytest.raises(MinutesNotReady):
        change(0, None, True)
    finish(db, claim(db))
    mine = Minutes(summary=(Point("大家早", (0,)),))
    found = change(0, mine, True)
    assert (found.current, found.proposal, found.revision) == (mine, WRITTEN, 1)
    assert found.accepted_at is not None
    with pytest.raises(MinutesEditedMeanwhile):
        change(0, WRITTEN, False)
    assert change(1, mine, True).accepted_at == found.accepted_at
    found = change(2, None, False)
    assert (found.current, found.accepted_at) == (WRITTEN, None)


def test_prompts_are_kept_for_each_owner_and_given_back(db: Database) -> None:
    for text in ("一 {{transcript}}", "二 {{transcript}}"):
        change_prompt(db, "bo", "zh", "part", text)
    assert changed_prompts(db, "bo", "zh") == {"part": "二 {{transcript}}"}
    assert changed_prompts(db, "anna", "zh") == changed_prompts(db, "bo", "en") == {}
    change_prompt(db, "bo", "zh", "part", default_prompt("zh", "part"))
    assert changed_prompts(db, "bo", "zh") == {}
    restore_prompt(db, "bo", "zh", "part")


def test_prompts_go_along_to_a_new_owner_who_keeps_their_own(db: Database) -> None:
    change_prompt(db, "bo", "zh", "part", "波 {{transcript}}")
    change_prompt(db, "bo", "en", "part", "Bo {{transcript}}")
    change_prompt(db, "anna", "zh", "part", "安 {{transcript}}")
    hand_over(db, from_owner="bo", to_owner="anna")
    assert changed_prompts(db, "anna", "zh") == {"part": "安 {{transcript}}"}
    assert changed_prompts(db, "anna", "en") == {"part": "Bo {{transcript}}"}
    assert changed_prompts(db, "bo", "zh") == {}


def test_a_request_that_nobody_takes_is_told_how_long_it_waits(db: Database) -> None:
    assert minutes_queue.longest_wait_s(db) == 0
    asked(db)
    with db.writing() as session:
        session.execute(update(MinutesRequest).values(available_at=database_now(-90)))
    assert 90 <= minutes_queue.longest_wait_s(db) < 150
    claim(db)
    asked(db)
    assert minutes_queue.longest_wait_s(db) == 0


def test_the_history_keeps_its_newest_events(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = asked(db)
    monkeypatch.setattr(events, "KEPT_EVENTS", 5)
    for _ in range(4):
        minutes_queue.release(db, claim(db))
    assert kinds(db, job_id) == [EventKind.RELEASED, *[EventKind.CLAIMED, EventKind.RELEASED] * 2]


def test_a_job_that_is_not_there_is_not_found(db: Database) -> None:
    job_id = factories.a_job(db, JobStatus.COMPLETED)
    jobs.delete(db, factories.NotedDeletions(), owner_id=LOCAL_OWNER, job_id=job_id)
    with pytest.raises(JobNotFound):
        asked(db, job=job_id)
