"""The endpoint machine makes the spans that FunASR's does, whatever the decisions.

FunASR's own state machine runs here on decisions of our choosing instead of a network's.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.speech import speech_models
from worker.engine.voice_activity.endpoints import (
    FRAME_SAMPLES,
    EndpointMachine,
    FrameSpan,
    VoiceActivityOptions,
)


def stock_spans(decisions: NDArray[np.bool_], options: VoiceActivityOptions) -> list[FrameSpan]:
    from funasr.models.fsmn_vad_streaming.model import FrameState, FsmnVADStreaming

    class Decided(FsmnVADStreaming):
        """The state machine without network, loudness and buffers."""

        def ComputeDecibel(self, cache: Any, frame_count: int | None = None) -> None:  # noqa: N802
            stats = cache["stats"]
            if stats.data_buf_all is None:
                stats.data_buf_all = torch.zeros((len(decisions) + 10) * FRAME_SAMPLES)
                stats.data_buf = stats.data_buf_all

        def ComputeScores(self, feats: torch.Tensor, cache: Any) -> None:  # noqa: N802
            self.vad_opts.nn_eval_block_size = feats.shape[1]
            cache["stats"].frm_cnt += feats.shape[1]

        def DropCachedFrames(self, drop_frames: int, cache: Any) -> None:  # noqa: N802
            pass

        def GetFrameState(self, t: int, cache: Any) -> Any:  # noqa: N802
            state = FrameState
            return state.kFrameStateSpeech if decisions[t] else state.kFrameStateSil

    model = Decided(
        encoder="FSMN",
        encoder_conf=speech_models.stock().vad_kwargs["encoder_conf"],
        sample_rate=16_000,
        detect_mode=1,
        window_size_ms=options.window_ms,
        sil_to_speech_time_thres=options.speech_onset_ms,
        speech_to_sil_time_thres=options.speech_offset_ms,
        max_end_silence_time=options.end_silence_ms,
        lookback_time_start_point=options.lead_in_ms,
        lookahead_time_end_point=options.lead_out_ms,
        max_single_segment_time=options.hard_limit_ms,
    )
    cache: dict[str, Any] = {}
    model.init_cache(cache)
    features = torch.zeros(1, len(decisions), 1)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it finds odd
        found = model.forward(features, None, cache, is_final=True, is_streaming_input=False)
    return [(start // 10, end // 10) for batch in found for start, end in batch]


@st.composite
def noisy_runs(draw: st.DrawFn) -> NDArray[np.bool_]:
    """Speech and silence by turns, with some frames of each decided wrongly."""
    lengths = draw(st.lists(st.integers(1, 160), min_size=1, max_size=12))
    runs = [np.full(length, i % 2 == 0) for i, length in enumerate(lengths)]
    decisions = np.concatenate(runs)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    wrong = rng.random(len(decisions)) < draw(st.sampled_from([0.0, 0.1, 0.3]))
    return decisions ^ wrong


thresholds = st.builds(
    VoiceActivityOptions,
    end_silence_ms=st.sampled_from([100, 150, 255, 400, 800, 1_200]),
    speech_offset_ms=st.sampled_from([100, 150]),
    lead_out_ms=st.sampled_from([0, 50, 100, 200]),
    hard_limit_ms=st.sampled_from([1_000, 3_000, 60_000]),
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(noisy_runs(), thresholds)
def test_spans_equal_funasr(decisions: NDArray[np.bool_], options: VoiceActivityOptions) -> None:
    machine = EndpointMachine(options)
    assert machine.feed(decisions) + machine.finish() == stock_spans(decisions, options)


@pytest.mark.parametrize("hard_limit_ms", [5_000, 60_000])
def test_a_monologue_ends_at_the_same_hard_limit(hard_limit_ms: int) -> None:
    options = VoiceActivityOptions(hard_limit_ms=hard_limit_ms)
    decisions = np.ones(7_000, dtype=bool)
    machine = EndpointMachine(options)
    assert machine.feed(decisions) + machine.finish() == stock_spans(decisions, options)
