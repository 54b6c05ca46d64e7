"""A span's result depends on its own sound alone, loops end, and memory is what is estimated."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from rapidfuzz.distance import Levenshtein

from tests.support.speech import firered_models, speech_models
from tests.support.speech.spans_in_batches import (
    assert_batches_change_nothing,
    assert_probes_foretell,
    assert_within_estimate,
    spoken,
    without_confidence,
)
from worker.engine.calibration.probe_batches import live_peak_bytes, noise
from worker.engine.family import ProbeShape
from worker.engine.firered.beam_search import Marks
from worker.engine.firered.network import FireRed
from worker.engine.firered.uncalibrated_memory import NetworkShape, estimate_memory, most_tokens
from worker.engine.layers.int8 import Int8Linear, multiplies_in_int8
from worker.engine.reference.random_model.firered import SOS
from worker.recogniser import RecognisedSpan

PAD = 2


@pytest.mark.parametrize("size", [2, 3, 5, 10])
def test_words_and_times_are_the_same_at_every_batch_size_and_order(size: int) -> None:
    alone = assert_batches_change_nothing(firered_models.network(), size)
    assert len({said.words for said in alone}) == len(alone)
    assert any(said.words and not said.was_cut for said in alone)


@torch.inference_mode()
def test_padding_moves_no_number_but_by_rounding() -> None:
    network = firered_models.network()
    short, long = spoken()[3], spoken()[-1]
    features, lengths = network.features([short])
    alone = network._encode(features, lengths)[0]
    beside, of_both = network.features([long, short])
    beside[1, int(of_both[1]) :] = 1e4  # whatever is behind a span's own frames
    together = network._encode(beside, of_both)[1, : len(alone)]
    assert (together - alone).abs().max() < 1e-4


def test_no_spans_and_spans_shorter_than_a_frame_have_their_places() -> None:
    network = firered_models.network()
    assert network.recognise([]) == []
    said = network.recognise([speech_models.silence(0.01), spoken()[4], speech_models.silence(0)])
    assert said[0] == said[2] == RecognisedSpan()
    assert said[1].words


def test_words_are_spelt_of_pieces_with_times_within_the_span() -> None:
    heard = ""
    for pcm, said in zip(spoken(), firered_models.network().recognise(spoken()), strict=True):
        heard += " ".join(word.word for word in said.words)
        starts = [word.start for word in said.words]
        assert starts == sorted(starts)
        for word in said.words:
            assert 0 <= word.start < word.end <= len(pcm) / 16_000 + 0.02
            assert word.confidence is not None and 0 <= word.confidence <= 1
        assert said.language == "zh"
    assert not set(heard) & set("<>▁") and heard == heard.lower()
    assert any(word in heard for word in ("api", "gate", "don"))


@pytest.mark.parametrize(
    "precision",
    [
        "bfloat16",
        pytest.param(
            "int8", marks=pytest.mark.skipif(not multiplies_in_int8(), reason="no 8-bit products")
        ),
    ],
)
def test_the_encoder_alone_is_rounded_and_nearly_the_same_is_heard(precision: str) -> None:
    exact, near = firered_models.network(), firered_models.network(precision)
    layer = near._encoder.layer_stack[0].ffn1.net[4]
    assert isinstance(layer, Int8Linear) or layer.weight.dtype == torch.bfloat16
    assert near._decoder.layer_stack[0].self_attn.fc.weight.dtype == torch.float32
    with torch.inference_mode():
        features, lengths = exact.features(spoken()[3:8])
        one, other = (network._encode(features, lengths)[:, :50] for network in (exact, near))
    assert other.dtype == torch.float32
    assert (one - other).pow(2).mean() < 0.01 * one.pow(2).mean()
    one_text, other_text = (
        "".join(word.word for said in network.recognise(spoken()) for word in said.words)
        for network in (exact, near)
    )
    assert Levenshtein.distance(one_text, other_text) < 0.5 * len(one_text)


# --- loops -------------------------------------------------------------------------------------


def never_ending() -> FireRed:
    """The same network, but no text ends: its mark of the end is a token that it never writes."""
    network = firered_models.network()
    endless = FireRed.__new__(FireRed)
    endless.__dict__.update(network.__dict__)
    endless._marks = Marks(SOS, PAD)
    return endless


def test_a_text_without_end_stops_at_its_cap_and_says_so() -> None:
    network = never_ending()
    speech = spoken()[:6]
    frames = [-(-(len(pcm) // 160 - 2) // 4) for pcm in speech]
    with torch.inference_mode():
        features, lengths = network.features(speech)
        best = network._decode(network._encode(features, lengths), frames)
    assert [len(hypothesis.tokens) for hypothesis in best] == [most_tokens(n) for n in frames]
    assert not any(hypothesis.is_ended for hypothesis in best)
    together = network.recognise(speech)
    assert all(said.was_cut for said in together)
    for pcm, said in zip(speech, together, strict=True):
        (alone,) = network.recognise([pcm])
        assert without_confidence(alone) == without_confidence(said)


def test_nobody_says_as_much_as_the_cap_allows() -> None:
    for seconds in (0.5, 1, 5, 30, 60):
        tokens = most_tokens(round(seconds * 25))
        assert 8 * seconds < tokens <= 12 * seconds + 4


# --- memory ------------------------------------------------------------------------------------

SHAPES = (ProbeShape(20, 1.0), ProbeShape(8, 5.0), ProbeShape(1, 20.0))

RELEASED = NetworkShape(width=1280, decoder_blocks=16, vocabulary=8667, beams=3)


def test_no_batch_takes_more_than_its_estimate() -> None:
    assert_within_estimate(firered_models.network(), SHAPES)


def test_what_a_batch_needs_does_not_depend_on_what_is_said() -> None:
    """Else a calibration, which hears noise, would promise room that speech has not."""
    quiet, endless = firered_models.network(), never_ending()
    speech = noise(ProbeShape(4, 5.0))
    one, other = (
        live_peak_bytes(firered_models.CPU, network, speech) for network in (quiet, endless)
    )
    assert abs(one - other) <= 0.1 * one


def test_more_spans_longer_spans_and_more_beams_need_more() -> None:
    model = estimate_memory(RELEASED)
    needed = [model.activation_bytes(padded, 10.0) for padded in (10.0, 20.0, 60.0, 300.0)]
    assert needed == sorted(needed)
    assert model.activation_bytes(60.0, 30.0) > model.activation_bytes(60.0, 10.0)
    wider = estimate_memory(replace(RELEASED, beams=5))
    assert wider.bytes_per_second > model.bytes_per_second
    # The keys and values of twelve tokens a second for three hypotheses in sixteen layers.
    assert model.bytes_per_second > 12 * 3 * 16 * 2 * 1280 * 4


def test_its_probes_give_a_model_of_memory() -> None:
    assert_probes_foretell(firered_models.network(), SHAPES)
