"""The three networks that inference runs, each from its folder."""

from __future__ import annotations

import contextlib
import inspect
import io
import itertools
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from shared.errors import ModelUnavailable
from shared.settings import PARAFORMER_LARGE
from worker.engine.fbank import MEL_BINS
from worker.engine.loading.checkpoint import load_parameters, without_initial_values
from worker.engine.loading.funasr_modules import process_unchanged, register_networks
from worker.engine.loading.load_errors import failures_explained, unusable
from worker.engine.paraformer.network import LoadedNetwork
from worker.engine.punctuation.word_segmentation import load_segmenter
from worker.model_store.config import read_config
from worker.model_store.locate import ModelFolder
from worker.recogniser import SAMPLE_RATE

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ingredients:
    """What of a folder its network is built from."""

    settings: Mapping[str, Any]
    """config.yaml merged as FunASR merges it: the top level wins over model_conf."""
    frontend: Any
    tokens: Sequence[str]

    def named(self, *names: str) -> dict[str, Any]:
        """The settings of these names, as far as they are given."""
        return {name: self.settings[name] for name in names if name in self.settings}


def _of_asr(given: _Ingredients) -> dict[str, Any]:
    return given.named("ignore_id", "blank_id", "sos", "eos") | {
        "vocab_size": len(given.tokens),
        "input_size": given.frontend.output_size(),
        "ctc_weight": 0.0,  # else a second output layer, for training
    }


def _of_vad(given: _Ingredients) -> dict[str, Any]:
    from funasr.models.fsmn_vad_streaming.model import VADXOptions

    return given.named(*inspect.signature(VADXOptions).parameters)


def _of_punc(given: _Ingredients) -> dict[str, Any]:
    names = ("punc_list", "punc_weight", "embed_unit", "att_unit")
    chosen = given.named(*names, "ignore_id", "sos", "eos", "sentence_end_id")
    return chosen | {"vocab_size": len(given.tokens)}


@dataclass(frozen=True, slots=True)
class _Network:
    """What inference runs of one of FunASR's classes.

    Of a folder's configuration only what is named here is built.  The rest is for training
    (specaug, ctc, optim, scheduler, dataset, normalize and their settings) or tunes the loss.
    """

    built: str
    """The class that is built."""
    named: tuple[str, ...]
    """The classes in config.yaml that it stands for."""
    components: Mapping[str, str]
    """The class of each component; others have another arithmetic."""
    run: tuple[str, ...]
    """Prefixes of the parameters that are run; a loss or a sampler may be missing."""
    arguments: Callable[[_Ingredients], dict[str, Any]]
    """What its constructor takes beside the components."""
    choose: str
    """What to do with a folder of another class."""
    not_run: str = "-"


_TAKE_A_PARAFORMER = (
    f"Set LONGSCRIBE_MODEL to paraformer-zh, or to {PARAFORMER_LARGE}, which both give the time "
    "of each word"
)

_ASR = _Network(
    built="BiCifParaformer",
    # SeACo is BiCif with a second decoder for hotwords, which without hotwords is never run.
    named=("BiCifParaformer", "SeacoParaformer"),
    components={
        "encoder": "SANMEncoder",
        "decoder": "ParaformerSANMDecoder",
        "predictor": "CifPredictorV3",
    },
    run=("encoder.", "decoder.", "predictor."),
    not_run="decoder.embed.",  # embeds known text, in training and for hotwords
    arguments=_of_asr,
    choose=_TAKE_A_PARAFORMER,
)
_VAD = _Network(
    built="FsmnVADStreaming",
    named=("FsmnVADStreaming",),
    components={"encoder": "FSMN"},
    run=("encoder.",),
    arguments=_of_vad,
    choose="Set LONGSCRIBE_VAD_MODEL=fsmn-vad",
)
_PUNC = _Network(
    built="CTTransformer",
    named=("CTTransformer",),
    components={"encoder": "SANMEncoder"},
    run=("embed.", "encoder.", "decoder."),
    arguments=_of_punc,
    choose="Set LONGSCRIBE_PUNC_MODEL to ct-punc or ct-punc-c",
)

_WHY_NOT = {
    "Paraformer": "which gives no times for its words",
    "ParaformerStreaming": "which is for live speech and gives no times for its words",
    "ContextualParaformer": "which gives no times for its words and wants hotwords in every pass",
}
"""Of the classes that people try first."""


