"""Both ways through the bidirectional LSTM give each span what it gets alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from worker.engine.paraformer.blstm import Packed, Reversed

LENGTHS = torch.tensor([9, 30, 1, 22])


@pytest.fixture
def lstm() -> nn.LSTM:
    torch.manual_seed(0)
    return nn.LSTM(12, 16, batch_first=True, bidirectional=True).eval()


@pytest.mark.parametrize("way", [Packed, Reversed])
@torch.inference_mode()
def test_padding_plays_no_part(lstm: nn.LSTM, way: type[Packed] | type[Reversed]) -> None:
    x = torch.randn(len(LENGTHS), int(LENGTHS.max()), 12)
    for row, length in enumerate(LENGTHS):
        x[row, length:] = 1e3
    states = way(lstm)(x, LENGTHS)
    assert states.shape == (len(LENGTHS), int(LENGTHS.max()), 32)
    for row, length in enumerate(LENGTHS):
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
