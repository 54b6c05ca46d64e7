"""Load a Paraformer with timestamps from its folder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from shared.settings import PARAFORMER_LARGE
from worker.engine.layers.sanm_layers import usual
from worker.engine.loading.build import (
    Ingredients,
    LoadedNetwork,
    NetworkSpec,
    load_network,
    require,
)
from worker.engine.loading.load_errors import failures_explained
from worker.model_store.config_yaml import read_config
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
    # SeACo is BiCif with a second decoder, for hotwords. A folder may name it and have none.
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


def _hotword_arguments(given: Ingredients) -> dict[str, Any]:
    return _constructor_arguments(given) | given.named(
        "inner_dim", "bias_encoder_type", "bias_encoder_bid", "NO_BIAS"
    )


HOTWORD_SPEC = replace(
    SPEC,
    built="SeacoParaformer",
    modules=(*SPEC.modules, "funasr.models.seaco_paraformer.model"),
    components={**SPEC.components, "seaco_decoder": "ParaformerSANMDecoder"},
    run=(*SPEC.run, "bias_encoder.", "lstm_proj.", "seaco_decoder.", "hotword_output_layer."),
    not_run="-",
    arguments=_hotword_arguments,
)
"""SeACo with its hotwords."""


def load_paraformer(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    """Paraformer with timestamps, and with hotwords where its folder describes a decoder for them.

    Raises ModelUnavailable, saying what to do.
    """
    with failures_explained(folder, "build the network of its config.yaml"):
        config = read_config(folder.path)
    has_hotwords = config.get("model") == HOTWORD_SPEC.built and config.get("seaco_decoder")
    network = load_network(folder, HOTWORD_SPEC if has_hotwords else SPEC, device)
    with failures_explained(folder, "describe its predictor"):
        predictor = network.model.predictor
        require(folder, predictor.threshold == 1.0, "a firing threshold of 1.0")
        require(folder, predictor.tail_threshold > 0, "a tail_threshold above 0")
        require(folder, predictor.upsample_type == "cnn_blstm", "timestamps by cnn_blstm")
        require(folder, not predictor.use_cif1_cnn, "timestamps from the encoder's output")
        require(folder, predictor.upsample_times == 3, "three timestamp weights a frame")
    with failures_explained(folder, "describe its encoder and decoder"):
        encoder, decoder = network.model.encoder, network.model.decoder
        embed = type(encoder.embed).__name__
        require(
            folder, embed == "SinusoidalPositionEncoder", "frames as they are (input_layer: pe)"
        )
        require(folder, not encoder.interctc_use_conditioning, "an encoder without CTC within")
        require(folder, network.model.normalize is None, "features normalised by am.mvn alone")
        require(
            folder,
            usual(encoder) and usual(decoder),
            "layers that normalise before (normalize_before) and add (not concat_after)",
        )
    if has_hotwords:
        _require_hotwords(folder, network)
    require(folder, network.frame_step == 6, "frames of 60 ms (lfr_n = 6)")
    require(folder, len(network.token_list) > 0, "a list of tokens (tokens.json)")
    return network


def _require_hotwords(folder: ModelFolder, network: LoadedNetwork) -> None:
    model = network.model
    with failures_explained(folder, "describe its hotwords"):
        require(folder, model.bias_encoder_type == "lstm", "bias_encoder_type: lstm")
        width = model.decoder.embed[0].embedding_dim
        require(folder, model.inner_dim == width, f"an inner_dim of {width}, as its decoder has")
        decoder = model.seaco_decoder
        require(folder, decoder.normalize_before, "a seaco_decoder that normalises before")
        require(folder, decoder.decoders2 is None, "a seaco_decoder whose layers all attend")
        is_token = 0 <= model.NO_BIAS < len(network.token_list)
        require(folder, is_token, "a NO_BIAS that is the number of a token")
