"""Load an FSMN-VAD from its folder."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from worker.engine.loading.build import (
    Ingredients,
    LoadedNetwork,
    NetworkSpec,
    load_network,
    require,
)
from worker.engine.loading.load_errors import failures_explained
from worker.model_store.locate import ModelFolder


def _constructor_arguments(given: Ingredients) -> dict[str, Any]:
    from funasr.models.fsmn_vad_streaming.model import VADXOptions

    return given.named(*inspect.signature(VADXOptions).parameters)


SPEC = NetworkSpec(
    built="FsmnVADStreaming",
    named=("FsmnVADStreaming",),
    modules=(
        "funasr.models.fsmn_vad_streaming.encoder",
        "funasr.models.fsmn_vad_streaming.model",
    ),
    components={"encoder": "FSMN"},
    run=("encoder.",),
    arguments=_constructor_arguments,
    choose="Set LONGSCRIBE_VAD_MODEL=fsmn-vad",
)


def load_fsmn(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    """FSMN-VAD. Raises ModelUnavailable, saying what to do."""
    network = load_network(folder, SPEC, device)
    with failures_explained(folder, "describe its thresholds"):
        options = network.model.vad_opts
        blocks = [layer.fsmn_block for layer in network.model.encoder.fsmn]
        require(folder, network.frame_step == 1, "frames of 10 ms (lfr_n = 1)")
        require(folder, network.frame_width % 2 == 1, "an odd number of stacked frames (lfr_m)")
        looks_back = all(block.conv_right is None for block in blocks)
        require(folder, looks_back, "a network that looks back only (rorder = 0)")
        require(folder, options.speech_2_noise_ratio == 1.0, "speech_2_noise_ratio of 1.0")
        # No signal is so quiet (-60 dB is digital silence), so these thresholds never decide.
        quietest = max(options.decibel_thres, options.snr_thres)
        require(folder, quietest <= -90, "no level thresholds")
    return network
