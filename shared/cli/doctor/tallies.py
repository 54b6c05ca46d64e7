"""What `longscribe doctor` finds out about the tallies of jobs."""

from __future__ import annotations

from shared import jobs
from shared.cli.doctor.finding import Finding, ok, problem
from shared.db import Database


def check_tallies(db: Database) -> list[Finding]:
    """Count every job, and compare."""
    thing = "tallies"
    drift = jobs.find_drift(db)
    if not drift:
        return [ok(thing, "as many jobs as there are")]
    first = drift[0]
    return [
        problem(
            thing,
            f"wrong for {len(drift)} pairs of owner and state, for {first.owner_id} and "
            f"{first.status} by {first.jobs:+d} jobs and {first.audio_ms / 1000:+,.0f} s of audio; "
            "rows were changed with triggers switched off, or a part of the database was restored",
            "Count again, at any time: longscribe recount",
        )
    ]
