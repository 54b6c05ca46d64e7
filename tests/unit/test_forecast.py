"""When a waiting job will be done: the arithmetic, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.eta.simulation import ANY, RunningJob, WaitingJob, remaining_s, simulate_queue
from shared.jobs.eta.throughput import weighted_median
from shared.jobs.queue_limit import retry_after_s

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def waiting(name: str, work_s: float, **values: object) -> WaitingJob:
    """Queued in the order of their names' last letters."""
    said = {"owner_id": "a", "priority": 0, "queued_at": NOON + timedelta(seconds=ord(name[-1]))}
    return WaitingJob(job_id=name, work_s=work_s, **(said | values))  # type: ignore[arg-type]


class TestForecast:
    def test_one_slot_takes_one_after_the_other(self) -> None:
        line = [waiting("a", 10), waiting("b", 20), waiting("c", 5)]
        assert simulate_queue(line, [], {ANY: 1}, {}) == {"a": 10, "b": 30, "c": 35}

    def test_a_running_job_is_waited_for_and_two_slots_share(self) -> None:
        line = [waiting("a", 10), waiting("b", 20), waiting("c", 5)]
        assert simulate_queue(line, [RunningJob("a", 12)], {ANY: 2}, {}) == {
            "a": 10,
            "b": 30,
            "c": 17,
        }

    def test_a_higher_priority_goes_first(self) -> None:
        line = [waiting("a", 10), waiting("b", 20, priority=1)]
        assert simulate_queue(line, [], {ANY: 1}, {}) == {"b": 20, "a": 30}

    def test_an_owner_with_fewer_running_overtakes_one_with_many_waiting(self) -> None:
        many = [waiting(f"many-{letter}", 10) for letter in "abcd"]
        one = waiting("one-z", 10, owner_id="z")
        done = simulate_queue([*many, one], [RunningJob("a", 10)], {ANY: 2}, {})
        assert done["one-z"] == 10
        assert done["many-a"] == 20

    def test_with_one_slot_owners_take_turns(self) -> None:
        many = [waiting(f"many-{letter}", 10) for letter in "abcd"]
        few = [waiting(f"few-{letter}", 10, owner_id="z") for letter in "yz"]
        done = simulate_queue([*many, *few], [], {ANY: 1}, {"a": 7})
        assert list(done) == ["few-y", "many-a", "few-z", "many-b", "many-c", "many-d"]

    def test_a_job_that_may_not_be_taken_yet_lets_others_go_before(self) -> None:
        line = [waiting("a", 10, available_in_s=60), waiting("b", 20)]
        assert simulate_queue(line, [], {ANY: 1}, {}) == {"b": 20, "a": 70}

    def test_nobody_works_and_nothing_is_promised(self) -> None:
        assert simulate_queue([waiting("a", 10)], [], {ANY: 0}, {}) == {}

    def test_a_job_that_names_a_model_waits_for_its_workers_and_holds_up_nobody(self) -> None:
        line = [
            waiting("a", 10, model="large"),
            waiting("b", 10, model="small"),
            waiting("c", 10),
            waiting("d", 10, model="none runs it"),
        ]
        busy = [RunningJob("x", 50, model="large")]
        done = simulate_queue(line, busy, {"large": 1, "small": 1}, {})
        assert done == {"b": 10, "c": 20, "a": 60}

    def test_workers_of_which_no_model_is_known_take_what_names_none(self) -> None:
        line = [waiting("a", 10, model="large"), waiting("b", 20)]
        assert simulate_queue(line, [], {ANY: 1}, {}) == {"b": 20}

    @given(
        st.lists(
            st.tuples(
                st.integers(1, 50),
                st.sampled_from("xyz"),
                st.integers(-1, 1),
                st.integers(0, 30),
                st.sampled_from([0, 0, 7]),
                st.sampled_from([ANY, ANY, "large", "small", "none runs it"]),
            ),
            max_size=25,
        ),
        st.lists(
            st.tuples(st.sampled_from("xyz"), st.integers(0, 40), st.sampled_from([ANY, "large"])),
            max_size=3,
        ),
        st.sampled_from([{ANY: 1}, {ANY: 3}, {"large": 2}, {ANY: 1, "large": 1, "small": 2}]),
        st.dictionaries(st.sampled_from("xyz"), st.integers(1, 5)),
    )
    def test_it_is_what_trying_every_waiting_job_at_every_step_gives(
        self,
        jobs: list[tuple[int, str, int, int, int, str]],
        held: list[tuple[str, int, str]],
        slots: dict[str, int],
        turns: dict[str, int],
    ) -> None:
        line = [
            WaitingJob(
                f"{number:02}", owner, priority, NOON + timedelta(seconds=age), work, later, model
            )
            for number, (work, owner, priority, age, later, model) in enumerate(jobs)
        ]
        running = [RunningJob(*job) for job in held]
        done = simulate_queue(line, running, slots, turns)
        assert list(done.items()) == step_by_step(line, running, slots, turns)
        run = {ANY, *slots, *(job.model for job in running)}
        assert set(done) == {job.job_id for job in line if job.model in run}
        by_id = {job.job_id: job for job in line}
        for job_id, at in done.items():
            assert at >= by_id[job_id].available_in_s + by_id[job_id].work_s


