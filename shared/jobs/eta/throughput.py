"""Estimates from earlier jobs for the next: audio seconds recognised a wall second, and the length
of a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from statistics import median
from typing import Any

from sqlalchemy import Select, func, literal_column, select
from sqlalchemy.orm import Session

from shared.db import database_now, readable_rows
from shared.dialects import told_limit
from shared.jobs.eta.time_spent import attempt_s
from shared.jobs.tallies.audio import LONGEST_S, OTHER_BYTES_A_SECOND
from shared.models import Attempt, Job, Recording, WorkerSeen
from shared.states import AttemptOutcome

_LAST_ATTEMPTS = 50
_LAST_RECORDINGS = 200
_BYTES_A_SECOND = {
    **dict.fromkeys((".wav", ".aif", ".aiff", ".pcm"), 32_000.0),  # 16 kHz mono, 16 bits
    ".flac": 20_000.0,
    **dict.fromkeys((".mp4", ".mkv", ".mov", ".webm", ".avi", ".ts"), 150_000.0),
}
"""Bytes a second of kinds of files of which none was decoded yet, by suffix."""

_DECODED = (
    select(Recording.filename, Recording.size_bytes, Recording.duration_s)
    .where(
        Recording.duration_s > literal_column("0"),
        Recording.duration_s < literal_column(repr(LONGEST_S)),
    )
    .order_by(Recording.id.desc())
    .limit(told_limit(_LAST_RECORDINGS))
)
"""The recordings that were decoded last."""


def learned_throughput(session: Session) -> float | None:
    """Audio seconds that a job works off in a wall second; None before the first job."""
    return throughput_of(readable_rows(session, last_completed()))


def last_completed() -> Select[Any, Any, Any, Any]:
    """Select the attempts that throughput is learned from, the latest first."""
    return (
        select(Attempt.model, Attempt.started_at, Attempt.ended_at, Recording.duration_s)
        .join(Job, Job.id == Attempt.job_id)
        .join(Recording, Recording.id == Job.recording_id)
        .where(
            # A later attempt may have found most of the work done.
            Attempt.number == literal_column("1"),
            Attempt.outcome == literal_column(repr(AttemptOutcome.COMPLETED.value)),
            Recording.duration_s > literal_column("0"),
            Recording.duration_s < literal_column(repr(LONGEST_S)),
        )
        .order_by(Attempt.id.desc())
        .limit(told_limit(_LAST_ATTEMPTS))
    )


def throughput_of(completed: Sequence[Any]) -> float | None:
    """Audio seconds a wall second, from rows with the columns of `last_completed`, in its order.

    The median, weighted by length, of those with the model that completed the latest.  The weight
    keeps jobs of a few seconds, of which most is overhead, from speaking for those of hours.
    """
    rates = []
    for row in completed:
        took_s = attempt_s(row, row.ended_at)
        if row.model == completed[0].model and took_s > 0:
            rates.append((row.duration_s / took_s, row.duration_s))
    return weighted_median(rates)


def weighted_median(values: Iterable[tuple[float, float]]) -> float | None:
    """The value of (value, weight) pairs that half of the weight lies at or below; None of none."""
    ordered = sorted(values)
    half = sum(weight for _, weight in ordered) / 2
    below = 0.0
    for value, weight in ordered:
        below += weight
        if below >= half:
            return value
    return None


def estimate_audio_s(
    session: Session,
    *,
    filename: str,
    size_bytes: int,
    longest_s: float,
    told_s: float | None = None,
) -> float:
    """Estimated seconds of audio in a file that nobody has decoded, at most `longest_s`.

    `told_s`, what its container tells, where it does.  Else from its bytes, and the bytes a second
    that most of the last decoded recordings of the same suffix had.
    """
    if told_s is not None:
        return min(told_s, longest_s)
    suffix = PurePath(filename).suffix.lower()
    rates = [
        row.size_bytes / row.duration_s
        for row in session.execute(_DECODED)
        if PurePath(row.filename).suffix.lower() == suffix
    ]
    # Each file counts once, however long: hours of silence would outweigh all others.
    rate = median(rates) if rates else _BYTES_A_SECOND.get(suffix, OTHER_BYTES_A_SECOND)
    return min(size_bytes / rate, longest_s)


def slots_alive(session: Session, *, within_s: float) -> int:
    """Number of jobs run at once by all workers together that reported themselves in the last
    `within_s` seconds and that nothing keeps from work."""
    slots = session.scalar(
        select(func.sum(WorkerSeen.jobs_at_once)).where(
            WorkerSeen.seen_at >= database_now(-within_s), WorkerSeen.obstacles == ""
        )
    )
    return int(slots or 0)
