"""Build the network that inference runs from its folder, as a spec of its class says.

The specs stand with the networks: `paraformer.load_paraformer`, `sensevoice.load_sensevoice`,
`voice_activity.load_fsmn`, `punctuation.load_ct_transformer`.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from shared.errors import ModelUnavailable
from worker.engine.fbank import MEL_BINS
from worker.engine.loading.checkpoint_to_network import load_parameters, without_initial_values
from worker.engine.loading.funasr_modules import process_unchanged, register_classes
from worker.engine.loading.load_errors import failures_explained, unusable
from worker.engine.loading.text_files import (
    lines_of,
    numbers_behind,
    text_of,
    without_numbers,
)
from worker.model_store.config_yaml import read_config
from worker.model_store.files import checkpoint_name, normalisation_name, token_list_name
from worker.model_store.locate import ModelFolder
from worker.recogniser import SAMPLE_RATE

log = logging.getLogger(__name__)

SHARED_MODULES = ("funasr.frontends.wav_frontend", "funasr.tokenizer.char_tokenizer")
"""FunASR's modules that any folder may name."""


@dataclass(frozen=True, slots=True)
class LoadedNetwork:
    """A network as FunASR built it, and what belongs to it."""

    model: Any
    cmvn: Tensor | None
    """(2, features): what to add to a stacked frame, then what to multiply it by."""
    frame_width: int
    """Filter-bank frames stacked into one (lfr_m)."""
    frame_step: int
    """Filter-bank frames from one stacked frame to the next (lfr_n)."""
    token_list: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ingredients:
    """Parts of a model folder from which its network is built."""

    settings: Mapping[str, Any]
    """config.yaml merged as FunASR merges it: the top level wins over model_conf."""
    frontend: Any
    tokens: Sequence[str]

    def named(self, *names: str) -> dict[str, Any]:
        """The settings of these names, as far as they are given."""
        return {name: self.settings[name] for name in names if name in self.settings}


def listed_tokens(folder: ModelFolder) -> Sequence[str]:
    """The tokens in the order of their numbers; none where the folder has no list of them."""
    listed = folder.path / token_list_name(folder.path)
    if not listed.is_file():
        return ()
    with failures_explained(folder, f"read its {listed.name}"):
        text = text_of(listed)
        if listed.suffix != ".json":
            return without_numbers(lines_of(text))
        tokens = json.loads(text)
    if not (isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)):
        raise unusable(folder, f"{listed.name} is not a list of texts")
    return tokens


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Parts of one of FunASR's classes that inference needs.

    Of a folder's configuration only what is named here is built.  The rest is for training
    (specaug, ctc, optim, scheduler, dataset, normalize and their settings) or tunes the loss.
    """

    built: str
    """The class that is built."""
    named: tuple[str, ...]
    """The classes in config.yaml that it stands for."""
    modules: tuple[str, ...]
    """FunASR's modules that define it and its components."""
    components: Mapping[str, str]
    """The class of each component; others have another arithmetic."""
    run: tuple[str, ...]
    """Prefixes of the parameters that are run; a loss or a sampler may be missing."""
    arguments: Callable[[Ingredients], dict[str, Any]]
    """Arguments of its constructor beside the components."""
    choose: str
    """Advice for a folder of another class."""
    not_run: str = "-"
    tokens: Callable[[ModelFolder], Sequence[str]] = listed_tokens
    """Tokens of its outputs, in the order of their numbers."""
    has_frontend: bool = True
    """True if FunASR's frontend, with its normalisation, is in front of it. False for a network
    that makes its own input whatever config.yaml names as frontend."""


