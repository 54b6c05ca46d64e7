"""What a whole installation's rows must say when its promises were kept.

    P1  every accepted job reaches an end, and none is lost
    P2  exactly one transcript for each job, with the text that undisturbed work gives
    P3  attempts follow one another, each with a fence of its own, and a lost one is soon replaced
    P4  a batch that was committed is counted once, and kept
    P7  a job fails with a code, and by lost attempts only after as many as the settings allow
    P8  who has fewer jobs running is served before who has more
    P9  a completed job's progress is whole, and nothing happens to it afterwards

And each job's history tells the same as its rows.

`breaches` gives a sentence with the job's id for each thing that is not so.  What only a client or
a clock can tell (P5, P6) is for the tests of those faults.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from shared.db import Database
from shared.models import Attempt, Job, Recording, Segment, StoredTranscript
from shared.states import TERMINAL, AttemptOutcome, JobStatus
from tests.chaos.machinery.histories import contradictions

_AT_THE_SAME_TIME = timedelta(seconds=1)
"""Two workers that claim within so long may each not see the other's claim."""

_SEEN_WITHIN = timedelta(seconds=5)
"""A claim sees a job once it is committed, on a busy machine seconds after its time."""

_WITHOUT_MARKS = str.maketrans("", "", "，。、？！,.?!")
"""Translation to what a text that could not be punctuated keeps."""

_NEEDS_ANOTHER = {AttemptOutcome.LOST, AttemptOutcome.RETRYING}
"""Outcomes that count against a job's attempts."""


@dataclass
class _Told:
    """A job and all that the tables say of it."""

    job: Any
    sha256: str
    attempts: list[Any] = field(default_factory=list)
    segments: int = 0
    without_words: int = 0
    done_batches: dict[int | None, int] = field(default_factory=dict)
    """Distinct batches among the segments with words, by the fence that wrote them."""
    done_samples: dict[int | None, int] = field(default_factory=dict)
    text: str | None = None

    @property
    def counted(self) -> list[Any]:
        return [attempt for attempt in self.attempts if not attempt.discarded]


def breaches(
    db: Database,
    *,
    texts: Mapping[str, str] | None = None,
    lease_s: float | None = None,
    recovered_within_s: float | None = None,
    max_attempts: int = 3,
    at_rest: bool = True,
) -> list[str]:
    """Every breach of P1-P4 and P7-P9 that SQL can tell; empty if there is none.

    `texts` maps a recording's SHA-256 to the text of its transcript.  `recovered_within_s`, with
    `lease_s`, limits the time from a lost attempt's last sign of life to the next attempt's start;
    give it only where workers stand idle, for a job may rightly wait behind others.  With `at_rest`
    False jobs may be on their way: what is asked of ended ones is asked of those only.
    """
    installation = _read(db)
    found: list[str] = []
    for told in installation:
        found += [f"job {told.job.id}: {what}" for what in _of_a_job(told, max_attempts, at_rest)]
    if not any(attempt.oom_retries for told in installation for attempt in told.attempts):
        # Less memory splits planned batches, of later jobs too; samples are still counted once.
        for told in installation:
            found += [f"job {told.job.id}: {what}" for what in _batches(told)]
    if texts is not None:
        found += _wrong_texts(installation, texts)
    if recovered_within_s is not None:
        assert lease_s is not None, "the time before the lease ran out counts as well"
        found += _slow_recoveries(installation, recovered_within_s - lease_s)
    found += _starved(installation)
    found += _abandoned_recordings(db)
    found += contradictions(db)
    return found


def _read(db: Database) -> list[_Told]:
    batches = select(
        Segment.job_id,
        Segment.fence,
        func.count(Segment.batch.distinct()),
        func.sum(Segment.end_sample - Segment.start_sample),
    )
    with db.reading() as session:
        jobs = session.execute(
            select(Job.__table__, Recording.sha256).join(
                Recording, Recording.id == Job.recording_id
            )
        )
        told = {job.id: _Told(job, job.sha256) for job in jobs}
        for attempt in session.execute(select(Attempt.__table__).order_by(Attempt.started_at)):
            told[attempt.job_id].attempts.append(attempt)
        for job_id, fence, count, samples in session.execute(
            batches.where(Segment.words.is_not(None)).group_by(Segment.job_id, Segment.fence)
        ):
            told[job_id].done_batches[fence] = count
            told[job_id].done_samples[fence] = int(samples)
        for job_id, total, with_words in session.execute(
            select(Segment.job_id, func.count(), func.count(Segment.words)).group_by(Segment.job_id)
        ):
            told[job_id].segments = total
            told[job_id].without_words = total - with_words
        for job_id, text in session.execute(
            select(StoredTranscript.job_id, StoredTranscript.content["text"].as_string())
        ):
            told[job_id].text = text
    for one in told.values():
        one.attempts.sort(key=lambda attempt: attempt.number)
    return list(told.values())


