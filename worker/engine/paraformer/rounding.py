"""Round a Paraformer's weights: which of its parts.

Encoder and decoder, nearly all of the work, may run in 16 bits, and on a CPU their matrix products
in 8.  What decides by a threshold or between near equals stays float32: the predictor, whose tokens
fire when a sum passes a whole number, the timestamp BLSTM, and the vocabulary's scores.
"""

from __future__ import annotations

from typing import Any

from worker.engine.layers.sanm_encoder import keep_residuals_in_float32
from worker.engine.precision import Precision


def round_weights(model: Any, precision: Precision) -> None:
    """Round the weights as the precision says.

    `model` is a BiCifParaformer; its predictor and its vocabulary's layer stay as they are.
    """
    precision.round_weights(model.encoder, model.decoder, but=model.decoder.output_layer)
    if precision.dtype is not None:
        keep_residuals_in_float32(model.encoder)
