"""Build FunASR's networks from folders on this disk, and make sure that they really loaded.

FunASR loads a checkpoint with missing or misshapen parameters in silence and leaves them random,
runs without normalisation when am.mvn is missing, and changes torch's threads, the random
generators and the root logger as it goes.  Here a broken folder is a ModelUnavailable that says
what is wrong, and the process is left as it was.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import logging
import pkgutil
import random
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import nn

from shared.errors import ModelUnavailable
from worker.engine.catalogue import ModelFolder
from worker.engine.fbank import MEL_BINS
from worker.engine.paraformer import LoadedNetwork
from worker.recogniser import SAMPLE_RATE

log = logging.getLogger(__name__)

ASR_CLASS = "BiCifParaformer"
VAD_CLASS = "FsmnVADStreaming"
PUNC_CLASS = "CTTransformer"

_PARTS = {
    ASR_CLASS: ("encoder.", "decoder.", "predictor."),
    VAD_CLASS: ("encoder.",),
    PUNC_CLASS: ("embed.", "encoder.", "decoder."),
}
"""The networks that inference runs; a loss or a sampler may be missing."""

_NOT_RUN = ("decoder.embed.",)
"""Of Paraformer's decoder: it embeds known text, in training only."""

_REGISTERING = (
    "funasr.frontends.wav_frontend",
    "funasr.models.bicif_paraformer.cif_predictor",
    "funasr.models.bicif_paraformer.model",
    "funasr.models.ct_transformer.model",
    "funasr.models.fsmn_vad_streaming.encoder",
    "funasr.models.fsmn_vad_streaming.model",
    "funasr.models.paraformer.decoder",
    "funasr.models.sanm.encoder",
    "funasr.tokenizer.char_tokenizer",
)
"""Each registers its classes under the names that config.yaml uses."""


