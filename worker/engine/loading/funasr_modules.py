"""FunASR's classes, imported without the rest of FunASR and without its effects on the process."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import pkgutil
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

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

_REGISTERING_FOR_STOCK = (
    "funasr.models.normalize.global_mvn",
    "funasr.models.normalize.utterance_mvn",
    "funasr.models.seaco_paraformer.model",
    "funasr.models.specaug.specaug",
)
"""What FunASR's own AutoModel builds besides, from the full configuration of a hub's folder."""


def register_networks() -> Any:
    """Register the classes of our three networks; FunASR's tables of classes by their names.

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
    from funasr.register import tables

    return tables


def import_auto_model() -> Any:
    """FunASR's own AutoModel, able to build our three networks from any folder that has them."""
    register_networks()
    for module in _REGISTERING_FOR_STOCK:
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
