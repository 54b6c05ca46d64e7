"""Spans one after another: each gets what it gets by itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.speech.untrained_paraformer import FEATURES, WIDTH, untrained_paraformer
from worker.engine.layers.attention import use_fused_attention
from worker.engine.layers.packed_sequences import SpanRows
from worker.engine.layers.sanm_layers import RowMask, leave_training_out, memory, reach

LENGTHS = (23, 1, 40, 17)
TOKENS = (6, 0, 11, 1)


def rows_of(lengths: tuple[int, ...], width: int) -> Tensor:
    return torch.randn(1, sum(lengths), width)


@pytest.fixture(scope="module")
def model() -> Any:
    network = copy.deepcopy(untrained_paraformer(3, 2).model)
    use_fused_attention(network)
    leave_training_out(network.encoder, network.decoder)
    return network


@pytest.fixture(autouse=True)
def repeatable() -> None:
    torch.manual_seed(5)


def test_spans_are_laid_one_after_another_and_back() -> None:
    is_real = torch.arange(40)[None, :, None] < torch.tensor(LENGTHS)[:, None, None]
    rows = SpanRows.of(is_real, 5)
    assert rows.lengths == LENGTHS
    beside = torch.randn(4, 40, 8)
    laid = rows.taken(beside)
    assert torch.equal(laid[0], beside[is_real[..., 0]])
    assert torch.equal(rows.side_by_side(laid), beside * is_real)


@torch.inference_mode()
def test_attention_and_memory_give_a_span_the_same_bits_in_any_company(model: Any) -> None:
    layer = model.encoder.encoders[0].self_attn
    together = SpanRows(LENGTHS, reach(model.encoder))
    query, key, value = (rows_of(LENGTHS, WIDTH).view(1, -1, 4, 8).transpose(1, 2) for _ in "qkv")
    x = rows_of(LENGTHS, WIDTH)
    attended = together.attend(query, key, value, together).split(LENGTHS, 1)
    remembered = memory(layer, x, together).split(LENGTHS, 1)
    assert torch.equal(torch.cat(remembered, 1), memory(layer, x, together))  # gaps stay zeros
    for number, length in enumerate(LENGTHS):
        alone = SpanRows((length,), together.reach)
        own = (part.split(LENGTHS, 2)[number] for part in (query, key, value))
        assert torch.equal(alone.attend(*own, alone), attended[number])
        assert torch.equal(memory(layer, x.split(LENGTHS, 1)[number], alone), remembered[number])


@pytest.mark.parametrize("sides", [(0, 10), (10, 0), (2, 8)])
@torch.inference_mode()
def test_a_memory_that_looks_further_to_one_side_stays_within_a_span(
    model: Any, sides: tuple[int, int]
) -> None:
    """As FunASR's `sanm_shift` makes it."""
    layer = copy.deepcopy(model.encoder.encoders[0].self_attn)
    layer.pad_fn = torch.nn.ConstantPad1d(sides, 0.0)
    x = rows_of(LENGTHS, WIDTH)
    remembered = memory(layer, x, SpanRows(LENGTHS, reach(layer))).split(LENGTHS, 1)
    for own, length, found in zip(x.split(LENGTHS, 1), LENGTHS, remembered, strict=True):
        assert torch.equal(memory(layer, own, SpanRows((length,), reach(layer))), found)


@torch.inference_mode()
def test_encoder_and_decoder_give_what_they_give_side_by_side(model: Any) -> None:
    frames = RowMask.attended(torch.arange(40)[None] < torch.tensor(LENGTHS)[:, None], torch.float)
    tokens = RowMask((torch.arange(11)[None] < torch.tensor(TOKENS)[:, None])[..., None])
    far = reach(model.encoder, model.decoder)
    frame_rows, token_rows = SpanRows.of(frames.rows, far), SpanRows.of(tokens.rows, far)
    features, embeddings = torch.randn(4, 40, FEATURES), torch.randn(4, 11, WIDTH)
    beside, after = features, frame_rows.taken(features)
    for layer in (*model.encoder.encoders0, *model.encoder.encoders):
        beside, after = layer(beside, frames), layer(after, frame_rows)
    torch.testing.assert_close(after, frame_rows.taken(beside), rtol=1e-5, atol=1e-5)
    said, spoken = embeddings, token_rows.taken(embeddings)
    for layer in (*model.decoder.decoders, *model.decoder.decoders3):
        said = layer(said, tokens, beside, frames)
        spoken = layer(spoken, token_rows, after, frame_rows)
    torch.testing.assert_close(spoken, token_rows.taken(said), rtol=1e-5, atol=1e-5)
