"""Both ways through the bidirectional LSTM give each span what it gets alone."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from worker.engine.paraformer.blstm import Packed, Reversed
from worker.engine.paraformer.lstm_pieces import SPANS_A_STEP, STEPS_A_PIECE, lstm_pieces

LENGTHS = torch.tensor([9, 30, 1, 22])


@pytest.fixture
def lstm() -> nn.LSTM:
    torch.manual_seed(0)
    return nn.LSTM(12, 16, batch_first=True, bidirectional=True).eval()


LONGER = torch.tensor([40, 900, 41, 39, 40, 320, 42, 900, 38, 43])
"""In several pieces, and not in order."""


@pytest.mark.parametrize("lengths", [LENGTHS, LONGER, LONGER.sort(descending=True).values])
@pytest.mark.parametrize("way", [Packed, Reversed])
@torch.inference_mode()
def test_padding_plays_no_part(
    lstm: nn.LSTM, way: type[Packed] | type[Reversed], lengths: torch.Tensor
) -> None:
    x = torch.randn(len(lengths), int(lengths.max()), 12)
    for row, length in enumerate(lengths):
        x[row, length:] = 1e3
    states = way(lstm)(x, lengths)
    assert states.shape == (len(lengths), int(lengths.max()), 32)
    for row, length in enumerate(lengths):
        alone, _ = lstm(x[row : row + 1, :length])
        torch.testing.assert_close(states[row, :length], alone[0], rtol=1e-5, atol=1e-6)


def test_shares_its_weights(lstm: nn.LSTM) -> None:
    own = {tensor.data_ptr() for tensor in lstm.parameters()}
    ways = Reversed(lstm)
    halves = [*ways._forward.parameters(), *ways._backward.parameters()]
    assert {tensor.data_ptr() for tensor in halves} == own


def test_another_kind_of_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="one bidirectional layer"):
        Reversed(nn.LSTM(12, 16, num_layers=2, batch_first=True, bidirectional=True))


def cheapest(lengths: list[int], begin: int = 0) -> int:
    """Steps of all spans, by trying every end of the first piece."""
    left = sorted({length for length in lengths if length > begin})
    if not left:
        return 0
    a_step = max(SPANS_A_STEP, sum(length > begin for length in lengths))
    return STEPS_A_PIECE + min((end - begin) * a_step + cheapest(lengths, end) for end in left)


@pytest.mark.parametrize("spans", range(1, 10))
def test_no_other_pieces_take_fewer_steps(spans: int) -> None:
    lengths = sorted((random.Random(spans).randint(1, 900) for _ in range(spans)), reverse=True)
    begin = found = 0
    for running, end in lstm_pieces(lengths):
        assert running == sum(length > begin for length in lengths)
        found += STEPS_A_PIECE + (end - begin) * max(running, SPANS_A_STEP)
        begin = end
    assert begin == max(lengths)
    assert found == cheapest(lengths)


def test_spans_are_left_behind_where_that_saves_steps() -> None:
    assert lstm_pieces([700, 300, 40]) == [(3, 700)]
    assert lstm_pieces([200] * 60) == [(60, 200)]
    assert lstm_pieces([900] * 8 + [100] * 30) == [(38, 100), (8, 900)]
