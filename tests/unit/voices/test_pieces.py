"""Speech cut into pieces of one voice each, and what is heard of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from shared.transcripts.values import Word
from tests.support.doubles.stub_speaker_encoder import StubSpeakerEncoder
from worker.pipeline.word_times import pieces_in_recording
from worker.recogniser import SAMPLE_RATE, Pcm, RecognisedSpan
from worker.speaker_encoder import WINDOW_SAMPLES
from worker.voices.pieces import PIECE, cut_to_pieces, hear_voices, windows_of


def word(start: float, end: float) -> Word:
    return Word("字", start, end)


def tone(hz: float, seconds: float) -> Pcm:
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (8000 * np.sin(2 * np.pi * hz * at)).astype(np.int16)


def test_a_span_is_cut_where_words_stand_apart() -> None:
    words = [word(0.1, 0.4), word(0.45, 0.8), word(1.0, 1.5), word(1.6, 2.0)]
    seconds = [
        (start / SAMPLE_RATE, end / SAMPLE_RATE) for start, end in cut_to_pieces(40_000, words)
    ]
    assert seconds == [pytest.approx((0.06, 0.84)), pytest.approx((0.96, 2.04))]


def test_no_piece_leaves_its_span_or_is_empty() -> None:
    words = [word(0.0, 0.05), word(0.9, 1.2), word(1.4, 2.5)]
    assert cut_to_pieces(2 * SAMPLE_RATE, words) == [(13_760, 19_840), (21_760, 32_000)]


def test_a_long_piece_is_cut_between_words_into_even_parts() -> None:
    words = [word(0.1 + 0.3 * n, 0.1 + 0.3 * n + 0.27) for n in range(20)]
    cut = cut_to_pieces(8 * SAMPLE_RATE, words)
    assert [end for _, end in cut[:-1]] == [start for start, _ in cut[1:]]
    assert [end / SAMPLE_RATE for _, end in cut] == pytest.approx([1.585, 3.085, 4.585, 6.11])
    assert cut_to_pieces(8 * SAMPLE_RATE, words[:6]) == [(960, 30_560)]


def cuts_ms(*words: tuple[int, int]) -> list[int]:
    """Where pieces begin behind the first, of words whose starts and ends are milliseconds."""
    cut = cut_to_pieces(20 * SAMPLE_RATE, [word(a / 1000, b / 1000) for a, b in words])
    return [round(1000 * start / SAMPLE_RATE) for start, _ in cut[1:]]


def test_a_long_piece_is_cut_where_people_may_take_turns() -> None:
    def said(start: int, words: int) -> list[tuple[int, int]]:
        return [(start + 200 * n, start + 200 * n + 200) for n in range(words)]

    assert cuts_ms(*said(0, 12)) == [1200]
    # 60 ms after the sixth or the eighth word of some three seconds.
    assert cuts_ms(*said(0, 6), *said(1260, 9)) == [1230]
    assert cuts_ms(*said(0, 8), *said(1660, 7)) == [1630]
    # One piece more where a second pause of 80 ms leaves none that is short, and else not.
    assert cuts_ms(*said(0, 5), *said(1080, 5), *said(2160, 5)) == [1040, 2120]
    assert cuts_ms(*said(0, 5), *said(1080, 5), *said(2160, 3)) == [1040]
    # Less than a pause is none.
    assert cuts_ms(*said(0, 5), *said(1040, 7)) == [1240]


def test_a_single_long_word_is_one_piece() -> None:
    assert cut_to_pieces(8 * SAMPLE_RATE, [word(0.5, 6.5)]) == [(7_360, 104_640)]


def test_voices_without_a_pause_between_them_are_heard_apart() -> None:
    speech = np.concatenate([tone(100, 4.1), tone(200, 3.9)])
    words = tuple(word(0.3 * n, 0.3 * n + 0.3) for n in range(26))
    voices = hear_voices([speech], [RecognisedSpan(words)], StubSpeakerEncoder())[0]["voice"]
    first, *_, last = voices.astype(int)
    alike = [(voice @ first / 127**2, voice @ last / 127**2) for voice in voices.astype(int)]
    assert abs(first @ last) < 0.1 * 127**2
    assert sum(max(one, other) > 0.95 for one, other in alike) >= len(voices) - 1


def test_where_nothing_is_said_nobody_is_heard() -> None:
    assert cut_to_pieces(SAMPLE_RATE, []) == []
    (pieces,) = hear_voices([tone(100, 1)], [RecognisedSpan()], StubSpeakerEncoder())
    assert len(pieces) == 0


@pytest.mark.parametrize("samples", [1, 7_000, 24_000, 24_001, 36_000, 36_001, 100_000])
def test_windows_have_one_length_and_cover_the_piece(samples: int) -> None:
    pcm = np.arange(samples, dtype=np.int64).astype(np.int16)
    windows = windows_of(pcm)
    assert {len(window) for window in windows} == {WINDOW_SAMPLES}
    assert set(np.concatenate(windows).tolist()) == set(pcm.tolist())
    if samples > WINDOW_SAMPLES:
        hops = [int(after[0]) - int(one[0]) for one, after in pairwise(windows)]
        assert all(0 < hop % 2**16 <= WINDOW_SAMPLES // 2 for hop in hops)


def test_two_voices_in_one_span_are_two_pieces() -> None:
    speech = np.concatenate([tone(100, 2), np.zeros(4_000, np.int16), tone(200, 1)])
    said = RecognisedSpan((word(0.05, 1.0), word(1.05, 1.95), word(2.3, 3.2)))
    low, high = hear_voices([speech], [said], StubSpeakerEncoder())[0]["voice"].astype(int)
    assert low @ low == pytest.approx(127**2, rel=0.02)
    assert abs(low @ high) < 0.1 * 127**2


def test_a_piece_is_heard_alike_whatever_is_heard_with_it() -> None:
    spans = [tone(90 + 50 * n, 1 + 0.7 * n) for n in range(5)]
    said = [RecognisedSpan((word(0.05, len(pcm) / SAMPLE_RATE - 0.05),)) for pcm in spans]
    together = hear_voices(spans, said, StubSpeakerEncoder())
    alone = [
        hear_voices([pcm], [one], StubSpeakerEncoder())[0]
        for pcm, one in zip(spans, said, strict=True)
    ]
    assert [one.tobytes() for one in together] == [one.tobytes() for one in alone]


def test_pieces_are_stored_at_the_times_of_the_player() -> None:
    pieces = np.zeros(2, PIECE)
    pieces["start"], pieces["end"] = [0, 8_000], [4_000, 16_000]
    # A player that is half a second ahead, and steps back by a second from sample 170,000 on.
    moved = pieces_in_recording(
        pieces, 160_000, lambda at: at / SAMPLE_RATE + (0.5 if at < 170_000 else -0.5)
    )
    assert moved["start"].tolist() == [168_000, 176_000]
    assert moved["end"].tolist() == [172_000, 176_001]
