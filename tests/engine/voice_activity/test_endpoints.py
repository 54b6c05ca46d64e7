"""Endpoint rules on frame decisions, and the cut of spans that grow too long.

That the rules are FunASR's is shown in tests/engine/voice_activity/test_endpoint_as_funasr.py,
which needs torch.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from worker.engine.voice_activity.endpoints import (
    FRAME_SAMPLES,
    EndpointMachine,
    Segmenter,
    VoiceActivityOptions,
)
from worker.recogniser import SAMPLE_RATE, Pcm, SpeechSpan

SHORT_LIMIT = VoiceActivityOptions(max_segment_s=4.0, cut_search_s=2.0, cut_margin_s=0.5)


def frames(*runs: tuple[bool, float]) -> NDArray[np.bool_]:
    """Decisions from (is speech, seconds) pairs."""
    return np.concatenate([np.full(round(seconds * 100), speech) for speech, seconds in runs])


def noise(seconds: float, level: int = 3_000) -> Pcm:
    rng = np.random.default_rng(7)
    return rng.integers(-level, level, int(seconds * SAMPLE_RATE), dtype=np.int16)


def segment(
    decisions: NDArray[np.bool_],
    pcm: Pcm,
    options: VoiceActivityOptions = SHORT_LIMIT,
    block_frames: int = 10_000,
) -> list[SpeechSpan]:
    segmenter = Segmenter(options)
    spans = []
    for first in range(0, len(decisions), block_frames):
        last = first + block_frames
        samples = pcm[first * FRAME_SAMPLES : last * FRAME_SAMPLES]
        spans += segmenter.feed(decisions[first:last], samples)
    return spans + segmenter.finish()


# --- endpoints ---------------------------------------------------------------------------------


def test_a_span_keeps_some_audio_before_and_after_the_speech() -> None:
    (span,) = EndpointMachine().feed(frames((False, 1), (True, 2), (False, 3)))
    # Onset is proved 150 ms into the speech; from there 200 ms of window and 200 ms of lead-in.
    assert span[0] == 100 + 14 - 40
    # Silence is proved once 150 ms of speech are left in the window; 100 ms lead-out follow.
    assert 300 <= span[1] <= 300 + 20


def test_a_pause_shorter_than_the_end_silence_does_not_split() -> None:
    machine = EndpointMachine()
    spans = machine.feed(frames((True, 2), (False, 0.55), (True, 2), (False, 2)))
    assert len(spans) == 1


def test_a_pause_longer_than_the_end_silence_splits() -> None:
    machine = EndpointMachine()
    spans = machine.feed(frames((True, 2), (False, 0.56), (True, 2), (False, 2)))
    assert len(spans) == 2


def test_the_end_silence_is_a_setting() -> None:
    machine = EndpointMachine(VoiceActivityOptions(end_silence_ms=400))
    spans = machine.feed(frames((True, 2), (False, 0.4), (True, 2), (False, 2)))
    assert len(spans) == 2


def test_a_cough_shorter_than_the_onset_is_not_speech() -> None:
    machine = EndpointMachine()
    assert machine.feed(frames((False, 2), (True, 0.14), (False, 2))) + machine.finish() == []


def test_speech_at_the_very_end_is_closed_by_finish() -> None:
    machine = EndpointMachine()
    assert machine.feed(frames((False, 1), (True, 1))) == []
    ((_, end),) = machine.finish()
    assert end == 200


def test_speech_proved_by_the_very_last_frame_is_not_lost() -> None:
    machine = EndpointMachine()
    assert machine.feed(frames((False, 1), (True, 0.15))) == []
    assert machine.finish() == [(74, 115)]


@pytest.mark.parametrize("decisions", [np.zeros(0, bool), np.zeros(1, bool), np.zeros(6_000, bool)])
def test_where_nobody_speaks_there_is_no_span(decisions: NDArray[np.bool_]) -> None:
    machine = EndpointMachine()
    assert machine.feed(decisions) + machine.finish() == []


def test_a_single_frame_of_speech_is_no_span() -> None:
    machine = EndpointMachine()
    assert machine.feed(np.ones(1, bool)) + machine.finish() == []


def test_finishing_twice_gives_nothing_more() -> None:
    machine = EndpointMachine()
    machine.feed(frames((True, 1)))
    assert len(machine.finish()) == 1
    assert machine.finish() == []


@st.composite
def decision_runs(draw: st.DrawFn) -> NDArray[np.bool_]:
    runs = draw(st.lists(st.tuples(st.booleans(), st.integers(1, 150)), max_size=25))
    return np.concatenate([np.zeros(0, bool), *(np.full(n, speech) for speech, n in runs)])


@given(decision_runs(), st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_blocks_do_not_change_the_spans(decisions: NDArray[np.bool_], sizes: list[int]) -> None:
    whole = EndpointMachine()
    expected = whole.feed(decisions) + whole.finish()
    machine = EndpointMachine()
    spans, first = [], 0
    while first < len(decisions):
        size = sizes[len(spans) % len(sizes)]
        spans += machine.feed(decisions[first : first + size])
        first += size
    assert spans + machine.finish() == expected


@given(decision_runs())
def test_spans_are_in_order_and_do_not_overlap(decisions: NDArray[np.bool_]) -> None:
    machine = EndpointMachine()
    edges = [edge for span in machine.feed(decisions) + machine.finish() for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(decisions) for edge in edges)


# --- cuts --------------------------------------------------------------------------------------


def test_a_span_within_the_limit_is_not_cut() -> None:
    decisions = frames((True, 3.8), (False, 2))
    assert len(segment(decisions, noise(6))) == 1


def test_a_long_span_is_cut_where_it_is_quietest() -> None:
    pcm = noise(6)
    quiet = 283 * FRAME_SAMPLES
    pcm[quiet : quiet + FRAME_SAMPLES] //= 100
    first, second = segment(frames((True, 6)), pcm)
    assert first == SpeechSpan(0, quiet)
    assert second.start == quiet


def test_a_pause_wins_against_a_single_quiet_instant() -> None:
    pcm = noise(6)
    pause = slice(int(2.5 * SAMPLE_RATE), int(2.7 * SAMPLE_RATE))
    pcm[pause] //= 30
    pcm[320 * FRAME_SAMPLES : 321 * FRAME_SAMPLES] = 0
    first, _ = segment(frames((True, 6)), pcm)
    assert pause.start < first.end < pause.stop


def test_digital_silence_can_be_cut_like_anything_else() -> None:
    spans = segment(frames((True, 9)), np.zeros(9 * SAMPLE_RATE, dtype=np.int16))
    assert [spans[0].start, spans[-1].end] == [0, 9 * SAMPLE_RATE]


def test_a_long_span_is_handed_on_before_it_ends() -> None:
    """So a lecture without a pause is recognised while it is still being decoded."""
    segmenter = Segmenter(SHORT_LIMIT)
    assert segmenter.feed(np.ones(390, bool), noise(3.9)) == []
    (piece,) = segmenter.feed(np.ones(20, bool), noise(0.2))
    assert piece.start == 0
    assert piece.seconds <= 4.0


@settings(deadline=None)
@given(decision_runs(), st.integers(1, 700), st.integers(0, 3))
def test_cuts_lose_nothing_and_respect_the_limit(
    decisions: NDArray[np.bool_], block_frames: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pcm = rng.integers(-9_000, 9_000, len(decisions) * FRAME_SAMPLES, dtype=np.int16)
    machine = EndpointMachine(SHORT_LIMIT)
    whole = machine.feed(decisions) + machine.finish()
    pieces = segment(decisions, pcm, block_frames=block_frames)
    assert pieces == segment(decisions, pcm)
    assert all(0 < piece.seconds <= SHORT_LIMIT.max_segment_s for piece in pieces)
    joined: list[list[int]] = []
    for piece in pieces:
        if (
            joined
            and joined[-1][1] == piece.start
            and [joined[-1][0], piece.start]
            not in [[start * FRAME_SAMPLES, end * FRAME_SAMPLES] for start, end in whole]
        ):
            joined[-1][1] = piece.end
        else:
            joined.append([piece.start, piece.end])
    assert joined == [[start * FRAME_SAMPLES, end * FRAME_SAMPLES] for start, end in whole]


def test_samples_may_come_long_before_their_decisions() -> None:
    decisions, pcm = frames((True, 9), (False, 2)), noise(11)
    segmenter = Segmenter(SHORT_LIMIT)
    assert segmenter.feed(np.zeros(0, bool), pcm) == []
    nothing = np.zeros(0, dtype=np.int16)
    late = [
        span for i in range(0, 1_100, 7) for span in segmenter.feed(decisions[i : i + 7], nothing)
    ]
    assert late + segmenter.finish() == segment(decisions, pcm)


def test_blocks_of_odd_length_keep_samples_and_frames_aligned() -> None:
    decisions, pcm = frames((True, 6)), noise(6)
    segmenter = Segmenter(SHORT_LIMIT)
    for first in range(0, len(pcm), 1_111):
        segmenter.feed(np.zeros(0, bool), pcm[first : first + 1_111])
    nothing = np.zeros(0, dtype=np.int16)
    assert segmenter.feed(decisions, nothing) + segmenter.finish() == segment(decisions, pcm)


# --- options -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_ms": 0},
        {"speech_onset_ms": 300},
        {"speech_onset_ms": 10},
        {"end_silence_ms": -1},
        {"lead_in_ms": -10},
        {"max_segment_s": 10.0},
        {"cut_margin_s": 20.0},
    ],
)
def test_thresholds_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|cannot"):
        VoiceActivityOptions(**wrong)  # type: ignore[arg-type]
