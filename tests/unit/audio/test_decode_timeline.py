"""Where frames go when timestamps have holes, jump or lie."""

from __future__ import annotations

import pytest

from worker.audio.decoder.timeline import GAP_TOLERANCE_S, MAX_GAP_S, Timeline

FRAME_S = 0.02


def place_all(timeline: Timeline, starts: list[float | None]) -> list[float]:
    """Silence before each of a row of frames, all FRAME_S long."""
    following = [*starts[1:], None]
    return [
        timeline.place(start, FRAME_S, after)
        for start, after in zip(starts, following, strict=True)
    ]


def frames(count: int, start: float = 0.0) -> list[float | None]:
    return [start + number * FRAME_S for number in range(count)]


def test_contiguous_frames_need_no_silence() -> None:
    timeline = Timeline(origin=0.0)
    assert place_all(timeline, frames(100)) == [0.0] * 100
    assert timeline.position == pytest.approx(2.0)


def test_sound_that_starts_late_starts_late() -> None:
    assert place_all(Timeline(origin=0.0), frames(3, 2.5)) == pytest.approx([2.5, 0, 0])


def test_zero_is_where_the_container_starts() -> None:
    assert place_all(Timeline(origin=95_443.0), frames(3, 95_443.0)) == [0, 0, 0]
    assert place_all(Timeline(origin=None), frames(3, 95_443.0)) == [0, 0, 0]


def test_a_hole_becomes_silence_of_its_length() -> None:
    timeline = Timeline(origin=0.0)
    silences = place_all(timeline, frames(10) + frames(10, 31.0))
    assert silences[10] == pytest.approx(31.0 - 10 * FRAME_S)
    assert sum(silences) == pytest.approx(silences[10])
    assert timeline.position == pytest.approx(31.0 + 10 * FRAME_S)


def test_one_damaged_timestamp_moves_nothing() -> None:
    starts = frames(20)
    starts[7] = 900.0
    timeline = Timeline(origin=0.0)
    assert place_all(timeline, starts) == [0.0] * 20
    assert timeline.resets == 0


def test_rounded_and_wandering_timestamps_are_contiguous() -> None:
    starts = [round(number * FRAME_S + 0.018 * (number % 2), 3) for number in range(50)]
    assert place_all(Timeline(origin=0.0), list(starts)) == [0.0] * 50


def test_a_drifting_clock_is_followed_to_within_the_tolerance() -> None:
    """A sound card that gives 0.1% fewer samples than its rate promises."""
    timeline = Timeline(origin=0.0)
    starts: list[float | None] = [number * FRAME_S * 1.001 for number in range(50_000)]
    place_all(timeline, starts)
    assert timeline.position == pytest.approx(50_000 * FRAME_S * 1.001, abs=2 * GAP_TOLERANCE_S)


def test_a_clock_set_forward_too_far_is_closed() -> None:
    timeline = Timeline(origin=0.0)
    assert sum(place_all(timeline, frames(5) + frames(5, MAX_GAP_S + 10))) == 0
    assert timeline.resets == 1
    assert timeline.position == pytest.approx(10 * FRAME_S)


def test_joined_recordings_whose_clocks_start_again_follow_each_other() -> None:
    timeline = Timeline(origin=0.0)
    starts = frames(100) + frames(100) + frames(50) + frames(50, 3.0)
    silences = place_all(timeline, starts)
    # The hole in the last recording is still seen: 3.0 s on its clock, after 1.0 s of sound.
    assert [s for s in silences if s] == [pytest.approx(2.0)]
    assert timeline.resets == 2


def test_frames_without_timestamps_follow_each_other() -> None:
    assert place_all(Timeline(origin=0.0), [0.0, None, None, 3 * FRAME_S]) == [0, 0, 0, 0]