def load_asr(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    network = _load(folder, ASR_CLASS, device)
    predictor = network.model.predictor
    _require(folder, type(predictor).__name__ == "CifPredictorV3", "a predictor CifPredictorV3")
    _require(folder, predictor.threshold == 1.0, "a firing threshold of 1.0")
    _require(folder, predictor.tail_threshold > 0, "a tail_threshold above 0")
    _require(folder, predictor.upsample_type == "cnn_blstm", "timestamps by cnn_blstm")
    _require(folder, not predictor.use_cif1_cnn, "timestamps from the encoder's output")
    _require(folder, predictor.upsample_times == 3, "three timestamp weights a frame")
    _require(folder, network.frame_step == 6, "frames of 60 ms (lfr_n = 6)")
    return network


def load_vad(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    network = _load(folder, VAD_CLASS, device)
    options = network.model.vad_opts
    _require(folder, network.frame_step == 1, "frames of 10 ms (lfr_n = 1)")
    _require(folder, network.frame_width % 2 == 1, "an odd number of stacked frames (lfr_m)")
    blocks = [layer.fsmn_block for layer in network.model.encoder.fsmn]
    looks_back = all(block.conv_right is None for block in blocks)
    _require(folder, looks_back, "a network that looks back only (rorder = 0)")
    _require(folder, options.speech_2_noise_ratio == 1.0, "speech_2_noise_ratio of 1.0")
    # No signal is so quiet (-60 dB is digital silence), so these thresholds never decide.
    _require(folder, max(options.decibel_thres, options.snr_thres) <= -90, "no level thresholds")
    return network


def load_punc(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    return _load(folder, PUNC_CLASS, device)


def _load(folder: ModelFolder, wanted: str, device: torch.device) -> LoadedNetwork:
    named = _config(folder).get("model")
    if named != wanted:
        raise ModelUnavailable(
            f"The model {folder.name} in {folder.path} is of FunASR's class {named}; Longscribe "
            f"runs {wanted} there. Choose another model."
        )
    with process_unchanged(), contextlib.redirect_stdout(io.StringIO()) as said:
        auto_model = import_funasr()
        model, settings = auto_model.build_model(
            model=str(folder.path),
            device=str(device),
            ncpu=torch.get_num_threads(),
            trust_remote_code=False,
            check_latest=False,
        )
    log.debug("FunASR on %s: %s", folder.path, said.getvalue().strip())
    verify_parameters(model, folder.path / "model.pt", _PARTS[wanted])
    model.requires_grad_(False)
    frontend = settings.get("frontend")
    if frontend is not None:
        _verify_frontend(folder, frontend)
    return LoadedNetwork(
        model=model,
        cmvn=None if frontend is None else frontend.cmvn.float(),
        frame_width=0 if frontend is None else frontend.lfr_m,
        frame_step=0 if frontend is None else frontend.lfr_n,
        token_list=settings.get("token_list") or (),
    )


def _config(folder: ModelFolder) -> Mapping[str, Any]:
    try:
        config = yaml.safe_load((folder.path / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ModelUnavailable(f"{folder.path}/config.yaml cannot be read: {error}") from error
    return config if isinstance(config, dict) else {}


def verify_parameters(model: nn.Module, checkpoint: Path, parts: tuple[str, ...]) -> None:
    """Every parameter and buffer of `parts` is in the checkpoint, in its shape.

    Raises ModelUnavailable with the first names that are not.
    """
    state: Any = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    for wrapper in ("state_dict", "model_state_dict", "model"):
        if isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
    shapes = {name.removeprefix("module."): tuple(value.shape) for name, value in state.items()}
    wrong = [
        f"{name} {tuple(value.shape)}"
        + (f" is {shapes[name]} in the file" if name in shapes else " is missing")
        for name, value in model.state_dict().items()
        if name.startswith(parts)
        and not name.startswith(_NOT_RUN)
        and shapes.get(name) != tuple(value.shape)
    ]
    if wrong:
        raise ModelUnavailable(
            f"The checkpoint {checkpoint} does not fit its config.yaml: {'; '.join(wrong[:3])}"
            f"{f' and {len(wrong) - 3} more' if len(wrong) > 3 else ''}. Download the model again."
        )


def _verify_frontend(folder: ModelFolder, frontend: Any) -> None:
    if frontend.cmvn is None:
        raise ModelUnavailable(
            f"The model folder {folder.path} has no am.mvn, so its input cannot be normalised. "
            "Download the model again."
        )
    features = (frontend.fs, frontend.n_mels, frontend.frame_length, frontend.frame_shift)
    _require(
        folder,
        features == (SAMPLE_RATE, MEL_BINS, 25, 10)
        and frontend.window == "hamming"
        and frontend.snip_edges,
        "16 kHz, 80 mel bins, Hamming windows of 25 ms every 10 ms",
    )


def _require(folder: ModelFolder, fulfilled: bool, what: str) -> None:
    if not fulfilled:
        raise ModelUnavailable(
            f"The model {folder.name} in {folder.path} lacks what Longscribe's engine needs: "
            f"{what}. Choose another model."
        )


def import_funasr() -> Any:
    """FunASR's AutoModel with only the modules of our three networks.

    `import funasr` imports every model that it ships and swallows 33 failures on the way: 4 CPU
    seconds and 160 MB more than this.
    """
    if importlib.util.find_spec("distutils") is None:
        # FunASR imports it, Python 3.12 is without it, and setuptools brings one when imported.
        importlib.import_module("setuptools")
    if "funasr" not in sys.modules:
        walk_packages = pkgutil.walk_packages
        pkgutil.walk_packages = lambda *_, **__: iter(())
        try:
            importlib.import_module("funasr")
        finally:
            pkgutil.walk_packages = walk_packages
    for module in _REGISTERING:
        importlib.import_module(module)
    from funasr.auto.auto_model import AutoModel

    return AutoModel


@contextlib.contextmanager
def process_unchanged() -> Iterator[None]:
    """Undo what FunASR does to the whole process: log level, threads, random generators."""
    root = logging.getLogger()
    level, handlers, threads = root.level, list(root.handlers), torch.get_num_threads()
    python_random, numpy_random, torch_random = (
        random.getstate(),
        np.random.get_state(),
        torch.random.get_rng_state(),
    )
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        random.setstate(python_random)
        np.random.set_state(numpy_random)
        torch.random.set_rng_state(torch_random)
