"""An ordinary recording comes out as it is, however it is cut up."""

from __future__ import annotations

import numpy as np
import pytest

from shared.transcripts.recording_report import ChannelUse
from tests.support.sounds.mixes import RATE, as_pcm, factor, mix, speech
from worker.audio.mixing import Mixer, TrackFormat


@pytest.mark.parametrize("decibels", [-28, -20, 0, 10])
def test_mono_is_only_rounded(decibels: float) -> None:
    sound = speech() * factor(decibels)
    mixed, summary = mix(sound, integer=True)
    assert np.array_equal(mixed, as_pcm(sound))
    assert summary.gain_db == 0.0
    assert summary.level_dbfs == pytest.approx(-27.3 + decibels, abs=0.5)
    assert summary.peak_dbfs == pytest.approx(-10.45 + decibels, abs=0.1)
    assert summary.quiet_at_s is None and summary.quiet_s == 0
    assert summary.clipped_at_s is None and summary.clipped_s == 0


@pytest.mark.parametrize("right", [1.0, 0.3, 0.0])
def test_stereo_is_the_mean_of_its_channels(right: float) -> None:
    channels = [speech(), speech() * np.float32(right)]
    mixed, summary = mix(channels, integer=True)
    assert np.array_equal(mixed, as_pcm((channels[0] + channels[1]) * np.float32(0.5)))
    assert summary.gain_db == 0.0
    (track,) = summary.tracks
    assert track.channel_use is ChannelUse.MIXED
    assert track.out_of_phase_at_s is None and track.out_of_phase_s == 0


def test_faint_hiss_in_one_channel_changes_nothing() -> None:
    hiss = np.random.default_rng(1).standard_normal(len(speech())).astype(np.float32)
    channels = [speech(), hiss * factor(-75)]
    mixed, _ = mix(channels)
    assert np.array_equal(mixed, as_pcm((channels[0] + channels[1]) * np.float32(0.5)))


def _at_random(seed: int, tracks: list[np.ndarray]) -> np.ndarray:
    """Mixed from chunks of any size; the order of the tracks stays that of turns of 3 s."""
    rng = np.random.default_rng(seed)
    mixer = Mixer([TrackFormat(len(track), False) for track in tracks])
    mixed = []
    for turn in range(0, tracks[0].shape[1], 3 * RATE):
        for number, track in enumerate(tracks):
            at, end = turn, min(turn + 3 * RATE, track.shape[1])
            while at < end:
                upto = min(end, at + int(rng.integers(1, 20_000)))
                mixer.add(number, at, track[:, at:upto])
                at = upto
                if rng.random() < 0.3:
                    mixed.append(mixer.take())
    return np.concatenate([*mixed, mixer.finish()])


@pytest.mark.parametrize(
    "case", ["quiet", "hot", "inverted for a time", "two tracks and hiss"], ids=str
)
def test_chunks_do_not_matter(case: str) -> None:
    sound = speech()
    rng = np.random.default_rng(3)
    over = sound.copy()
    over[20 * RATE : 31 * RATE + 77] *= -1
    hiss = rng.standard_normal(len(sound)).astype(np.float32) * np.float32(0.1)
    tracks = {
        "quiet": [sound[None] * factor(-60)],
        "hot": [np.stack([sound, sound]) * factor(40)],
        "inverted for a time": [np.stack([sound, over])],
        "two tracks and hiss": [np.stack([sound, hiss]), sound[None, ::-1] * factor(-30)],
    }[case]
    expected, _ = mix(*tracks)
    for seed in range(3):
        assert np.array_equal(_at_random(seed, tracks), expected)


def test_gaps_are_silence() -> None:
    mixer = Mixer([TrackFormat(1, True)])
    mixer.add(0, 3 * RATE, speech()[None, : 4 * RATE])
    mixer.add(0, 20 * RATE, speech()[None, : 4 * RATE])
    mixed = mixer.finish()
    expected = np.zeros(24 * RATE, np.int16)
    expected[3 * RATE : 7 * RATE] = expected[20 * RATE :] = as_pcm(speech()[: 4 * RATE])
    assert np.array_equal(mixed, expected)


def test_nothing_is_nothing() -> None:
    mixer = Mixer([TrackFormat(2, True), TrackFormat(1, False)])
    mixer.add(0, 0, np.zeros((2, 0), np.float32))
    assert len(mixer.take()) == len(mixer.finish()) == 0
    summary = mixer.summary()
    assert summary.level_dbfs is None and summary.peak_dbfs is None and summary.gain_db == 0


def test_a_track_cannot_go_back_nor_change_its_channels() -> None:
    mixer = Mixer([TrackFormat(1, True)])
    mixer.add(0, 0, np.zeros((1, 100), np.float32))
    with pytest.raises(ValueError, match="track 0 is at 100, not 99"):
        mixer.add(0, 99, np.zeros((1, 1), np.float32))
    with pytest.raises(ValueError, match="1 channels"):
        mixer.add(0, 100, np.zeros((2, 1), np.float32))
    mixer.end(0)
    with pytest.raises(ValueError, match="track 0"):
        mixer.add(0, 100, np.zeros((1, 1), np.float32))
    with pytest.raises(ValueError, match="tracks"):
        Mixer([])


def test_sound_comes_within_30_seconds() -> None:
    mixer = Mixer([TrackFormat(1, True)])
    given = 0
    for second in range(48):
        mixer.add(0, second * RATE, speech()[None, second * RATE : (second + 1) * RATE])
        given += len(mixer.take())
        assert given >= (second + 1 - 30) * RATE
