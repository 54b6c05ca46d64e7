"""Seconds an attempt took, and seconds workers spent on a job: one definition for all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any


def attempt_s(attempt: Any, now: datetime) -> float:
    """Wall seconds of an attempt, or of any row with its `started_at` and `ended_at`; up to `now`,
    by the database's clock, while it runs. 0 of one that began since `now` was read."""
    ended_at = attempt.ended_at or max(now, attempt.started_at)
    seconds: float = (ended_at - attempt.started_at).total_seconds()
    return seconds


def job_s(attempts: Iterable[Any], now: datetime) -> float:
    """Wall seconds that workers spent on a job, over all of its attempts."""
    return sum(attempt_s(attempt, now) for attempt in attempts)
