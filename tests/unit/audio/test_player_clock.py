"""Samples of the spool, and when a player lets them be heard."""

from __future__ import annotations

import numpy as np
import pytest

from shared.transcripts.sound_selection import SoundSelection
from tests.support.speech.media import RATE
from worker.audio.decoder.claims import read_header
from worker.audio.hole_filling import Placement
from worker.audio.player_clock import PlayerClock
from worker.audio.player_waveform import PlayerWaveform
from worker.audio.takes import Take, TakesClock, takes_of


def test_samples_and_player_agree_until_told_otherwise() -> None:
    clock = PlayerClock()
    assert clock.heard_s(5 * RATE) == 5.0
    for rounded in (3.0, 3.005, 2.995):
        clock.note(3 * RATE, rounded)
        assert clock.heard_s(3 * RATE) == 3.0
        assert clock.heard_s(5 * RATE) == 5.0


def test_a_step_back_holds_from_its_sample_on() -> None:
    clock = PlayerClock()
    clock.note(10 * RATE, 9.2)
    assert clock.heard_s(10 * RATE - 1) == pytest.approx(10.0, abs=1e-3)
    assert clock.heard_s(10 * RATE) == pytest.approx(9.2)
    assert clock.heard_s(20 * RATE) == pytest.approx(19.2)


def test_a_hole_is_silence_and_a_drift_is_not() -> None:
    placement = Placement(1)
    assert placement.place(0, RATE, 0.0) == 0
    assert placement.place(0, RATE, 1.05) == RATE  # the clock runs faster: nothing is put in
    assert placement.clock.heard_s(RATE) == pytest.approx(1.05)
    assert placement.place(0, RATE, 7.05) == 7 * RATE
    assert placement.filled_s == pytest.approx(5.0)
    assert placement.place(0, RATE, 7.5) == 8 * RATE  # a step back: nothing is cut out
    assert placement.clock.heard_s(8 * RATE) == pytest.approx(7.5)


def test_a_late_first_track_is_late_and_no_hole() -> None:
    placement = Placement(1)
    assert placement.place(0, RATE, 5.0) == 5 * RATE
    assert placement.filled == []
    assert placement.starts_s == [5.0]


def test_another_track_follows_the_first() -> None:
    placement = Placement(2)
    placement.place(0, 10 * RATE, 0.0)
    placement.place(0, 10 * RATE, 9.0)  # its clock steps back by 1 s
    assert placement.place(1, RATE, 12.0) == 13 * RATE
    assert placement.place(1, RATE, 12.9) == 14 * RATE
    assert placement.place(1, RATE, 15.0) == 16 * RATE


HEADER = {
    "tracks": [
        {"heard": True, "decodable": True, "channels": 2, "title": "Ann"},
        {"heard": True, "decodable": True, "channels": 1},
        {"heard": False, "decodable": False, "channels": 6},
    ]
}


@pytest.mark.parametrize(
    ("tracks", "channels", "takes"),
    [
        ("mix", "mix", [Take()]),
        (2, "mix", [Take(2)]),
        ("mix", 2, [Take(None, 2)]),
        ("each", "mix", [Take(1, None, "Ann"), Take(2, None, "Track 2")]),
        (1, "each", [Take(1, 1, "Ann Channel 1"), Take(1, 2, "Ann Channel 2")]),
        (2, "each", [Take(2)]),
        ("mix", "each", [Take(None, 1, "Channel 1"), Take(None, 2, "Channel 2")]),
        (9, "each", [Take(9)]),
        (
            "each",
            "each",
            [Take(1, 1, "Ann Channel 1"), Take(1, 2, "Ann Channel 2"), Take(2, None, "Track 2")],
        ),
    ],
)
def test_the_takes_that_a_job_asks_for(
    tracks: str | int, channels: str | int, takes: list[Take]
) -> None:
    selection = SoundSelection.from_options({"tracks": tracks, "channels": channels})
    assert list(takes_of(selection, read_header(HEADER))) == takes


def test_takes_begin_at_zero_again() -> None:
    clocks = TakesClock()
    assert clocks.heard_s(RATE) == 1.0
    clocks.begin(0, Take(1), PlayerClock())
    second = PlayerClock()
    second.note(0, 0.5)
    clocks.begin(10 * RATE, Take(2, None, "Track 2"), second)
    assert clocks.heard_s(9 * RATE) == 9.0
    assert clocks.heard_s(12 * RATE) == pytest.approx(2.5)
    assert list(clocks.starts) == [(0, None), (10 * RATE, "Track 2")]


def test_a_waveform_is_in_the_players_time() -> None:
    clock, waveform = PlayerClock(), PlayerWaveform()
    waveform.begin_take()
    loud = np.full(10 * RATE, 9000, np.int16)
    waveform.feed(loud, clock)
    clock.note(10 * RATE, 8.0)
    waveform.feed(loud, clock)
    found = waveform.waveform()
    assert found is not None and found.duration_s == pytest.approx(18.0)
    waveform.begin_take()
    waveform.feed(np.zeros(10 * RATE, np.int16), PlayerClock())
    both = waveform.waveform()
    assert both is not None and both.duration_s == pytest.approx(18.0)
    assert both.peaks == found.peaks
