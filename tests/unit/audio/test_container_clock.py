"""A frame is heard where the container's clock puts it, as far as that clock can be believed."""

from __future__ import annotations

from itertools import pairwise

import pytest

from worker.audio.decoder.container_clock import MOST_BELIEVED_S, TOLERANCE_S, ContainerClock

FRAME_S = 0.02


def place_all(clock: ContainerClock, starts: list[float | None]) -> list[float]:
    """Where each frame of 20 ms is heard."""
    following = [*starts[1:], None]
    return [
        clock.place(start, FRAME_S, after) for start, after in zip(starts, following, strict=True)
    ]


def frames(count: int, start: float = 0.0, step: float = FRAME_S) -> list[float | None]:
    return [start + step * number for number in range(count)]


def contiguous(places: list[float]) -> bool:
    return all(after - before == pytest.approx(FRAME_S) for before, after in pairwise(places))


def test_frames_end_to_end_are_heard_end_to_end() -> None:
    clock = ContainerClock()
    assert place_all(clock, frames(100)) == pytest.approx(frames(100))
    assert clock.position == pytest.approx(2.0)


def test_a_late_start_is_a_late_start() -> None:
    assert place_all(ContainerClock(), frames(3, 2.5)) == pytest.approx([2.5, 2.52, 2.54])


def test_zero_is_where_it_is_said_to_be() -> None:
    assert place_all(ContainerClock(zero=95_443.0), frames(3, 95_443.0))[0] == 0.0


def test_a_part_behind_others_begins_where_they_end() -> None:
    assert place_all(ContainerClock(zero=7.0, offset=30.0), frames(2, 7.0))[0] == pytest.approx(
        30.0
    )


def test_a_hole_moves_what_follows() -> None:
    clock = ContainerClock()
    places = place_all(clock, frames(10) + frames(10, 31.0))
    assert places[9] == pytest.approx(0.18)
    assert places[10] == pytest.approx(31.0)
    assert clock.position == pytest.approx(31.0 + 10 * FRAME_S)
    assert clock.jumps == [(pytest.approx(0.2), pytest.approx(30.8), True)]


def test_one_damaged_timestamp_moves_nothing() -> None:
    starts = frames(20)
    starts[10] = 900.0
    clock = ContainerClock()
    assert contiguous(place_all(clock, starts))
    assert clock.jumps == []


def test_rounded_timestamps_move_nothing() -> None:
    starts = [round(number * FRAME_S, 2) + 0.003 * (number % 3) for number in range(50)]
    assert contiguous(place_all(ContainerClock(), list(starts)))


@pytest.mark.parametrize("rate", [1.001, 0.999, 0.96, 1.04])
def test_a_clock_that_drifts_is_followed_both_ways(rate: float) -> None:
    clock = ContainerClock()
    starts = [number * FRAME_S * rate for number in range(50_000)]
    places = place_all(clock, list(starts))
    off = max(abs(place - start) for place, start in zip(places, starts, strict=True))
    assert off <= 2 * TOLERANCE_S
    assert clock.drift == pytest.approx(50_000 * FRAME_S * (rate - 1), abs=2 * TOLERANCE_S)


def test_a_recorder_that_steps_back_a_little_is_followed() -> None:
    clock = ContainerClock()
    places = place_all(clock, frames(100) + frames(100, 2.0 - 0.8))
    assert places[100] == pytest.approx(1.2)
    assert clock.drift == pytest.approx(-0.8)


def test_a_clock_that_was_set_back_is_not_followed() -> None:
    clock = ContainerClock()
    assert contiguous(place_all(clock, frames(200) + frames(200)))
    assert clock.jumps == [(pytest.approx(4.0), pytest.approx(-4.0), False)]


def test_hours_ahead_are_a_clock_that_was_set() -> None:
    clock = ContainerClock()
    assert contiguous(place_all(clock, frames(5) + frames(5, MOST_BELIEVED_S + 10)))
    assert [believed for _, _, believed in clock.jumps] == [False]


def test_hours_ahead_are_a_break_where_the_container_has_room_for_it() -> None:
    clock = ContainerClock(told_end=7210.5)
    places = place_all(clock, frames(5) + frames(5, 7210.0))
    assert places[5] == pytest.approx(7210.0)
    assert [believed for _, _, believed in clock.jumps] == [True]


def test_a_break_beyond_the_told_end_is_not_believed() -> None:
    clock = ContainerClock(told_end=5000.0)
    assert contiguous(place_all(clock, frames(5) + frames(5, 7210.0)))


def test_frames_without_timestamps_go_on() -> None:
    assert contiguous(place_all(ContainerClock(), [0.0, None, None, 3 * FRAME_S]))


def test_a_container_without_a_clock_has_no_clock() -> None:
    clock = ContainerClock(has_clock=False)
    assert contiguous(place_all(clock, frames(50, step=0.064)))
    assert clock.drift == 0.0


def test_a_clock_that_stands_still_is_none() -> None:
    clock = ContainerClock()
    starts: list[float | None] = [FRAME_S * (number % 3) for number in range(3000)]
    places = place_all(clock, starts)
    assert places[-1] == pytest.approx(2999 * FRAME_S, abs=0.1)


def test_timestamps_that_the_demuxer_made_up_move_nothing() -> None:
    """Frames of 21 ms, which it takes for 64 ms, between timestamps that are right."""
    frame_s = 0.0213
    starts = [16 * frame_s * packet + 0.064 * frame for packet in range(20) for frame in range(16)]
    clock = ContainerClock()
    for start, following in pairwise(starts):
        clock.place(start, frame_s, following)
    assert clock.position == pytest.approx(frame_s * (len(starts) - 1))


def test_a_track_that_begins_where_others_end_goes_on_there() -> None:
    """Broadcasts that were joined name their tracks anew, and the clock may begin anew too."""
    for zero in (1.4, 25.4):
        clock = ContainerClock(zero=1.4, others_at=lambda: 24.0)
        assert place_all(clock, frames(3, zero)) == pytest.approx(frames(3, 24.0))
        assert bool(clock.jumps) == (zero == 1.4)
    beside = ContainerClock(zero=1.4, others_at=lambda: 3.0)
    assert place_all(beside, frames(3, 1.4)) == pytest.approx(frames(3))


def test_a_track_whose_clock_begins_anew_follows_the_others() -> None:
    others_at = 0.0
    clock = ContainerClock(others_at=lambda: others_at)
    place_all(clock, frames(100))
    others_at = 60.0
    assert place_all(clock, frames(3)) == pytest.approx(frames(3, 60.0))


def test_a_timestamp_every_few_frames_is_enough() -> None:
    clock = ContainerClock()
    starts: list[float | None] = []
    for number in range(6):
        starts += [5.0 + 3 * FRAME_S * number, None, None]
    places = place_all(clock, starts)
    assert places[:3] == pytest.approx(frames(3))  # one timestamp may be damaged
    assert places[3:] == pytest.approx(frames(15, 5.0 + 3 * FRAME_S))