def _of_a_job(told: _Told, max_attempts: int, at_rest: bool) -> Iterator[str]:
    status = JobStatus(told.job.status)
    if status in TERMINAL:
        yield from _ended(told, status)
    elif at_rest:
        yield f"is {status}, no end (P1)"
    yield from _transcript(told, status)
    yield from _attempts(told, status)
    yield from _counted_once(told)
    yield from _failure(told, status, max_attempts)
    if (told.job.progress == 1) != (status is JobStatus.COMPLETED):
        yield f"is {status} with progress {told.job.progress} (P9)"


def _ended(told: _Told, status: JobStatus) -> Iterator[str]:
    job = told.job
    if job.completed_at is None:
        yield f"is {status} without the time at which it ended (P1)"
    if job.lease_expires_at is not None or job.stage is not None:
        yield f"is {status} and still holds a lease or a stage (P1)"
    late = [a.number for a in told.attempts if job.completed_at and a.started_at > job.completed_at]
    if late:
        yield f"was {status} when attempt {late[0]} started (P9)"
    if status is JobStatus.COMPLETED:
        if told.without_words:
            yield f"is completed, and {told.without_words} planned segments have no words (P3)"
        if told.segments != job.planned_segments:
            yield f"planned {job.planned_segments} segments and has {told.segments} (P3)"


def _transcript(told: _Told, status: JobStatus) -> Iterator[str]:
    if status is JobStatus.COMPLETED and told.text is None:
        yield "is completed and has no transcript (P2)"
    if status is not JobStatus.COMPLETED and told.text is not None:
        yield f"is {status} and has a transcript (P2)"
    completed = [a for a in told.attempts if a.outcome == AttemptOutcome.COMPLETED]
    if len(completed) != (status is JobStatus.COMPLETED):
        yield f"is {status}, and {len(completed)} of its attempts completed it (P2)"
    if completed and completed[-1].fence != told.job.fence:
        yield "was completed by an attempt that was not the last (P2)"


def _attempts(told: _Told, status: JobStatus) -> Iterator[str]:
    ends = told.attempts if status in TERMINAL else told.attempts[:-1]
    for attempt in ends:
        if attempt.outcome is None or attempt.ended_at is None:
            yield f"attempt {attempt.number} has no outcome or no end (P3)"
    fences = [attempt.fence for attempt in told.attempts]
    expected = list(range(1, told.job.fence + 1))
    if fences != expected or [attempt.number for attempt in told.attempts] != expected:
        # Each claim raises the fence by one and opens an attempt in the same transaction.
        yield f"was claimed {told.job.fence} times, and its attempts' fences are {fences} (P3)"
    for before, after in zip(told.attempts, told.attempts[1:], strict=False):
        if before.ended_at is not None and after.started_at < before.ended_at:
            yield f"attempt {after.number} began before attempt {before.number} had ended (P3)"
    for attempt in told.attempts:
        if attempt.ended_at is not None and attempt.ended_at < attempt.started_at:
            yield f"attempt {attempt.number} ended before it began (P3)"


def _counted_once(told: _Told) -> Iterator[str]:
    """What each attempt says to have recognised is what is stored as recognised by it."""
    fences = {attempt.fence for attempt in told.counted}
    unknown = set(told.done_samples) - fences
    if unknown:
        yield f"has words from no counted attempt: fences {sorted(map(str, unknown))} (P4)"
    for attempt in told.counted:
        stored = told.done_samples.get(attempt.fence, 0)
        if attempt.speech_samples is not None and attempt.speech_samples != stored:
            yield (
                f"attempt {attempt.number} counts {attempt.speech_samples} samples as recognised, "
                f"and {stored} are stored as its (P4)"
            )


def _batches(told: _Told) -> Iterator[str]:
    counted = sum(attempt.batches for attempt in told.counted)
    stored = sum(told.done_batches.values())
    if counted != stored:
        yield f"committed {counted} batches for the {stored} that its segments name (P4)"