def step_by_step(
    line: list[WaitingJob],
    running: list[RunningJob],
    slots: dict[str, int],
    turns: dict[str, int],
) -> list[tuple[str, float]]:
    """The claim's ORDER BY, evaluated anew whenever a slot is free."""
    last_turn = dict(turns)
    free = [(job.remaining_s, job.owner_id, job.model) for job in running]
    for model, number in slots.items():
        held = sum(job.model == model for job in running)
        free += [(0.0, "", model)] * (number - held)
    left = list(line)
    done: list[tuple[str, float]] = []
    owners = [job.owner_id for job in running]
    while left and free:
        now, owner, model = min(free)
        free.remove((now, owner, model))
        if owner in owners:
            owners.remove(owner)
        may_take = [job for job in left if job.model in (ANY, model)]
        ready = [job for job in may_take if job.available_in_s <= now]
        if not ready:
            if may_take:
                free.append((min(job.available_in_s for job in may_take), "", model))
            continue
        taken = min(
            ready,
            key=lambda job: (
                -job.priority,
                owners.count(job.owner_id),
                last_turn.get(job.owner_id, 0),
                job.queued_at,
                job.job_id,
            ),
        )
        left.remove(taken)
        last_turn[taken.owner_id] = max(last_turn.values(), default=0) + 1
        owners.append(taken.owner_id)
        done.append((taken.job_id, now + taken.work_s))
        free.append((now + taken.work_s, taken.owner_id, model))
    return done


class TestRemaining:
    def test_at_the_start_it_is_what_was_learnt(self) -> None:
        assert remaining_s(0.0, 3.0, 600.0) == 600.0

    def test_early_haste_or_delay_hardly_counts(self) -> None:
        # At a twentieth, its own pace would say 19 s or 19 minutes.
        assert remaining_s(0.05, 1.0, 600.0) == pytest.approx(0.95 * (0.05 * 20 + 0.95 * 600))
        assert remaining_s(0.05, 60.0, 600.0) == pytest.approx(0.95 * (0.05 * 1200 + 0.95 * 600))

    def test_near_the_end_its_own_pace_decides(self) -> None:
        assert remaining_s(0.95, 950.0, 100.0) == pytest.approx(50, rel=0.06)

    def test_nothing_learnt_and_nothing_done_is_unknown(self) -> None:
        assert remaining_s(0.01, 3.0, None) is None
        assert remaining_s(0.5, 30.0, None) == 30.0

    @given(st.floats(0, 1), st.floats(0, 1e5), st.none() | st.floats(0.01, 1e5))
    def test_it_is_never_negative_and_lies_between_what_both_say(
        self, progress: float, spent_s: float, expected_s: float | None
    ) -> None:
        left = remaining_s(progress, spent_s, expected_s)
        if left is None:
            assert expected_s is None
            return
        totals = [spent_s / progress] if progress >= 0.02 else []
        totals += [] if expected_s is None else [expected_s]
        most = max(totals) * (1 - progress)
        assert min(totals) * (1 - progress) * 0.999 <= left <= most * 1.001


class TestWhatIsLearnt:
    def test_the_median_is_of_the_audio_and_not_of_the_jobs(self) -> None:
        short = [(3.0, 5.0)] * 9
        assert weighted_median([*short, (40.0, 3600.0)]) == 40.0
        assert weighted_median([(1.0, 1.0), (2.0, 1.0), (9.0, 1.0)]) == 2.0
        assert weighted_median([]) is None

    @given(st.lists(st.tuples(st.floats(0.1, 1e3), st.floats(0.1, 1e4)), min_size=1))
    def test_the_median_is_one_of_the_values_with_half_on_either_side(
        self, values: list[tuple[float, float]]
    ) -> None:
        median = weighted_median(values)
        half = sum(weight for _, weight in values) / 2
        assert median in {value for value, _ in values}
        assert sum(weight for value, weight in values if value < median) <= half * 1.000001
        assert sum(weight for value, weight in values if value > median) <= half * 1.000001

    def test_when_to_come_again_follows_from_speed_and_slots(self) -> None:
        assert retry_after_s(3600.0, 10.0, 2) == 180.0
        assert retry_after_s(1.0, 10.0, 1) == 5.0
        assert retry_after_s(1e9, 10.0, 1) == 3600.0
        assert retry_after_s(3600.0, None, 1) == retry_after_s(3600.0, 10.0, 0) == 60.0
