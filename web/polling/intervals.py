"""Seconds between two polls of a page or a program, which `Retry-After` tells them."""

from __future__ import annotations

AT_LEAST_S = 1
AT_MOST_S = 15
QUEUED_S = 3
"""Seconds between two polls of a job of which nobody knows how long it takes."""

LIST_UNCHANGED_S = 4
"""Seconds between two polls of the page of the list while nothing on it changes."""

FETCH_S = 2
MINUTES_S = 2


def job_interval_s(eta_seconds: float | None) -> int:
    """Seconds until the next poll of an unfinished job: a tenth of the remaining time, within
    limits."""
    if eta_seconds is None:
        return QUEUED_S
    return max(AT_LEAST_S, min(AT_MOST_S, round(eta_seconds / 10)))
