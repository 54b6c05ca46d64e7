"""A playable copy is made of the spool, in the time of a player, by a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from tests.support.speech.media import RATE, Pcm, lag_s, signal
from worker.audio.playable.maker import CopyMaker
from worker.audio.playable.player_time import PIECE_SAMPLES, on_player_time, together
from worker.audio.playable.process import BYTES_A_SECOND, CopyEncoder, EncodingFailed
from worker.audio.player_clock import PlayerClock
from worker.audio.spool import AudioSpool
from worker.audio.takes import Take, TakesClock

CLOSE_S = 0.02


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[AudioSpool]:
    with AudioSpool(tmp_path / "audio.pcm") as spool:
        yield spool


@pytest.fixture
def clock() -> TakesClock:
    clock = TakesClock()
    clock.begin(0, Take(), PlayerClock())
    return clock


def decoded(path: Path, from_s: float = 0.0) -> tuple[float, Pcm]:
    """The time of the first frame after seeking, and all sound from there on."""
    with av.open(str(path)) as container:
        if from_s:
            container.seek(round(from_s * av.time_base))
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        times: list[float] = []
        parts = []
        for frame in container.decode(audio=0):
            assert isinstance(frame, AudioFrame) and frame.time is not None
            times.append(frame.time)
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return times[0], np.concatenate(parts)


def made(maker: CopyMaker) -> Path:
    deadline = time.monotonic() + 120
    while not maker.wait(0.1):
        assert time.monotonic() < deadline
    return maker.path


def test_it_has_the_spool_s_times_and_can_be_sought(
    tmp_path: Path, spool: AudioSpool, clock: TakesClock
) -> None:
    sound = signal(60)
    with CopyMaker(spool, clock, tmp_path / "copy", several_takes=False) as maker:
        for at in range(0, len(sound), 5 * RATE):
            spool.append(sound[at : at + 5 * RATE])
            time.sleep(0.01)
        maker.spool_is_full()
        path = made(maker)
    first_s, all_of_it = decoded(path)
    assert len(all_of_it) / RATE == pytest.approx(60, abs=0.1)
    assert abs(lag_s(all_of_it, sound) + first_s) <= CLOSE_S
    for asked_s in (12.0, 33.3, 58.0):
        at_s, rest = decoded(path, asked_s)
        assert asked_s - 5.5 <= at_s <= asked_s  # the table has an entry every five seconds
        assert abs(lag_s(rest, sound[round(at_s * RATE) :])) <= CLOSE_S
    content = path.read_bytes()
    assert len(content) <= 60 * BYTES_A_SECOND
    assert b"webm" in content[:64]
    assert content.index(b"\x1c\x53\xbb\x6b") < 4096  # the table itself comes before the sound


def test_the_same_samples_make_the_same_bytes(
    tmp_path: Path, spool: AudioSpool, clock: TakesClock
) -> None:
    spool.append(signal(12))
    copies = []
    for name in ("one", "other"):
        with CopyMaker(spool, clock, tmp_path / name, several_takes=False) as maker:
            maker.spool_is_full()
            copies.append(made(maker).read_bytes())
    assert copies[0] == copies[1]


def test_takes_are_heard_at_once(tmp_path: Path, spool: AudioSpool) -> None:
    one, other = signal(10, seed=1), signal(14, seed=2)
    clock = TakesClock()
    for take, sound in ((1, one), (2, other)):
        clock.begin(spool.samples, Take(take), PlayerClock())
        spool.append(sound)
    with CopyMaker(spool, clock, tmp_path / "copy", several_takes=True) as maker:
        assert not maker.wait(0.5)
        maker.spool_is_full()
        first_s, heard = decoded(made(maker))
    assert len(heard) / RATE == pytest.approx(14, abs=0.1)
    both = other.astype(np.int32)
    both[: len(one)] += one
    assert abs(lag_s(heard, both.clip(-32_768, 32_767).astype(np.int16)) + first_s) <= CLOSE_S


def test_one_that_is_left_early_ends_its_process(
    tmp_path: Path, spool: AudioSpool, clock: TakesClock
) -> None:
    spool.append(signal(30))
    with CopyMaker(spool, clock, tmp_path / "copy", several_takes=False) as maker:
        deadline = time.monotonic() + 120
        while not maker.position:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    with pytest.raises(EncodingFailed):
        maker.wait(0)


def test_what_went_wrong_is_told(tmp_path: Path, spool: AudioSpool, clock: TakesClock) -> None:
    spool.append(signal(30))
    path = tmp_path / "no folder" / "copy"
    with CopyMaker(spool, clock, path, several_takes=False) as maker:
        maker.spool_is_full()
        with pytest.raises(FileNotFoundError, match="no folder"):
            made(maker)


def test_an_encoder_that_is_killed_is_told(tmp_path: Path) -> None:
    with CopyEncoder(tmp_path / "copy") as encoder:
        encoder.write(signal(1))
        encoder.kill()
        with pytest.raises(EncodingFailed, match="-9"):
            encoder.finish()


def pieces(sound: Pcm) -> list[tuple[int, Pcm]]:
    return [(at, sound[at : at + PIECE_SAMPLES]) for at in range(0, len(sound), PIECE_SAMPLES)]


def on_time(sound: Pcm, heard_s: Callable[[int], float]) -> Pcm:
    return np.concatenate(list(on_player_time(pieces(sound), heard_s)))


class TestPlayerTime:
    sound = np.arange(1, 10 * RATE + 1).astype(np.int16)

    def test_an_even_clock_changes_nothing(self) -> None:
        assert np.array_equal(on_time(self.sound, lambda sample: sample / RATE), self.sound)

    def test_a_step_ahead_is_silence(self) -> None:
        late = on_time(self.sound, lambda at: at / RATE + (7200 if at >= 5 * RATE else 0))
        assert len(late) == (10 + 7200) * RATE
        assert np.array_equal(late[: 5 * RATE], self.sound[: 5 * RATE])
        assert not late[5 * RATE : -5 * RATE].any()
        assert np.array_equal(late[-5 * RATE :], self.sound[5 * RATE :])

    def test_what_was_played_before_a_step_back_is_not_played_again(self) -> None:
        back = on_time(self.sound, lambda at: at / RATE - (0.25 if at >= 5 * RATE else 0))
        assert len(back) == 9.75 * RATE
        assert np.array_equal(back[5 * RATE :], self.sound[round(5.25 * RATE) :])

    @pytest.mark.parametrize("pace", [0.96, 1.04])
    def test_a_clock_of_another_pace_is_followed_to_within_what_is_heard(self, pace: float) -> None:
        clock = PlayerClock()
        for at in range(0, len(self.sound), 320):
            clock.note(at, pace * at / RATE)
        played = list(on_player_time(pieces(self.sound), clock.heard_s))
        assert sum(map(len, played)) / RATE == pytest.approx(10 * pace, abs=0.12)
        starts = np.cumsum([0, *(len(block) for block in played)])
        for at, _ in pairwise(starts):
            assert at / RATE <= 10 * pace

    def test_together_is_the_sum_cut_at_full_scale(self) -> None:
        loud = np.full(3 * RATE, 30_000, np.int16)
        short = np.full(RATE + 7, 20_000, np.int16)
        both = np.concatenate(list(together(iter([part]) for part in (loud, short))))
        assert np.array_equal(both, np.r_[np.full(RATE + 7, 32_767), loud[RATE + 7 :]])
