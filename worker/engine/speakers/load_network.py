"""Load the network of a speaker encoder by the class that its folder names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from worker.demo_model.speaker_tdnn import SpeakerTdnn
from worker.engine.layers.linear import packs_linear_layers
from worker.engine.loading.build import (
    Ingredients,
    NetworkSpec,
    load_network,
    require,
    wrong_class,
)
from worker.engine.loading.checkpoint_to_network import load_parameters
from worker.engine.loading.load_errors import failures_explained
from worker.engine.speakers.campplus import Campplus, can_run
from worker.engine.speakers.features import WINDOW_FRAMES
from worker.model_store.config_yaml import read_config
from worker.model_store.files import checkpoint_name
from worker.model_store.locate import ModelFolder
from worker.speaker_encoder import VECTOR_SIZE

TDNN = SpeakerTdnn.__name__
CAMPPLUS = "CAMPPlus"

COSINE = "same_voice_cosine"
"""Name in config.yaml of the cosine from which on two vectors are one voice."""

_CAMPPLUS_COSINE = 0.4
"""Cosine by which 3D-Speaker, where CAM++ comes from, joins clusters of windows of 1.5 s; not
measured by this project."""

_CHOOSE = "Set LONGSCRIBE_SPEAKER_MODEL=cam++, or leave it empty"


@dataclass(frozen=True, slots=True)
class SpeakerNetwork:
    """A network on its device, ready to run, and what its folder says of it."""

    model: Callable[[Tensor], Tensor]
    """(windows, frames, MEL_BINS) to (windows, VECTOR_SIZE)."""
    same_voice_cosine: float
    is_batch_invariant: bool
    """True where a window has the same vector, to the last bit, among however many others."""


def load_speaker_network(folder: ModelFolder, device: torch.device) -> SpeakerNetwork:
    """A SpeakerTdnn or FunASR's CAM++. Raises ModelUnavailable, saying what to do."""
    with failures_explained(folder, "build the network of its config.yaml"):
        config = read_config(folder.path)
        named = str(config.get("model"))
        cosine = config.get(COSINE, _CAMPPLUS_COSINE if named == CAMPPLUS else None)
    if named == CAMPPLUS:
        model, size = _load_campplus(folder, device)
        require(
            folder,
            size == VECTOR_SIZE,
            f"vectors of {VECTOR_SIZE} numbers (config.yaml says embedding_size: {size})",
        )
    elif named == TDNN:
        model = _load_tdnn(folder, config, device)
    else:
        raise wrong_class(folder, named, (CAMPPLUS, TDNN), _CHOOSE)
    if not isinstance(cosine, int | float):
        cosine = math.nan
    require(folder, -1 < cosine < 1, f"a {COSINE} between -1 and 1 in its config.yaml")
    return SpeakerNetwork(model, float(cosine), isinstance(model, Campplus))


def _load_campplus(
    folder: ModelFolder, device: torch.device
) -> tuple[Callable[[Tensor], Tensor], int]:
    """CAM++ as it is run on the device, and how many numbers its vectors have."""
    model = load_network(folder, _CAMPPLUS_SPEC, device).model
    size = model.xvector.dense.linear.out_channels
    if packs_linear_layers(device) and can_run(model, WINDOW_FRAMES):
        model = Campplus(model)
    return model, size


def _load_tdnn(folder: ModelFolder, config: Mapping[str, Any], device: torch.device) -> nn.Module:
    with failures_explained(folder, "build the network of its config.yaml"):
        model = SpeakerTdnn(**(config.get("model_conf") or {}))
    with failures_explained(folder, "read its checkpoint"):
        load_parameters(model, folder, folder.path / checkpoint_name(folder.path), ("",), "-")
    model.requires_grad_(False)
    return model.to(device).eval()


def _campplus_arguments(given: Ingredients) -> dict[str, Any]:
    return given.named(
        "feat_dim", "embedding_size", "growth_rate", "bn_size", "init_channels", "config_str"
    )


_CAMPPLUS_SPEC = NetworkSpec(
    built=CAMPPLUS,
    named=(CAMPPLUS,),
    modules=("funasr.models.campplus.model",),
    components={},
    run=("head.", "xvector."),
    arguments=_campplus_arguments,
    choose=_CHOOSE,
    has_frontend=False,
)
