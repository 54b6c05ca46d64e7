"""A worker claims only what its disk has room for; what it passes by keeps its place."""

from __future__ import annotations

import math

import pytest

from shared import jobs
from shared.db import Database
from shared.jobs import Room
from tests.support import factories


def claimed(db: Database, room: Room | None) -> str | None:
    claim = jobs.claim_next(db, worker="w", lease_s=60, room=room)
    return None if claim is None else claim.job_id


@pytest.mark.parametrize("most_heads", [1_000, 0], ids=["few owners", "many owners"])
def test_the_first_that_fits_is_taken_and_the_others_wait(
    db: Database, monkeypatch: pytest.MonkeyPatch, most_heads: int
) -> None:
    monkeypatch.setattr("shared.jobs.scheduling.next_job.MANY_OWNERS", most_heads)
    long, short = factories.submit_lasting(db, 3600), factories.submit_lasting(db, 60)
    room = Room(longest_s=100, beyond_all_s=math.inf)
    assert claimed(db, room) == short
    assert claimed(db, room) is None
    assert claimed(db, Room(longest_s=4000, beyond_all_s=math.inf)) == long


def test_what_fits_on_no_disk_is_taken_to_be_told_so(db: Database) -> None:
    too_long = factories.submit_lasting(db, 3600)
    assert claimed(db, Room(longest_s=100, beyond_all_s=4000)) is None
    assert claimed(db, Room(longest_s=100, beyond_all_s=200)) == too_long
