"""How much audio may wait, on both databases. Every blob here has 1000 bytes; a WAV of that
length is counted as a thirty-second part of a second until one was decoded."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from shared import jobs
from shared.db import Database
from shared.errors import IdempotencyKeyReused, QueueFull
from shared.models import LOCAL_OWNER, Job, Recording
from shared.storage.blob_store import StoredBlob
from tests.support import factories

LIMIT = jobs.QueueLimit(most_s=100.0, longest_s=1000.0, seen_within_s=30.0)


def submit(db: Database, blob: StoredBlob | None = None, **values: Any) -> jobs.Submission:
    values = {"owner_id": LOCAL_OWNER, "filename": "f.wav", "limit": LIMIT, **values}
    return jobs.submit(db, blob=blob or factories.a_blob(), **values)


def rows(db: Database) -> tuple[int, int]:
    with db.reading() as session:
        count = [session.scalar(select(func.count()).select_from(one)) for one in (Job, Recording)]
    return count[0] or 0, count[1] or 0


def learn_bytes(db: Database, seconds_of_a_blob: float) -> None:
    """From now on a WAV of 1000 bytes is taken to last so long."""
    factories.learn(db, speed=10, audio_s=seconds_of_a_blob)


def test_what_would_pass_the_limit_is_refused_and_leaves_no_row(db: Database) -> None:
    learn_bytes(db, 30)
    for _ in range(3):
        assert submit(db).created
    before = rows(db)
    with pytest.raises(QueueFull, match="LONGSCRIBE_MAX_QUEUED_HOURS"):
        submit(db)
    assert rows(db) == before


def test_decoded_lengths_count_rather_than_estimates(db: Database) -> None:
    learn_bytes(db, 30)
    factories.submit_lasting(db, 71)
    with pytest.raises(QueueFull):
        submit(db)


def test_without_a_limit_anything_goes(db: Database) -> None:
    factories.submit_lasting(db, 1e9)
    assert jobs.submit(db, owner_id="a", blob=factories.a_blob(), filename="f.wav").created


def test_an_empty_queue_takes_a_recording_longer_than_the_limit(db: Database) -> None:
    learn_bytes(db, 500)
    assert submit(db).created
    with pytest.raises(QueueFull):
        submit(db)


def test_a_claimed_job_no_longer_waits(db: Database) -> None:
    learn_bytes(db, 60)
    submit(db)
    with pytest.raises(QueueFull):
        submit(db)
    factories.claim(db)
    assert submit(db).created


def test_an_accepted_submission_is_answered_again_while_the_queue_is_full(db: Database) -> None:
    learn_bytes(db, 60)
    blob = factories.a_blob()
    first = submit(db, blob, idempotency_key="key")
    with pytest.raises(QueueFull):
        submit(db)
    again = submit(db, blob, idempotency_key="key")
    assert (again.job_id, again.created) == (first.job_id, False)
    with pytest.raises(IdempotencyKeyReused):
        submit(db, idempotency_key="key")

    early = {"filename": "f.wav", "size_bytes": 1000}
    jobs.require_room(db, LIMIT, owner_id=LOCAL_OWNER, idempotency_key="key", **early)
    for owner_id, key in ((LOCAL_OWNER, "new"), (LOCAL_OWNER, None), ("other", "key")):
        with pytest.raises(QueueFull):
            jobs.require_room(db, LIMIT, owner_id=owner_id, idempotency_key=key, **early)


def test_of_ten_at_once_only_those_that_fit_are_taken(db: Database) -> None:
    learn_bytes(db, 40)
    together = threading.Barrier(10)

    def one(_: int) -> bool:
        together.wait()
        try:
            return submit(db).created
        except QueueFull:
            return False

    with ThreadPoolExecutor(10) as pool:
        taken = sum(pool.map(one, range(10)))
    assert taken == 2


def test_ten_at_once_with_one_key_get_one_answer_also_when_only_one_fits(db: Database) -> None:
    learn_bytes(db, 60)
    submit(db, filename="f.wav", limit=jobs.QueueLimit(0.0, 1000.0, 30.0))
    limit = jobs.QueueLimit(most_s=120.0, longest_s=1000.0, seen_within_s=30.0)
    blob, together = factories.a_blob(), threading.Barrier(10)

    def one(_: int) -> jobs.Submission:
        together.wait()
        return submit(db, blob, idempotency_key="key", limit=limit)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(one, range(10)))
    assert len({answer.job_id for answer in answers}) == 1
    assert sum(answer.created for answer in answers) == 1


def test_a_file_is_never_counted_as_longer_than_the_longest_recording(db: Database) -> None:
    learn_bytes(db, 5000)
    submit(db)
    with db.reading() as session:
        assert (
            session.scalars(select(Recording.estimated_s).order_by(Recording.id)).all()[-1] == 1000
        )


def test_when_to_come_again_is_computed_from_the_speed(db: Database) -> None:
    learn_bytes(db, 80)  # at ten seconds of audio a second
    submit(db)
    with pytest.raises(QueueFull) as unknown:
        submit(db)
    assert unknown.value.retry_after_s == 60  # no worker lives
    factories.a_worker(db)
    with pytest.raises(QueueFull) as known:
        submit(db)
    assert known.value.retry_after_s == pytest.approx(60 / 10)
