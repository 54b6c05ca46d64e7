"""The bidirectional LSTM of the timestamp head over spans of different lengths.

Run over a padded batch as it is, its backward half starts in the padding.  Either way here it
starts at each span's last frame: with torch's packed sequences, or, on a CPU, as two LSTMs of one
direction of which the second reads the spans reversed; those run in oneDNN, half as long as packed
sequences do, and leave spans behind that have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from worker.engine.paraformer.lstm_pieces import Piece, lstm_pieces

BidirectionalLSTM = Callable[[Tensor, Tensor], Tensor]
"""(batch, T, width) and (batch,) lengths, on the CPU, to (batch, T, 2 * hidden); beyond a span's
length anything finite."""


def bidirectional(lstm: nn.LSTM, device: torch.device) -> BidirectionalLSTM:
    """The faster of the two ways on this device. Weights are shared with `lstm`."""
    return Reversed(lstm) if device.type == "cpu" else Packed(lstm)


class Packed:
    def __init__(self, lstm: nn.LSTM) -> None:
        self._lstm = lstm

    def __call__(self, x: Tensor, lengths: Tensor) -> Tensor:
        # Planned batches are in this order; torch's own sorting would wait for the device.
        longest_first = bool((lengths[1:] <= lengths[:-1]).all())
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=longest_first)
        states, _ = pad_packed_sequence(
            self._lstm(packed)[0], batch_first=True, total_length=x.shape[1]
        )
        return states


class Reversed:
    def __init__(self, lstm: nn.LSTM) -> None:
        self._forward = _one_direction(lstm, "")
        self._backward = _one_direction(lstm, "_reverse")

    def __call__(self, x: Tensor, lengths: Tensor) -> Tensor:
        x = x.contiguous()
        order = lengths.argsort(descending=True, stable=True)
        rank = order.argsort()
        pieces = lstm_pieces(lengths[order].tolist())
        positions = torch.arange(x.shape[1])[None]
        mirrored = lengths[:, None] - 1 - positions
        mirrored = torch.where(mirrored < 0, positions, mirrored)

        def rows(spans: Tensor, steps: Tensor) -> Tensor:
            return (spans[:, None] * x.shape[1] + steps).flatten()

        backward = _in_pieces(self._backward, _taken(x, rows(order, mirrored[order])), pieces)
        if (lengths[1:] <= lengths[:-1]).all():  # as planned batches are
            forward = _in_pieces(self._forward, x, pieces)
        else:
            forward = _in_pieces(self._forward, _taken(x, rows(order, positions)), pieces)
            forward = _taken(forward, rows(rank, positions))
        return torch.cat([forward, _taken(backward, rows(rank, mirrored))], dim=2)


def _in_pieces(half: nn.LSTM, x: Tensor, pieces: Sequence[Piece]) -> Tensor:
    """(batch, T, hidden) of `x` (batch, T, width), whose longest spans are the first; zeros where
    a piece leaves a span out."""
    if len(pieces) == 1:
        whole: Tensor = half(x)[0]
        return whole
    states = x.new_zeros(*x.shape[:2], half.hidden_size)
    begin, carried = 0, None
    for spans, end in pieces:
        if carried is not None:
            carried = carried[0][:, :spans].contiguous(), carried[1][:, :spans].contiguous()
        states[:spans, begin:end], carried = half(x[:spans, begin:end], carried)
        begin = end
    return states


def _taken(x: Tensor, rows: Tensor) -> Tensor:
    """(batch, T, width) of which each row is the one so numbered of all, in one copy each: torch's
    `gather` would pick number by number."""
    return x.flatten(0, 1).index_select(0, rows).view_as(x)


def _one_direction(lstm: nn.LSTM, suffix: str) -> nn.LSTM:
    if lstm.num_layers != 1 or not lstm.bidirectional or not lstm.batch_first:
        raise ValueError("one bidirectional layer with the batch first is expected")
    half = nn.LSTM(lstm.input_size, lstm.hidden_size, batch_first=True).eval()
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        setattr(half, name, getattr(lstm, name + suffix))
    return half
