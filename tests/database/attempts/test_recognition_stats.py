"""What a job's attempts recognised is counted exactly, whatever ended them; on both databases."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select, update

from shared import jobs
from shared.db import Database, database_now
from shared.errors import FenceLost, InternalError, RecognitionFailed
from shared.jobs import RecognitionStats
from shared.models import LOCAL_OWNER, Attempt, Job, Segment
from shared.states import BatchLimit
from shared.transcripts.values import SAMPLE_RATE
from tests.support import factories
from tests.support.factories import CHOICE, PLAN_KEY
from worker.batching.batch_packing import plan_batches
from worker.pass_cost import PassCost
from worker.recogniser import SpeechSpan

Batches = list[list[jobs.RecognisedSegment]]


def a_plan(seed: int, spans: int = 30) -> Batches:
    """Recognised segments of random lengths, in the batches that the planner makes of them."""
    chance = random.Random(seed)
    found, end = [], 0
    for _ in range(spans):
        start = end + chance.randrange(1, SAMPLE_RATE)
        end = start + chance.randrange(1, 20 * SAMPLE_RATE)
        found.append(SpeechSpan(start, end))
    return [
        [
            jobs.RecognisedSegment(found[i].start, found[i].end, number, [("好", 0.0, 0.1, None)])
            for i in batch.indices
        ]
        for number, batch in enumerate(plan_batches(found, 60.0, pass_cost=PassCost(2.0)).batches)
    ]


def store(db: Database, claim: jobs.Claim, batches: Batches, key: str = PLAN_KEY) -> None:
    planned = [
        jobs.PlannedSegment(segment.start_sample, segment.end_sample, segment.batch)
        for batch in batches
        for segment in batch
    ]
    jobs.store_plan(db, claim, key, planned, complete=True)


def save(
    db: Database, claim: jobs.Claim, batch: Sequence[jobs.RecognisedSegment], used: float = 1.0
) -> None:
    """`used`: seconds and bytes, in all, after this batch."""
    usage = jobs.Usage(recognition_s=used, cpu_s=2 * used, peak_bytes=int(used))
    jobs.save_batch(db, claim, batch, progress=0.5, usage=usage)


def figures(db: Database, job_id: str) -> RecognitionStats:
    found = jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id).recognition
    assert found is not None
    return found


def recognised_s(db: Database) -> float:
    """From the stored segments themselves."""
    with db.reading() as session:
        samples = session.scalar(
            select(func.sum(Segment.end_sample - Segment.start_sample)).where(
                Segment.words.is_not(None)
            )
        )
    return int(samples or 0) / SAMPLE_RATE


def lose(db: Database, job_id: str) -> None:
    """As if the worker had died: its lease runs out."""
    with db.writing() as session:
        session.execute(
            update(Job).where(Job.id == job_id).values(lease_expires_at=database_now(-60))
        )
    assert jobs.expire_leases(db, max_attempts=99)


def padded_s(batch: Sequence[jobs.RecognisedSegment]) -> float:
    lengths = [segment.end_sample - segment.start_sample for segment in batch]
    return len(lengths) * max(lengths) / SAMPLE_RATE


@pytest.mark.parametrize("seed", range(5))
def test_attempts_that_die_and_go_on_count_what_one_attempt_would(db: Database, seed: int) -> None:
    chance = random.Random(seed)
    batches = a_plan(seed)
    job_id = factories.submit(db)
    claim = factories.claim(db)
    jobs.note_batch_choice(db, claim, CHOICE)
    store(db, claim, batches)
    for number, batch in enumerate(batches, start=1):
        save(db, claim, batch)
        shown = figures(db, job_id)
        done = batches[:number]
        assert shown.batches == number
        assert shown.speech_s == recognised_s(db)
        assert shown.padded_s == pytest.approx(sum(padded_s(one) for one in done), abs=1e-9)
        assert shown.largest_batch_s == max(padded_s(one) for one in done)
        assert shown.padded_s is not None and shown.speech_s is not None
        assert shown.padded_s >= shown.speech_s > 0
        assert shown.padding is not None and shown.padding >= 1
        if chance.random() < 0.4:
            lose(db, job_id)
            claim = factories.claim(db)
            if chance.random() < 0.5:  # or it dies before it has chosen
                jobs.note_batch_choice(db, claim, CHOICE)
    jobs.finish(db, claim, factories.TRANSCRIPT)
    found = [SpeechSpan(s.start_sample, s.end_sample) for b in batches for s in b]
    plan = plan_batches(found, 60, pass_cost=PassCost(2.0))
    shown = figures(db, job_id)
    assert (shown.speech_s, shown.padded_s) == pytest.approx((plan.speech_s, plan.padded_s))
    assert shown.padding == pytest.approx(plan.padding)


def test_a_batch_that_is_not_committed_is_not_counted(db: Database) -> None:
    batches = a_plan(1)
    job_id = factories.submit(db)
    claim = factories.claim(db)
    jobs.note_batch_choice(db, claim, CHOICE)
    store(db, claim, batches)
    save(db, claim, batches[0])
    before = figures(db, job_id)
    stranger = jobs.RecognisedSegment(5, 6, 0, [])
    with pytest.raises(RecognitionFailed):
        save(db, claim, [*batches[1], stranger], used=9)
    assert figures(db, job_id) == before


def test_the_old_holder_of_a_job_counts_nothing(db: Database) -> None:
    batches = a_plan(2)
    job_id = factories.submit(db)
    old = factories.claim(db)
    jobs.note_batch_choice(db, old, CHOICE)
    store(db, old, batches)
    lose(db, job_id)
    factories.claim(db)
    before = figures(db, job_id)
    with pytest.raises(FenceLost):
        save(db, old, batches[0], used=9)
    assert figures(db, job_id) == before
    assert before.batches == 0 and before.padding is None


def test_what_was_used_up_is_added_over_attempts_and_the_peak_is_the_highest(
    db: Database,
) -> None:
    batches = a_plan(3)
    job_id = factories.submit(db)
    first = factories.claim(db)
    jobs.note_batch_choice(db, first, CHOICE)
    store(db, first, batches)
    save(db, first, batches[0], used=3)
    save(db, first, batches[1], used=5)
    jobs.record_oom_retry(db, first, 20.0)
    jobs.retry_later(db, first, InternalError(), max_attempts=3, delay_s=0)
    second = factories.claim(db)
    jobs.note_batch_choice(db, second, CHOICE)
    jobs.record_oom_retry(db, second, 10.0)
    for batch in batches[2:]:
        save(db, second, batch, used=2)
    jobs.finish(db, second, factories.TRANSCRIPT, peak_bytes=4)
    shown = figures(db, job_id)
    assert (shown.recognition_s, shown.cpu_s) == (7, 14)
    assert shown.peak_bytes == 5  # of the attempt that failed
    assert shown.oom_retries == 2
    assert shown.batch_size_s == 10
    assert (shown.device, shown.dtype, shown.length_ceiling_s) == ("cpu", "float32", 300.0)
    assert (shown.limited_by, shown.learned_ceiling_s) == (BatchLimit.LEARNED, 10)
    assert shown.predicted_peak_bytes == CHOICE.predicted_peak_bytes


@pytest.mark.parametrize("how", ["other key", "dropped"])
def test_what_was_thrown_away_is_not_counted(db: Database, how: str) -> None:
    old, new = a_plan(4), a_plan(5)
    job_id = factories.submit(db)
    first = factories.claim(db)
    jobs.note_batch_choice(db, first, CHOICE)
    store(db, first, old)
    save(db, first, old[0], used=100)
    jobs.release(db, first)
    second = factories.claim(db)
    jobs.note_batch_choice(db, second, CHOICE)
    if how == "dropped":
        jobs.drop_plan(db, second)
    store(db, second, new, key="other" if how == "other key" else PLAN_KEY)
    save(db, second, new[0], used=1)
    shown = figures(db, job_id)
    assert shown.batches == 1
    assert shown.speech_s == recognised_s(db)
    assert shown.padded_s == padded_s(new[0])
    assert (shown.recognition_s, shown.peak_bytes) == (1, 1)


def test_what_an_older_version_did_not_count_stays_unknown(db: Database) -> None:
    batches = a_plan(6)
    job_id = factories.submit(db)
    first = factories.claim(db)
    jobs.note_batch_choice(db, first, CHOICE)
    store(db, first, batches)
    names = ("speech_samples", "padded_samples", "largest_batch_samples", "recognition_s", "cpu_s")
    with db.writing() as session:
        session.execute(update(Attempt).values(dict.fromkeys(names)))
    jobs.save_batch(db, first, batches[0], progress=0.1)
    jobs.release(db, first)
    second = factories.claim(db)
    jobs.note_batch_choice(db, second, CHOICE)
    save(db, second, batches[1])
    shown = figures(db, job_id)
    assert shown.batches == 2
    assert shown.speech_s is None and shown.padded_s is None and shown.padding is None
    assert shown.recognition_s is None and shown.cpu_s is None


def test_before_a_batch_size_is_chosen_there_are_no_figures(db: Database) -> None:
    job_id = factories.submit(db)
    assert jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id).recognition is None
    factories.claim(db)
    assert jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id).recognition is None
