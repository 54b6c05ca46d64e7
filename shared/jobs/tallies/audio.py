"""Audio seconds that a job is counted as."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func

from shared.models import Recording

OTHER_BYTES_A_SECOND = 16_000.0
"""Bytes a second of a file of which nothing else is known: 128 kbit/s, what recorders and
telephones mostly compress speech to."""

LONGEST_S = 1e9
"""Thirty years: no recording and no estimate is longer, and one that is stored as longer, or as
endless, was written by something else."""


def audio_seconds_sql() -> ColumnElement[Any]:
    """The length of a recording in SQL: decoded, or estimated when it was submitted."""
    return func.coalesce(
        Recording.duration_s,
        Recording.estimated_s,
        Recording.size_bytes / OTHER_BYTES_A_SECOND,  # submitted to a version before 0003
    )
