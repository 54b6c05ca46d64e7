"""The text that a listener is told while a job runs: in order, and nothing twice."""

from __future__ import annotations

import pytest

from shared import jobs
from shared.db import Database
from shared.errors import JobNotFound
from shared.models import LOCAL_OWNER
from tests.support import factories

SPANS = [(0, 16_000), (20_000, 36_000), (40_000, 48_000), (50_000, 58_000)]


def commit(db: Database, claimed: jobs.Claim, plan: str, *numbers: int) -> None:
    batch = [
        jobs.RecognisedSegment(*SPANS[n], 0, [(f"w{n}", SPANS[n][0] / 16_000, 2.0, 0.9)])
        for n in numbers
    ]
    usage = jobs.Usage(recognition_s=0.1, cpu_s=0.1, peak_bytes=1)
    jobs.save_batch(db, claimed, batch, progress=0.1 * (1 + max(numbers)), usage=usage)


def plan(db: Database, claimed: jobs.Claim, key: str) -> None:
    planned = [jobs.PlannedSegment(start, end, 0) for start, end in SPANS]
    jobs.store_plan(db, claimed, key, planned, complete=True)


def heard(db: Database, job_id: str, after: jobs.Heard) -> tuple[list[str], jobs.Heard]:
    texts, after = jobs.next_text(db, owner_id=LOCAL_OWNER, job_id=job_id, after=after)
    return [text.text for text in texts], after


def test_what_is_recognised_out_of_order_is_told_in_order(db: Database) -> None:
    job_id = factories.submit(db)
    claimed = factories.claim(db)
    jobs.note_batch_choice(db, claimed, factories.CHOICE)
    plan(db, claimed, "a")
    commit(db, claimed, "a", 0, 2)
    texts, after = heard(db, job_id, jobs.Heard())
    assert texts == ["w0"]
    assert heard(db, job_id, after) == ([], after)
    commit(db, claimed, "a", 1)
    texts, after = heard(db, job_id, after)
    assert texts == ["w1", "w2"]
    # Recognised anew, by another model for instance: what was told is not told again.
    plan(db, claimed, "b")
    commit(db, claimed, "b", 0, 1, 2, 3)
    texts, after = heard(db, job_id, after)
    assert texts == ["w3"]


def test_nobody_hears_of_another_owners_job(db: Database) -> None:
    job_id = factories.submit(db)
    with pytest.raises(JobNotFound):
        jobs.next_text(db, owner_id="another", job_id=job_id, after=jobs.Heard())


def test_a_watched_job_changes_with_each_step_and_is_left_out_once_gone(db: Database) -> None:
    job_id = factories.submit(db)
    seen = [jobs.watched_states(db, {job_id, "none"})]
    claimed = factories.claim(db)
    seen.append(jobs.watched_states(db, {job_id}))
    factories.recognise(db, claimed)
    seen.append(jobs.watched_states(db, {job_id}))
    factories.complete(db, claimed)
    seen.append(jobs.watched_states(db, {job_id}))
    assert [list(states) for states in seen] == [[job_id]] * 4
    assert len({states[job_id] for states in seen}) == 4
    assert [states[job_id].is_over for states in seen] == [False, False, False, True]
    factories.delete(db, job_id)
    assert jobs.watched_states(db, {job_id}) == {}
