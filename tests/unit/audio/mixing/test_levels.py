"""Speech is brought to a level at which it is recognised; what is no speech stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.sounds.mixes import RATE, Pcm, as_pcm, factor, mix, speech
from tests.support.sounds.without_speech import CLIPS, Clip


def decibels(mixed: Pcm) -> float:
    """Level of the loudest tenth of the blocks of 100 ms."""
    blocks = (mixed[: len(mixed) // 1600 * 1600] / 32_768).reshape(-1, 1600)
    powers = np.square(blocks).mean(axis=1)
    return float(10 * np.log10(np.sort(powers)[-len(powers) // 10 :].mean()))


def scaled_by(mixed: Pcm, sound: np.ndarray) -> tuple[float, float]:
    """The factor between two sounds, and what is left of the first beside it, in decibels."""
    heard = mixed / 32_768
    gain = float(heard @ sound / (sound @ sound))
    rest = heard - gain * sound
    return gain, float(10 * np.log10(np.square(rest).mean() / np.square(heard).mean()))


@pytest.mark.parametrize("level", [-35, -45, -60, -75])
def test_quiet_speech_is_raised_to_one_level(level: float) -> None:
    mixed, summary = mix(speech() * factor(level))
    assert decibels(mixed) == pytest.approx(decibels(as_pcm(speech() * factor(-29))), abs=2)
    assert summary.gain_db == pytest.approx(-29 - level, abs=2)
    assert summary.level_dbfs == pytest.approx(-27.3 + level, abs=1)
    assert (summary.quiet_at_s == 0.0) == (summary.gain_db >= 12)


def test_24_bits_at_minus_60_db_lose_nothing() -> None:
    sound = np.rint(speech() * factor(-60) * 2**23).astype(np.float32) / 2**23
    mixed, summary = mix(sound, integer=True)
    assert decibels(mixed) == pytest.approx(decibels(as_pcm(speech() * factor(-29))), abs=2)
    assert summary.quiet_s == pytest.approx(48.2)


@pytest.mark.parametrize("offset", [0.002, -0.02, 0.5])
@pytest.mark.parametrize("level", [0, -40, -65])
def test_a_constant_offset_is_no_sound(level: float, offset: float) -> None:
    """As a poor sound card adds it; it would hide that the speech is quiet."""
    sound = speech() * factor(level)
    plain, wanted = mix(sound)
    mixed, summary = mix(sound + np.float32(offset))
    assert np.abs(mixed.astype(int) - plain).max() <= np.abs(plain).max() / 20 + 2
    assert summary.gain_db == pytest.approx(wanted.gain_db, abs=1)
    assert summary.level_dbfs == pytest.approx(wanted.level_dbfs, abs=0.5)


def test_an_offset_that_begins_and_ends_is_followed_and_silence_has_none() -> None:
    quiet = speech()[: 20 * RATE] * factor(-50)
    silence = np.zeros(5 * RATE, np.float32)
    plain, _ = mix(np.concatenate([silence, quiet, silence, quiet, quiet]))
    offset = np.float32(0.05)
    mixed, _ = mix(np.concatenate([silence, quiet + offset, silence, quiet - offset, quiet]))
    assert np.abs(mixed.astype(int) - plain).max() <= 12


def test_clipping_is_told_beside_an_offset() -> None:
    sound = np.clip(speech() * factor(15) + 0.3, -1, 1)
    assert mix(sound, integer=True)[1].clipped_s > 1


@pytest.mark.parametrize("level", [15, 30, 40, 80, 187])
def test_what_lies_above_full_scale_is_scaled(level: float) -> None:
    sound = speech() * factor(level)
    mixed, summary = mix([sound, sound])
    assert np.abs(mixed.astype(int)).max() <= 32_768
    assert summary.gain_db == pytest.approx(10.45 - level, abs=0.1)
    assert summary.peak_dbfs == pytest.approx(level - 10.45, abs=0.1)
    assert summary.clipped_s == 0
    # Cut off nowhere: within two blocks it is nearly one factor.
    for start in range(0, len(sound) - 3200, 3200):
        part = slice(start, start + 3200)
        if np.abs(sound[part]).max() > 0.5:
            assert scaled_by(mixed[part], sound[part])[1] < -15


def test_a_bang_lowers_what_is_near_and_nothing_else() -> None:
    sound = speech().copy()
    sound[20 * RATE : 20 * RATE + 1600] *= 1000
    mixed, summary = mix(sound)
    far = np.abs(np.arange(len(sound)) - 20 * RATE) > 5 * RATE
    assert np.array_equal(mixed[far], as_pcm(sound)[far])
    assert np.abs(mixed.astype(int)).max() < 32_768
    assert summary.level_dbfs == pytest.approx(-27.3, abs=1)


def test_the_gain_has_no_jump() -> None:
    """Loud for a minute, then faint: the faint part comes up without a step."""
    sound = np.concatenate([speech(), speech() * factor(-50)])
    mixed, _ = mix(sound)
    assert np.array_equal(mixed[: 35 * RATE], as_pcm(sound[: 35 * RATE]))
    ratio = [
        20 * np.log10(max(1e-9, scaled_by(mixed[at : at + RATE], sound[at : at + RATE])[0]))
        for at in range(49 * RATE, 95 * RATE, RATE)
        if np.abs(sound[at : at + RATE]).max() > 10 ** (-65 / 20)
    ]
    assert ratio[-1] == pytest.approx(21, abs=3)
    assert max(np.diff(ratio)) < 10 and min(np.diff(ratio)) > -3


def test_integers_at_full_scale_are_cut_off_already() -> None:
    sound = np.clip(speech() * factor(25), -1, 1)
    mixed, summary = mix(sound, integer=True)
    assert np.array_equal(mixed, as_pcm(sound))
    assert summary.clipped_s > 5
    assert summary.clipped_at_s is not None and 0.5 < summary.clipped_at_s < 2
    assert mix(sound)[1].clipped_s == 0


def test_a_peak_that_just_reaches_full_scale_is_not_clipped() -> None:
    sound = speech() / np.abs(speech()).max()
    assert mix(sound, integer=True)[1].clipped_s == 0


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_what_is_no_speech_stays_as_it_is(clip: Clip) -> None:
    sound = clip.sound()
    mixed, summary = mix(sound)
    difference = np.abs(mixed.astype(int) - as_pcm(sound))
    assert difference.max() <= (2 if clip.peak_dbfs < -60 else 0)
    assert summary.level_dbfs is None
    assert summary.gain_db == 0


def test_broken_numbers_are_silence() -> None:
    sound = speech().copy()
    sound[5000:6000] = np.nan
    sound[7000] = np.inf
    mixed, summary = mix(sound)
    assert summary.peak_dbfs == pytest.approx(120, abs=0.1)
    assert np.array_equal(mixed[20 * RATE :], as_pcm(sound[20 * RATE :]))
