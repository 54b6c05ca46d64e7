"""Paraformer with its encoder and decoder in ONNX Runtime, for CPUs on which that is faster.

What decides by a threshold or between near equals, the predictor, the timestamps and the
vocabulary, is torch's as ever; hotwords too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from worker.engine.family import ProbeShape
from worker.engine.layers.packed_sequences import SpanRows
from worker.engine.layers.sanm_layers import RowMask
from worker.engine.networks.usual_pass_cost import USUAL_PROBES
from worker.engine.onnx.layers import Float32Layers, Int8Layers
from worker.engine.onnx.sanm import decoder_graph, encoder_graph
from worker.engine.onnx.session import Session
from worker.engine.paraformer.network import Paraformer
from worker.engine.precision import INT8, ONNXRUNTIME


class ParaformerInOnnxRuntime(Paraformer):
    """Paraformer's words and times from graphs that are written when it is loaded."""

    runtime = ONNXRUNTIME
    probes = replace(
        USUAL_PROBES,
        warm_up=ProbeShape(4, 2.5),
        memory=(ProbeShape(6, 2.5), ProbeShape(3, 10.0), ProbeShape(8, 10.0)),
    )
    """Further apart than the usual ones, for the resident set is coarse."""

    def _prepare_layers(self) -> None:
        model, threads = self._model, torch.get_num_threads()
        layers = Int8Layers if self._precision.name == INT8 else Float32Layers
        self._encoder = Session(encoder_graph(model.encoder, layers), threads)
        self._decoder = Session(decoder_graph(model.decoder, layers), threads)
        # The sessions have copies, so these may go.
        for name in ("encoders0", "encoders"):
            setattr(model.encoder, name, nn.Sequential())
        for name in ("decoders", "decoders2", "decoders3"):
            setattr(model.decoder, name, nn.Sequential())

    def _encode(self, features: Tensor, frames: RowMask) -> Tensor:
        x = features * self._model.encoder.output_size() ** 0.5
        laid = SpanRows.of(frames.rows, 0)
        x = laid.taken(x + self._positions.of(x))
        encoded = self._encoder.run(frames=x[0], lengths=torch.tensor(laid.lengths))
        return laid.side_by_side(encoded[None])

    def _decoder_states(
        self, hidden: Tensor, frames: RowMask, embeddings: Tensor, tokens: RowMask
    ) -> Tensor:
        asking, attended = SpanRows.of(tokens.rows, 0), SpanRows.of(frames.rows, 0)
        both = zip(asking.lengths, attended.lengths, strict=True)
        heard = SpanRows(tuple(length if count else 0 for count, length in both), 0)
        decoded = self._decoder.run(
            embeddings=asking.taken(embeddings)[0],
            counts=_but_zeros(asking.lengths),
            memory=heard.taken(hidden)[0],
            lengths=_but_zeros(heard.lengths),
        )
        return asking.side_by_side(decoded[None])


def _but_zeros(numbers: Sequence[int]) -> Tensor:
    """The numbers without those of spans in which nothing is said, which the graph has no place
    for."""
    return torch.tensor([number for number in numbers if number])
