"""SANM layers for inference alone: what FunASR's give, in fewer operations."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support.speech.untrained_paraformer import FEATURES, WIDTH, untrained_paraformer
from worker.engine.layers.attention import use_fused_attention
from worker.engine.layers.positions import Positions
from worker.engine.layers.sanm_layers import (
    RowMask,
    add_inputs_within_memory,
    leave_training_out,
    linear_relu,
)

LENGTHS = torch.tensor([23, 17, 1])
TOKENS = torch.tensor([6, 3, 1])


def is_real(lengths: Tensor) -> Tensor:
    return torch.arange(int(lengths.max()))[None] < lengths[:, None]


@pytest.fixture(scope="module")
def model() -> Any:
    """FunASR's own, with fused attention."""
    network = untrained_paraformer(3, 2).model
    use_fused_attention(network)
    return network


@pytest.fixture
def ours(model: Any) -> Any:
    own = copy.deepcopy(model)
    use_fused_attention(own)  # what was bound to the modules that were copied
    assert leave_training_out(own.encoder, own.decoder) > 10
    return own


def encoded(model: Any, features: Tensor) -> Tensor:
    encoder, frames = model.encoder, RowMask.attended(is_real(LENGTHS), torch.float32)
    x = features * encoder.output_size() ** 0.5
    x = x + Positions(encoder.embed, FEATURES).of(x)
    for layer in (*encoder.encoders0, *encoder.encoders):
        x = layer(x, frames)
    after: Tensor = encoder.after_norm(x)
    return after


def decoded(model: Any, hidden: Tensor, embeddings: Tensor) -> Tensor:
    frames = RowMask.attended(is_real(LENGTHS), torch.float32)
    tokens, x = RowMask(is_real(TOKENS)[..., None]), embeddings
    for layer in (*model.decoder.decoders, *model.decoder.decoders3):
        x = layer(x, tokens, hidden, frames)
    after: Tensor = model.decoder.after_norm(x)
    return after


@torch.inference_mode()
def test_every_row_of_audio_and_every_token_keep_their_last_bit(model: Any, ours: Any) -> None:
    torch.manual_seed(1)
    features = torch.randn(3, 23, FEATURES)
    hidden, _ = model.encode(features, LENGTHS)
    assert torch.equal(encoded(ours, features)[is_real(LENGTHS)], hidden[is_real(LENGTHS)])
    embeddings = torch.randn(3, 6, WIDTH)
    states, _ = model.decoder(hidden, LENGTHS, embeddings, TOKENS, return_hidden=True)
    after = decoded(ours, hidden, embeddings)
    assert torch.equal(after[is_real(TOKENS)], states[is_real(TOKENS)])


@torch.inference_mode()
def test_what_is_fused_where_operations_are_launched_differs_by_rounding_alone(
    model: Any, ours: Any
) -> None:
    torch.manual_seed(2)
    features = torch.randn(3, 23, FEATURES)
    before = encoded(ours, features)
    assert add_inputs_within_memory(ours.encoder, ours.decoder) == 3 + 2
    after = encoded(ours, features)
    real = is_real(LENGTHS)
    torch.testing.assert_close(after[real], before[real], rtol=1e-4, atol=1e-5)
    assert not torch.equal(after, before)
    embeddings = torch.randn(3, 6, WIDTH)
    plain, _ = model.decoder(before, LENGTHS, embeddings, TOKENS, return_hidden=True)
    torch.testing.assert_close(
        decoded(ours, before, embeddings)[is_real(TOKENS)],
        plain[is_real(TOKENS)],
        rtol=1e-4,
        atol=1e-5,
    )


@torch.inference_mode()
def test_a_relu_within_the_product_is_the_same() -> None:
    torch.manual_seed(3)
    linear, x = nn.Linear(32, 48), torch.randn(2, 5, 32)
    torch.testing.assert_close(linear_relu(linear, x), linear(x).relu())


def test_memory_in_sixteen_bits_adds_its_input_by_itself(ours: Any) -> None:
    assert add_inputs_within_memory(ours.encoder.to(torch.bfloat16)) == 0


def test_rows_of_scores_lie_where_a_kernel_reads_them_in_place() -> None:
    mask = RowMask.attended(is_real(LENGTHS), torch.float32)
    assert mask.scores is not None
    assert mask.scores.shape == (3, 1, 1, 23)
    assert mask.scores.stride(0) % 16 == 0
    assert torch.equal(mask.scores[:, 0, 0] == 0, is_real(LENGTHS))
    assert torch.equal(mask.scores[:, 0, 0].isinf(), ~is_real(LENGTHS))


@torch.inference_mode()
def test_positions_are_kept_and_grow(model: Any) -> None:
    positions, embed = Positions(model.encoder.embed, FEATURES), model.encoder.embed
    for frames in (5, 1_500, 7):
        x = torch.randn(2, frames, FEATURES)
        assert torch.equal(x + positions.of(x), embed(x))
