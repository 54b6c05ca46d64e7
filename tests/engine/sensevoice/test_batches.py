"""A span's result depends on its own sound alone: neighbours, padding and order change nothing."""

from __future__ import annotations

import pytest
import torch
from rapidfuzz.distance import Levenshtein

from tests.support.speech import sensevoice_models, speech_models
from tests.support.speech.spans_in_batches import (
    assert_batches_change_nothing,
    assert_probes_foretell,
    assert_within_estimate,
    spoken,
)
from worker.engine.family import ProbeShape
from worker.engine.layers.int8 import Int8Linear, multiplies_in_int8
from worker.engine.sensevoice.rich_tags import QUERIES
from worker.recogniser import RecognisedSpan


@pytest.mark.parametrize("size", [2, 3, 5, 10])
def test_words_times_and_languages_are_the_same_at_every_batch_size_and_order(size: int) -> None:
    assert_batches_change_nothing(sensevoice_models.network(), size)


@torch.inference_mode()
def test_padding_moves_no_number_but_by_rounding() -> None:
    network = sensevoice_models.network()
    short, long = spoken()[3], spoken()[-1]
    features, lengths = network.features([short])
    alone = network._encode(features, lengths, None)[0]
    beside, of_both = network.features([long, short])
    frames = int(of_both[1])
    beside[1, frames:] = 1e4  # whatever is behind a span's own frames
    together = network._encode(beside, of_both, None)[1, : QUERIES + frames]
    assert (together - alone).abs().max() < 1e-4


def test_no_spans_and_spans_shorter_than_a_frame_have_their_places() -> None:
    network = sensevoice_models.network()
    assert network.recognise([]) == []
    said = network.recognise([speech_models.silence(0.01), spoken()[4], speech_models.silence(0)])
    assert said[0] == said[2] == RecognisedSpan()
    assert said[1].words and said[1].language


def test_times_lie_within_the_span_and_in_order() -> None:
    for pcm, said in zip(spoken(), sensevoice_models.network().recognise(spoken()), strict=True):
        starts = [word.start for word in said.words]
        assert starts == sorted(starts)
        for word in said.words:
            assert 0 <= word.start < word.end <= len(pcm) / 16_000 + 0.06
            assert word.confidence is not None and 0 <= word.confidence <= 1


@pytest.mark.parametrize(
    "precision",
    [
        "bfloat16",
        pytest.param(
            "int8", marks=pytest.mark.skipif(not multiplies_in_int8(), reason="no 8-bit products")
        ),
    ],
)
def test_with_a_rounded_encoder_nearly_the_same_is_heard(precision: str) -> None:
    exact, near = sensevoice_models.network(), sensevoice_models.network(precision)
    assert near._vocabulary.weight.dtype == torch.float32
    layer = near._encoder.encoders[0].feed_forward.w_2
    assert isinstance(layer, Int8Linear) or layer.weight.dtype == torch.bfloat16
    one, other = (
        "".join(word.word for said in network.recognise(spoken()) for word in said.words)
        for network in (exact, near)
    )
    assert Levenshtein.distance(one, other) < 0.2 * len(one)


# --- memory ------------------------------------------------------------------------------------

SHAPES = (ProbeShape(20, 1.0), ProbeShape(60, 1.0), ProbeShape(8, 10.0), ProbeShape(3, 30.0))


def test_no_batch_takes_more_than_its_estimate() -> None:
    assert_within_estimate(sensevoice_models.network(), SHAPES)


def test_its_probes_give_a_model_of_memory() -> None:
    assert_probes_foretell(sensevoice_models.network(), SHAPES)
