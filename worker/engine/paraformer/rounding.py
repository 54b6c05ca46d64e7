"""Round a Paraformer's weights: which of its parts, and to what.

Encoder and decoder, nearly all of the work, may run in 16 bits, and on a CPU their matrix products
in 8.  What decides by a threshold or between near equals stays float32: the predictor, whose tokens
fire when a sum passes a whole number, the timestamp BLSTM, and the vocabulary's scores.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from worker.engine.layers.int8 import round_linear_layers
from worker.engine.precision import INT8, Precision

_ROUNDED = (nn.Linear, nn.Conv1d)


def round_weights(model: Any, precision: Precision) -> None:
    """Round the weights once and for all, as `precision.autocast` would in every batch anew.

    `model` is a BiCifParaformer; its predictor and its vocabulary's layer stay as they are.
    """
    if precision.name == INT8:
        round_linear_layers(model.encoder, model.decoder, but=model.decoder.output_layer)
    if precision.dtype is None:
        return
    for part in (model.encoder, model.decoder):
        for module in part.modules():
            if isinstance(module, _ROUNDED) and module is not model.decoder.output_layer:
                module.to(precision.dtype)
    # The first layer widens its input and so has no residual to add to: its output is what all
    # later ones are added to, which must not happen in 16 bits.
    for layer in model.encoder.encoders0:
        layer.self_attn.register_forward_hook(_as_float32)


def _as_float32(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    return output.float()