def _failure(told: _Told, status: JobStatus, max_attempts: int) -> Iterator[str]:
    job = told.job
    if (job.error_code is not None) != (status is JobStatus.FAILED):
        yield f"is {status} with the error code {job.error_code} (P7)"
    if status is not JobStatus.FAILED:
        if job.failed_attempts >= max_attempts:
            yield f"is {status} after {job.failed_attempts} failed attempts (P7)"
        return
    if not job.error_message:
        yield "failed without saying why (P7)"
    last = told.attempts[-1].outcome if told.attempts else None
    if last not in (AttemptOutcome.FAILED, AttemptOutcome.LOST):
        yield f"failed, and its last attempt's outcome is {last} (P7)"
    if last == AttemptOutcome.LOST:
        lost = Counter(attempt.outcome in _NEEDS_ANOTHER for attempt in told.attempts)[True]
        if min(lost, job.failed_attempts) < max_attempts:
            yield f"failed after {lost} lost attempts of {max_attempts} (P7)"


def _wrong_texts(installation: Iterable[_Told], texts: Mapping[str, str]) -> Iterator[str]:
    for told in installation:
        if told.text is None:
            continue
        if told.sha256 not in texts:
            yield f"job {told.job.id}: nobody knows the text of its recording {told.sha256} (P2)"
            continue
        expected = texts[told.sha256]
        if "punctuation_failed" in told.job.warnings:
            expected = expected.translate(_WITHOUT_MARKS)
        if told.text != expected:
            yield (
                f"job {told.job.id}: its text is {told.text[:40]!r} ({len(told.text)} characters), "
                f"not {expected[:40]!r} ({len(expected)}) (P2)"
            )


def _slow_recoveries(installation: Iterable[_Told], within_s: float) -> Iterator[str]:
    for told in installation:
        for before, after in zip(told.attempts, told.attempts[1:], strict=False):
            if before.outcome != AttemptOutcome.LOST or before.ended_at is None:
                continue
            took_s = (after.started_at - before.ended_at).total_seconds()
            if took_s > within_s:
                yield (
                    f"job {told.job.id}: attempt {after.number} began {took_s:.1f} s after attempt "
                    f"{before.number} was lost (P3)"
                )


def _starved(installation: Iterable[_Told]) -> Iterator[str]:
    """At each claim: did an owner with fewer jobs running have one waiting, as urgent?

    A job counts as waiting from when it was last asked for until its next attempt began; one that
    had attempts before may have been held back after an error, and is left out.
    """
    waiting: dict[str, list[tuple[Any, Any, int, str]]] = defaultdict(list)
    running: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    claims = []
    for told in installation:
        job = told.job
        first = told.attempts[0].started_at if told.attempts else job.completed_at
        if first is not None and job.queued_at <= first:
            waiting[job.owner_id].append((job.queued_at, first, job.priority, job.id))
        for attempt in told.attempts:
            running[job.owner_id].append((attempt.started_at, attempt.ended_at))
            claims.append((attempt.started_at, job.priority, job.owner_id, job.id))
    if len(waiting) < 2:
        return
    for at, priority, owner, job_id in claims:
        # Sure to be running: well before the claim and after it.
        own = _at(running[owner], at, surely=True)
        for other, jobs in waiting.items():
            if other == owner or not own:
                continue
            passed_over = [
                waiter
                for since, until, urgency, waiter in jobs
                if since < at - _SEEN_WITHIN
                and until > at + _AT_THE_SAME_TIME
                and urgency >= priority
            ]
            if passed_over and _at(running[other], at, surely=False) < own:
                yield f"job {passed_over[0]}: {job_id} of {owner} was claimed before it (P8)"


def _at(spans: Iterable[tuple[Any, Any]], at: Any, *, surely: bool) -> int:
    """How many of the spans of time hold `at`: by a margin on both sides, or within one."""
    margin = _AT_THE_SAME_TIME if surely else -_AT_THE_SAME_TIME
    return sum(begin < at - margin and (end is None or end > at + margin) for begin, end in spans)


def _abandoned_recordings(db: Database) -> Iterator[str]:
    with db.reading() as session:
        for recording_id in session.scalars(
            select(Recording.id).where(
                ~select(Job.id).where(Job.recording_id == Recording.id).exists()
            )
        ):
            yield f"recording {recording_id}: no job asks for it (P1)"
