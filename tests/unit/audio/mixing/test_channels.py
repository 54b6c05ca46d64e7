"""Channels of one track: turned over, without speech, of different levels."""

from __future__ import annotations

import numpy as np
import pytest

from shared.transcripts.recording_report import ChannelUse
from tests.support.sounds.mixes import RATE, Floats, Pcm, as_pcm, factor, mix, speech
from tests.support.sounds.without_speech import Clip

TURN = round(25.9 * RATE)
"""Sample at which a pause of the meeting is: somebody else may go on."""


def noise(level: float, seed: int = 1) -> Floats:
    made = np.random.default_rng(seed).standard_normal(len(speech()))
    return (made * factor(level)).astype(np.float32)


def first_half() -> Floats:
    return np.where(np.arange(len(speech())) < TURN, speech(), 0).astype(np.float32)


def second_half() -> Floats:
    return speech() - first_half()


def likeness(mixed: Pcm, sound: Floats, start_s: float = 0, end_s: float = 48) -> float:
    """Decibels of `sound`, at any level, above whatever else is in the mix."""
    part = slice(round(start_s * RATE), round(end_s * RATE))
    heard, wanted = mixed[part] / 32_768 + 1e-12, sound[part].astype(float)
    same = float(heard @ wanted) / float(wanted @ wanted) * wanted
    return float(10 * np.log10(np.square(same).sum() / np.square(heard - same).sum()))


def test_a_channel_turned_over_is_turned_back() -> None:
    mixed, summary = mix([speech(), -speech()], integer=True)
    (track,) = summary.tracks
    assert track.channel_use is ChannelUse.INVERTED
    assert track.out_of_phase_at_s == 0.0
    assert track.out_of_phase_s == pytest.approx(48, abs=1)
    assert likeness(mixed, speech()) > 40
    assert np.array_equal(mixed[RATE:], as_pcm(speech())[RATE:])


def test_turned_over_fainter_and_with_noise() -> None:
    mixed, summary = mix([speech(), np.float32(-0.9) * speech() + noise(-50)])
    assert summary.tracks[0].channel_use is ChannelUse.INVERTED
    assert likeness(mixed, speech()) > 20


def test_turned_over_for_a_time() -> None:
    over = speech().copy()
    over[16 * RATE : 32 * RATE + 3000] *= -1
    mixed, summary = mix([speech(), over])
    (track,) = summary.tracks
    assert track.out_of_phase_at_s == 16.0
    assert track.out_of_phase_s == pytest.approx(16, abs=1.5)
    for start in range(48):
        assert likeness(mixed, speech(), start, start + 1) > 10, start


def test_hum_in_both_hides_no_inversion() -> None:
    time = np.arange(len(speech())) / RATE
    hum = np.float32(0.02) * np.sin(2 * np.pi * 50 * time).astype(np.float32)
    _, summary = mix([speech() + hum, hum - speech()])
    assert summary.tracks[0].out_of_phase_s > 40


@pytest.mark.parametrize("delay_ms", [0.25, 0.5, 0.875, 1.0, 1.3125, 2.0, 4.0])
def test_two_microphones_in_a_room_are_not_out_of_phase(delay_ms: float) -> None:
    later = np.roll(speech(), round(delay_ms * RATE / 1000))
    mixed, summary = mix([speech(), later])
    assert summary.tracks[0].channel_use is ChannelUse.MIXED
    assert np.array_equal(mixed, as_pcm((speech() + later) * np.float32(0.5)))


@pytest.mark.parametrize("kind", ["white noise", "pink noise", "brown noise", "mains hum"])
def test_steady_noise_beside_speech_is_set_aside(kind: str) -> None:
    beside = Clip(kind, -8, 48.2).sound()
    mixed, summary = mix([speech(), beside])
    assert np.array_equal(mixed, as_pcm(speech() * np.float32(0.5)))
    assert summary.tracks[0].channel_use is ChannelUse.SELECTED


def test_noise_that_begins_in_the_middle_is_set_aside_at_once() -> None:
    beside = noise(-15)
    beside[: 24 * RATE + 5000] = 0
    mixed, _ = mix([speech(), beside])
    assert np.array_equal(mixed, as_pcm(speech() * np.float32(0.5)))


@pytest.mark.parametrize("kind", ["fan", "keyboard", "music", "rain", "engine"])
def test_lively_noise_beside_speech_is_lowered(kind: str) -> None:
    beside = Clip(kind, -6, 48.2).sound()
    mixed, summary = mix([speech(), beside])
    assert likeness(mixed, speech()) > 9
    assert summary.tracks[0].channel_use is ChannelUse.SELECTED


def test_noise_stays_where_nobody_speaks() -> None:
    fan, hiss = Clip("fan", -20, 48.2).sound(), noise(-30)
    mixed, summary = mix([fan, hiss])
    assert np.array_equal(mixed, as_pcm((fan + hiss) * np.float32(0.5)))
    assert summary.tracks[0].channel_use is ChannelUse.MIXED


def test_speech_in_noise_is_kept_beside_other_speech() -> None:
    noisy = second_half() + noise(-45)
    mixed, _ = mix([first_half(), noisy])
    assert likeness(mixed, speech(), 0, 25) > 12
    assert likeness(mixed, speech(), 26, 48) > 12


def test_a_call_has_one_person_on_each_channel() -> None:
    left, right = first_half() + noise(-75), second_half() + noise(-75, 2)
    mixed, summary = mix([left, right])
    assert np.array_equal(mixed, as_pcm((left + right) * np.float32(0.5)))
    assert summary.tracks[0].channel_use is ChannelUse.MIXED


def test_one_word_of_a_listener_stays() -> None:
    word = np.zeros(len(speech()), np.float32)
    word[15 * RATE : 15 * RATE + 8000] = speech()[3 * RATE : 3 * RATE + 8000]
    left, right = noise(-75), word + noise(-75, 2)
    left[: 13 * RATE], left[17 * RATE :] = speech()[: 13 * RATE], speech()[17 * RATE :]
    mixed, _ = mix([left, right])
    part = slice(15 * RATE, 15 * RATE + 8000)
    assert np.std(mixed[part]) > 0.9 * np.std(as_pcm(word * np.float32(0.5))[part])


@pytest.mark.parametrize("below", [20, 25, 30])
def test_a_fainter_person_on_the_other_channel_is_raised(below: float) -> None:
    left = first_half() + noise(-72)
    right = second_half() * factor(-below) + noise(-90, 2)
    mixed, summary = mix([left, right])
    assert summary.gain_db == pytest.approx(below - 15, abs=2)
    assert likeness(mixed, speech(), 27, 47) > 15
    assert likeness(mixed, speech(), 1, 25) > 30


@pytest.mark.parametrize("channel", range(6))
def test_speech_in_one_channel_of_six(channel: int) -> None:
    time = np.arange(len(speech())) / RATE
    rumble = (0.3 * np.sin(2 * np.pi * 40 * time) * (1 + np.sin(time))).astype(np.float32)
    channels = [noise(-60, seed) for seed in range(6)]
    channels[(channel + 3) % 6] = rumble
    channels[channel] = speech()
    mixed, _ = mix(channels)
    assert likeness(mixed, speech()) > 15
