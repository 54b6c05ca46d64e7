"""Several tracks: each is heard, whatever its level, and however badly they are interleaved."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from shared.transcripts.recording_report import ChannelUse
from tests.support.sounds.mixes import RATE, as_pcm, factor, mix, speech
from tests.support.sounds.without_speech import Clip
from tests.unit.audio.mixing.test_channels import first_half, likeness, noise, second_half
from worker.audio.mixing import Mixer, TrackFormat


def test_two_people_on_two_tracks_are_added() -> None:
    mixed, summary = mix(first_half(), second_half())
    assert np.array_equal(mixed, as_pcm(speech()))
    assert [track.level_dbfs for track in summary.tracks] == [
        pytest.approx(-27.3, abs=1.5),
        pytest.approx(-27.3, abs=1.5),
    ]


def test_loud_tracks_are_scaled_not_cut_off() -> None:
    sound = speech() * factor(9)
    mixed, summary = mix(sound, sound)
    assert np.abs(mixed.astype(int)).max() <= 32_768
    assert summary.gain_db == pytest.approx(-4.6, abs=0.1)
    assert likeness(mixed, speech()) > 18


@pytest.mark.parametrize("kind", ["white noise", "mains hum"])
def test_a_track_of_steady_noise_is_set_aside(kind: str) -> None:
    mixed, summary = mix(Clip(kind, -10, 48.2).sound(), speech())
    assert np.array_equal(mixed, as_pcm(speech()))
    assert summary.tracks[0].level_dbfs is None


def test_a_faint_microphone_beside_a_loud_desktop() -> None:
    desktop, microphone = first_half(), second_half() * factor(-40) + noise(-100)
    mixed, summary = mix([desktop, desktop], microphone)
    assert likeness(mixed, speech(), 1, 25) > 30
    assert likeness(mixed, speech(), 27, 47) > 20
    assert as_pcm(speech())[30 * RATE :].std() / mixed[30 * RATE :].std() < 10 ** (15 / 20)
    assert summary.tracks[1].level_dbfs == pytest.approx(-67, abs=1.5)
    assert summary.tracks[1].channel_use is ChannelUse.MIXED


def test_a_faint_microphone_under_loud_music() -> None:
    music = Clip("music", -6, 48.2).sound()
    mixed, _ = mix([music, music], speech() * factor(-30))
    assert likeness(mixed, speech()) > 10


def test_a_floor_is_not_raised_into_the_speech_of_others() -> None:
    microphone = second_half() * factor(-40) + noise(-78)
    mixed, _ = mix(first_half(), microphone)
    assert likeness(mixed, speech(), 1, 25) > 15


def test_a_track_may_lag_within_what_fits() -> None:
    late = second_half()[None]
    mixer = Mixer([TrackFormat(1, False), TrackFormat(1, False)])
    mixer.add(0, 0, first_half()[None])
    mixer.add(1, 0, late)
    assert np.array_equal(mixer.finish(), as_pcm(speech()))
    assert [track.late_s for track in mixer.summary().tracks] == [0, 0]


def test_a_track_that_lags_further_is_counted_and_left() -> None:
    mixer = Mixer([TrackFormat(2, False), TrackFormat(1, False)])
    minute = np.zeros((2, 60 * RATE), np.float32)
    minute[:, ::100] = 0.01
    tracemalloc.start()
    taken = 0
    for number in range(20):
        mixer.add(0, number * 60 * RATE, minute)
        taken += len(mixer.take())
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 72e6
    for number in range(20):
        mixer.add(1, number * 60 * RATE, minute[:1])
        taken += len(mixer.take())
    taken += len(mixer.finish())
    assert taken == 20 * 60 * RATE
    late_s = mixer.summary().tracks[1].late_s
    assert 600 < late_s < 1000 and late_s % 5 == 0
    assert mixer.summary().tracks[0].late_s == 0


def test_late_pieces_do_not_depend_on_chunks() -> None:
    def mixed(chunk: int) -> tuple[np.ndarray, float]:
        mixer = Mixer([TrackFormat(8, False), TrackFormat(1, False)])
        ahead = np.zeros((8, 70 * RATE), np.float32)
        ahead[:, ::500] = 0.01
        parts = []
        for turn in range(4):
            for at in range(0, ahead.shape[1], chunk):
                mixer.add(0, turn * ahead.shape[1] + at, ahead[:, at : at + chunk])
                parts.append(mixer.take())
        for at in range(0, len(speech()), chunk):
            mixer.add(1, at, speech()[None, at : at + chunk])
            parts.append(mixer.take())
        parts.append(mixer.finish())
        return np.concatenate(parts), mixer.summary().tracks[1].late_s

    expected, late_s = mixed(16_000)
    assert late_s == pytest.approx(48.2)
    for chunk in (7_777, 333_333):
        found, found_late_s = mixed(chunk)
        assert np.array_equal(found, expected) and found_late_s == late_s


def test_a_long_hole_takes_no_memory() -> None:
    mixer = Mixer([TrackFormat(2, False), TrackFormat(1, False)])
    for track, sound in enumerate((np.stack([speech(), speech()]), speech()[None])):
        mixer.add(track, 0, sound)
    tracemalloc.start()
    for track, sound in enumerate((np.stack([speech(), speech()]), speech()[None])):
        mixer.add(track, 1200 * RATE, sound)
    assert tracemalloc.get_traced_memory()[0] < 12e6
    tracemalloc.stop()
    taken = [mixer.take()]
    while len(taken[-1]):
        taken.append(mixer.take())
        assert len(taken[-1]) <= 250 * RATE
    mixed = np.concatenate([*taken, mixer.finish()])
    assert len(mixed) == 1200 * RATE + len(speech())
    assert not mixed[60 * RATE : 1200 * RATE].any() and mixed[1200 * RATE :].any()
    assert [track.late_s for track in mixer.summary().tracks] == [0, 0]
