"""Paraformer with its encoder and decoder in ONNX Runtime, for CPUs on which that is faster.

What decides by a threshold or between near equals, the predictor, the timestamps and the
vocabulary, is torch's as ever; hotwords too.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from worker.engine.family import ProbeShape
from worker.engine.layers.sanm_layers import RowMask
from worker.engine.networks.usual_pass_cost import USUAL_PROBES
from worker.engine.onnx.layers import Float32Layers, Int8Layers
from worker.engine.onnx.sanm import decoder_graph, encoder_graph
from worker.engine.onnx.session import Session
from worker.engine.paraformer.network import Paraformer
from worker.engine.paraformer.uncalibrated_memory import FRAME_SECONDS
from worker.engine.paraformer.usual_pass_cost import PADDED_COST
from worker.engine.precision import INT8, ONNXRUNTIME
from worker.memory.batch_memory_model import MemoryModel

_MATRICES = 2
"""Matrices of scores that live at once: one read, one written."""


class ParaformerInOnnxRuntime(Paraformer):
    """Paraformer's words and times from graphs that are written when it is loaded."""

    runtime = ONNXRUNTIME
    cost = PADDED_COST
    probes = replace(
        USUAL_PROBES,
        warm_up=ProbeShape(4, 2.5),
        memory=(
            ProbeShape(6, 2.5),
            ProbeShape(8, 2.5),
            ProbeShape(2, 10.0),
            ProbeShape(2, 24.0),
        ),
    )
    """The last is so long that matrices of scores are half of what it takes."""

    @property
    def memory_estimate(self) -> MemoryModel:
        """Memory model with matrices of scores, which the runtime's attention keeps, unlike torch's
        fused one."""
        scores = _MATRICES * self._heads * 4 / FRAME_SECONDS**2
        return replace(super().memory_estimate, bytes_per_second_squared=scores)

    def _prepare_layers(self) -> None:
        model, threads = self._model, torch.get_num_threads()
        layers = Int8Layers if self._precision.name == INT8 else Float32Layers
        self._heads = model.encoder.encoders0[0].self_attn.h
        self._encoder = Session(encoder_graph(model.encoder, layers), threads)
        self._decoder = Session(decoder_graph(model.decoder, layers), threads)
        # The sessions have copies, so these may go.
        for name in ("encoders0", "encoders"):
            setattr(model.encoder, name, nn.Sequential())
        for name in ("decoders", "decoders2", "decoders3"):
            setattr(model.decoder, name, nn.Sequential())

    def _encode(self, features: Tensor, frames: RowMask) -> Tensor:
        x = features * self._model.encoder.output_size() ** 0.5
        x = x + self._positions.of(x)
        return self._encoder.run(frames=x, keep=frames.rows.float(), hidden=_hidden(frames))

    def _decoder_states(
        self, hidden: Tensor, frames: RowMask, embeddings: Tensor, tokens: RowMask
    ) -> Tensor:
        return self._decoder.run(
            embeddings=embeddings,
            keep=tokens.rows.float(),
            memory=hidden,
            hidden=_hidden(frames),
        )


def _hidden(frames: RowMask) -> Tensor:
    """Bias added to scores of attention: 0 within a span and -inf beyond."""
    assert frames.scores is not None
    return frames.scores
