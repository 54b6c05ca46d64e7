"""Check of `longscribe doctor` on the tallies of jobs and of bytes stored."""

from __future__ import annotations

from shared import jobs
from shared.cli.doctor.finding import Finding, ok, problem
from shared.db import Database
from shared.storage import stored_bytes

_WHY = "rows were changed with triggers switched off, or a part of the database was restored"
_AGAIN = "Count again, at any time: longscribe recount"


def check_tallies(db: Database) -> list[Finding]:
    """Count every job and every byte stored, and compare."""
    thing = "tallies"
    of_jobs, of_bytes = jobs.find_drift(db), stored_bytes.find_drift(db)
    found = []
    if of_jobs:
        first = of_jobs[0]
        wrong = (
            f"wrong for {len(of_jobs)} pairs of owner and state, for {first.owner_id} and "
            f"{first.status} by {first.jobs:+d} jobs and {first.audio_ms / 1000:+,.0f} s of audio; "
        )
        found.append(problem(thing, wrong + _WHY, _AGAIN))
    if of_bytes:
        most = of_bytes[0]
        wrong = (
            f"wrong for what {len(of_bytes)} owners have stored, for {most.owner_id} by "
            f"{most.bytes:+,d} bytes; "
        )
        found.append(problem(thing, wrong + _WHY, _AGAIN))
    return found or [ok(thing, "as many jobs and bytes as there are")]
