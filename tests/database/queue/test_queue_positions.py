"""Places further back than what is played forward, on both databases."""

from __future__ import annotations

import random
from typing import Any

import pytest

from shared import jobs
from shared.db import Database
from shared.jobs.eta import queue_positions
from shared.jobs.scheduling import approximate_places, next_job
from tests.support import factories


def shown(db: Database, owner_id: str) -> dict[str, int | None]:
    page = jobs.list_jobs(db, owner_id=owner_id, limit=100)
    return {view.job.id: view.queue_position for view in page.jobs}


def taken(db: Database) -> list[str]:
    """The order in which one worker takes all that waits."""
    order = []
    while (claim := jobs.claim_next(db, worker="w", lease_s=60)) is not None:
        order.append(claim.job_id)
        factories.complete(db, claim)
    return order


@pytest.mark.parametrize("few", [1_000, 3])
@pytest.mark.parametrize("many_owners", [next_job.MANY_OWNERS, 0])
def test_an_owner_alone_has_exact_places_at_any_length(
    db: Database, monkeypatch: pytest.MonkeyPatch, few: int, many_owners: int
) -> None:
    monkeypatch.setattr("shared.jobs.eta.queue_positions._MOST_SIMULATED", 4)
    monkeypatch.setattr(approximate_places, "_FEW", few)
    monkeypatch.setattr(approximate_places, "MANY_OWNERS", many_owners)
    chance = random.Random(few)
    for _ in range(14):
        factories.submit(db, owner_id="a", priority=chance.choice([-1, 0, 0, 2]))
    single = factories.view(db, factories.submit(db, owner_id="a"), owner_id="a").queue_position
    places = shown(db, "a")
    order = taken(db)
    assert places == {job_id: place for place, job_id in enumerate(order, start=1)}
    assert single in places.values()


def test_jobs_far_back_have_the_same_places_whether_or_not_the_queue_was_played(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_positions, "_MOST_SIMULATED", 6)
    monkeypatch.setattr(queue_positions, "_KEPT_S", 0.0)
    played: list[Any] = []
    simulate = queue_positions._simulate

    def noted(*given: Any) -> Any:
        played.append(given)
        return simulate(*given)

    monkeypatch.setattr(queue_positions, "_simulate", noted)
    ids = [factories.submit(db, owner_id=owner_id) for owner_id in ("a", "b") for _ in range(8)]
    alone = {job_id: factories.view(db, job_id, owner_id="a").queue_position for job_id in ids[3:8]}
    assert not played
    assert factories.view(db, ids[2], owner_id="a").queue_position == 5
    assert len(played) == 1
    together = shown(db, "a")
    assert len(played) == 2
    assert {job_id: together[job_id] for job_id in alone} == alone


def test_owners_who_take_turns_are_placed_as_they_are_taken_or_nearly(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.jobs.eta.queue_positions._MOST_SIMULATED", 6)
    for owner_id, count in (("a", 12), ("b", 5), ("c", 1)):
        for _ in range(count):
            factories.submit(db, owner_id=owner_id)
    places = shown(db, "a") | shown(db, "b") | shown(db, "c")
    order = taken(db)
    assert [job_id for job_id in order if places[job_id] in range(1, 6)] == order[:5]
    for place, job_id in enumerate(order, start=1):
        assert abs(places[job_id] - place) <= 2, (place, places[job_id])


def test_a_queue_longer_than_what_is_played_forward_promises_no_time_further_back(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.jobs.eta.queue_positions._MOST_SIMULATED", 2)
    factories.learn(db, speed=10)
    factories.a_worker(db)
    waiting = [factories.submit_lasting(db, 60) for _ in range(4)]
    times = [factories.view(db, job_id).eta_s for job_id in waiting]
    assert times == [pytest.approx(6), pytest.approx(12), None, None]
