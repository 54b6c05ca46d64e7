"""Load a Paraformer with timestamps from its folder."""

from __future__ import annotations

from typing import Any

import torch

from shared.settings import PARAFORMER_LARGE
from worker.engine.loading.build import (
    Ingredients,
    LoadedNetwork,
    NetworkSpec,
    load_network,
    require,
)
from worker.engine.loading.load_errors import failures_explained
from worker.model_store.locate import ModelFolder

TAKE_A_PARAFORMER = (
    f"Set LONGSCRIBE_MODEL to paraformer-zh, or to {PARAFORMER_LARGE}, which both give the time "
    "of each word"
)


def _constructor_arguments(given: Ingredients) -> dict[str, Any]:
    return given.named("ignore_id", "blank_id", "sos", "eos") | {
        "vocab_size": len(given.tokens),
        "input_size": given.frontend.output_size(),
        "ctc_weight": 0.0,  # else a second output layer, for training
    }


SPEC = NetworkSpec(
    built="BiCifParaformer",
    # SeACo is BiCif with a second decoder for hotwords, which without hotwords is never run.
    named=("BiCifParaformer", "SeacoParaformer"),
    modules=(
        "funasr.models.bicif_paraformer.cif_predictor",
        "funasr.models.bicif_paraformer.model",
        "funasr.models.paraformer.decoder",
        "funasr.models.sanm.encoder",
    ),
    components={
        "encoder": "SANMEncoder",
        "decoder": "ParaformerSANMDecoder",
        "predictor": "CifPredictorV3",
    },
    run=("encoder.", "decoder.", "predictor."),
    not_run="decoder.embed.",  # embeds known text, in training and for hotwords
    arguments=_constructor_arguments,
    choose=TAKE_A_PARAFORMER,
)


def load_paraformer(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    """Paraformer with timestamps. Raises ModelUnavailable, saying what to do."""
    network = load_network(folder, SPEC, device)
    with failures_explained(folder, "describe its predictor"):
        predictor = network.model.predictor
        require(folder, predictor.threshold == 1.0, "a firing threshold of 1.0")
        require(folder, predictor.tail_threshold > 0, "a tail_threshold above 0")
        require(folder, predictor.upsample_type == "cnn_blstm", "timestamps by cnn_blstm")
        require(folder, not predictor.use_cif1_cnn, "timestamps from the encoder's output")
        require(folder, predictor.upsample_times == 3, "three timestamp weights a frame")
    require(folder, network.frame_step == 6, "frames of 60 ms (lfr_n = 6)")
    require(folder, len(network.token_list) > 0, "a list of tokens (tokens.json)")
    return network