def load_network(folder: ModelFolder, network: NetworkSpec, device: torch.device) -> LoadedNetwork:
    """Build, fill and check a network. Raises ModelUnavailable, saying what to do."""
    with failures_explained(folder, "build the network of its config.yaml"):
        config = read_config(folder.path)
        checkpoint = folder.path / checkpoint_name(folder.path)
        _require_class(folder, network, config)
        tokens = network.tokens(folder)
        with process_unchanged(), contextlib.redirect_stdout(io.StringIO()) as said:
            tables = register_classes((*SHARED_MODULES, *network.modules))
            frontend = _frontend(folder, config, tables) if network.has_frontend else None
            with without_initial_values():
                model = _model(network, config, tables, frontend, tokens)
        log.debug("FunASR on %s: %s", folder.path, said.getvalue().strip())
    with failures_explained(folder, f"read its {checkpoint.name}"):
        load_parameters(model, folder, checkpoint, network.run, network.not_run)
    model.requires_grad_(False)
    return LoadedNetwork(
        model=model.to(device).eval(),
        cmvn=None if frontend is None else frontend.cmvn.float(),
        frame_width=0 if frontend is None else frontend.lfr_m,
        frame_step=0 if frontend is None else frontend.lfr_n,
        token_list=tokens,
    )


def wrong_class(
    folder: ModelFolder, named: str, runs: Sequence[str], choose: str, why_not: str = ""
) -> ModelUnavailable:
    """The refusal of a folder whose network is of a class that is not run in its place."""
    return ModelUnavailable(
        f"The model {folder.name} in {folder.path} is of the class {named}{why_not}; "
        f"Longscribe runs {' and '.join(runs)} there. {choose}."
    )


def _require_class(folder: ModelFolder, network: NetworkSpec, config: Mapping[str, Any]) -> None:
    named = str(config.get("model"))
    if named not in network.named:
        raise wrong_class(folder, named, network.named, network.choose)
    for component, runs in network.components.items():
        found = config.get(component)
        require(folder, found == runs, f"{component}: {runs} (config.yaml says {found})")


def _frontend(folder: ModelFolder, config: Mapping[str, Any], tables: Any) -> Any:
    """FunASR's frontend, for its normalisation and its settings; None for a network on text."""
    name = config.get("frontend")
    if name is None:
        return None
    require(
        folder,
        name in ("WavFrontend", "WavFrontendOnline"),
        f"frontend: WavFrontend or WavFrontendOnline (config.yaml says {name})",
    )
    normalisation = folder.path / normalisation_name(folder.path)
    if not normalisation.is_file():
        raise unusable(folder, f"it has no {normalisation.name}, so its input cannot be normalised")
    conf = dict(config.get("frontend_conf") or {}) | {"cmvn_file": None}
    frontend = tables.frontend_classes[name](**conf)
    with failures_explained(folder, f"read its {normalisation.name}"):
        # FunASR's own reading ends at an empty line.
        text = text_of(normalisation)
        rows = [numbers_behind(text, component) for component in ("<AddShift>", "<Rescale>")]
        frontend.cmvn = torch.from_numpy(np.array(rows).astype(np.float32))
    stacked = frontend.lfr_m * frontend.n_mels
    if tuple(frontend.cmvn.shape) != (2, stacked) or not torch.isfinite(frontend.cmvn).all():
        raise unusable(folder, f"{normalisation.name} does not hold two rows of {stacked} numbers")
    features = (frontend.fs, frontend.n_mels, frontend.frame_length, frontend.frame_shift)
    require(
        folder,
        features == (SAMPLE_RATE, MEL_BINS, 25, 10)
        and frontend.window == "hamming"
        and frontend.snip_edges,
        "16 kHz, 80 mel bins, Hamming windows of 25 ms every 10 ms",
    )
    return frontend


def _model(
    network: NetworkSpec,
    config: Mapping[str, Any],
    tables: Any,
    frontend: Any,
    tokens: Sequence[str],
) -> Any:
    """The network, its parameters still whatever their memory held."""
    settings = {**(config.get("model_conf") or {}), **config}
    given = Ingredients(settings, frontend, tokens)
    components = [(name, f"{name}_conf") for name in network.components]
    return tables.model_classes[network.built](
        **given.named(*itertools.chain.from_iterable(components)), **network.arguments(given)
    )


def require(folder: ModelFolder, fulfilled: bool, what: str) -> None:
    """Raise ModelUnavailable, which names what the folder lacks, unless that is fulfilled."""
    if not fulfilled:
        raise ModelUnavailable(
            f"The model {folder.name} in {folder.path} lacks what Longscribe's engine needs: "
            f"{what}. Choose another model."
        )