def load_asr(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    """Paraformer with timestamps. Raises ModelUnavailable, saying what to do."""
    network = _load(folder, _ASR, device)
    with failures_explained(folder, "describe its predictor"):
        predictor = network.model.predictor
        _require(folder, predictor.threshold == 1.0, "a firing threshold of 1.0")
        _require(folder, predictor.tail_threshold > 0, "a tail_threshold above 0")
        _require(folder, predictor.upsample_type == "cnn_blstm", "timestamps by cnn_blstm")
        _require(folder, not predictor.use_cif1_cnn, "timestamps from the encoder's output")
        _require(folder, predictor.upsample_times == 3, "three timestamp weights a frame")
    _require(folder, network.frame_step == 6, "frames of 60 ms (lfr_n = 6)")
    _require(folder, len(network.token_list) > 0, "a list of tokens (tokens.json)")
    return network


def load_vad(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    """FSMN-VAD. Raises ModelUnavailable, saying what to do."""
    network = _load(folder, _VAD, device)
    with failures_explained(folder, "describe its thresholds"):
        options = network.model.vad_opts
        blocks = [layer.fsmn_block for layer in network.model.encoder.fsmn]
        _require(folder, network.frame_step == 1, "frames of 10 ms (lfr_n = 1)")
        _require(folder, network.frame_width % 2 == 1, "an odd number of stacked frames (lfr_m)")
        looks_back = all(block.conv_right is None for block in blocks)
        _require(folder, looks_back, "a network that looks back only (rorder = 0)")
        _require(folder, options.speech_2_noise_ratio == 1.0, "speech_2_noise_ratio of 1.0")
        # No signal is so quiet (-60 dB is digital silence), so these thresholds never decide.
        quietest = max(options.decibel_thres, options.snr_thres)
        _require(folder, quietest <= -90, "no level thresholds")
    return network


def load_punc(folder: ModelFolder, device: torch.device) -> LoadedNetwork:
    """CT-Transformer. Raises ModelUnavailable, saying what to do."""
    network = _load(folder, _PUNC, device)
    with failures_explained(folder, "describe its marks"):
        marks = list(network.model.punc_list)
        _require(folder, network.model.sentence_end_id in range(len(marks)), "a full stop")
    _require(folder, len(network.token_list) > 0, "a list of tokens (tokens.json)")
    dictionary = folder.path / "jieba_usr_dict"
    if dictionary.is_file():
        with failures_explained(folder, "read its jieba_usr_dict"):
            network.model.jieba_usr_dict = load_segmenter(dictionary)
    return network


def _load(folder: ModelFolder, network: _Network, device: torch.device) -> LoadedNetwork:
    with failures_explained(folder, "build the network of its config.yaml"):
        config = read_config(folder.path)
        _require_class(folder, network, config)
        tokens = _tokens(folder)
        with process_unchanged(), contextlib.redirect_stdout(io.StringIO()) as said:
            tables = register_networks()
            frontend = _frontend(folder, config, tables)
            with without_initial_values():
                model = _model(network, config, tables, frontend, tokens)
        log.debug("FunASR on %s: %s", folder.path, said.getvalue().strip())
    with failures_explained(folder, "read its model.pt"):
        checkpoint = folder.path / "model.pt"
        load_parameters(model, folder, checkpoint, network.run, network.not_run)
    model.requires_grad_(False)
    return LoadedNetwork(
        model=model.to(device).eval(),
        cmvn=None if frontend is None else frontend.cmvn.float(),
        frame_width=0 if frontend is None else frontend.lfr_m,
        frame_step=0 if frontend is None else frontend.lfr_n,
        token_list=tokens,
    )


def _require_class(folder: ModelFolder, network: _Network, config: Mapping[str, Any]) -> None:
    named = str(config.get("model"))
    if named not in network.named:
        why_not = f", {_WHY_NOT[named]}" if named in _WHY_NOT else ""
        raise ModelUnavailable(
            f"The model {folder.name} in {folder.path} is of FunASR's class {named}{why_not}; "
            f"Longscribe runs {' and '.join(network.named)} there. {network.choose}."
        )
    for component, runs in network.components.items():
        found = config.get(component)
        _require(folder, found == runs, f"{component}: {runs} (config.yaml says {found})")


def _tokens(folder: ModelFolder) -> Sequence[str]:
    """The tokens in the order of their numbers; none where the folder has no list of them."""
    listed = folder.path / "tokens.json"
    if listed.is_file():
        tokens = json.loads(listed.read_text(encoding="utf-8"))
        if not (isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)):
            raise unusable(folder, "tokens.json is not a list of texts")
        return tokens
    lines = folder.path / "tokens.txt"
    if lines.is_file():
        return [line.rstrip() for line in lines.read_text(encoding="utf-8").splitlines()]
    return ()


def _frontend(folder: ModelFolder, config: Mapping[str, Any], tables: Any) -> Any:
    """FunASR's frontend, for its normalisation and its settings; None for a network on text."""
    name = config.get("frontend")
    if name is None:
        return None
    _require(
        folder,
        name in ("WavFrontend", "WavFrontendOnline"),
        f"frontend: WavFrontend or WavFrontendOnline (config.yaml says {name})",
    )
    normalisation = folder.path / "am.mvn"
    if not normalisation.is_file():
        raise unusable(folder, "it has no am.mvn, so its input cannot be normalised")
    conf = dict(config.get("frontend_conf") or {}) | {"cmvn_file": str(normalisation)}
    frontend = tables.frontend_classes[name](**conf)
    stacked = frontend.lfr_m * frontend.n_mels
    if tuple(frontend.cmvn.shape) != (2, stacked) or not torch.isfinite(frontend.cmvn).all():
        raise unusable(folder, f"am.mvn does not hold two rows of {stacked} numbers")
    features = (frontend.fs, frontend.n_mels, frontend.frame_length, frontend.frame_shift)
    _require(
        folder,
        features == (SAMPLE_RATE, MEL_BINS, 25, 10)
        and frontend.window == "hamming"
        and frontend.snip_edges,
        "16 kHz, 80 mel bins, Hamming windows of 25 ms every 10 ms",
    )
    return frontend


def _model(
    network: _Network,
    config: Mapping[str, Any],
    tables: Any,
    frontend: Any,
    tokens: Sequence[str],
) -> Any:
    """The network, its parameters still whatever their memory held."""
    settings = {**(config.get("model_conf") or {}), **config}
    given = _Ingredients(settings, frontend, tokens)
    components = [(name, f"{name}_conf") for name in network.components]
    return tables.model_classes[network.built](
        **given.named(*itertools.chain.from_iterable(components)), **network.arguments(given)
    )


def _require(folder: ModelFolder, fulfilled: bool, what: str) -> None:
    if not fulfilled:
        raise ModelUnavailable(
            f"The model {folder.name} in {folder.path} lacks what Longscribe's engine needs: "
            f"{what}. Choose another model."
        )
