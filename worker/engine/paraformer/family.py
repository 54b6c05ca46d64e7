"""Make Paraformer a family of models that the engine runs."""

from __future__ import annotations

import logging

import torch

from worker.engine.family import Family
from worker.engine.fbank import Fbank
from worker.engine.loading.load_errors import failures_explained
from worker.engine.paraformer.hotwords.tokens import DICTIONARY
from worker.engine.paraformer.load_paraformer import (
    HOTWORD_SPEC,
    SPEC,
    TAKE_A_PARAFORMER,
    load_paraformer,
)
from worker.engine.paraformer.network import Paraformer
from worker.engine.precision import ONNXRUNTIME, Precision
from worker.model_store.locate import ModelFolder

log = logging.getLogger(__name__)


def _load(
    folder: ModelFolder, device: torch.device, fbank: Fbank, precision: Precision
) -> Paraformer:
    network = load_paraformer(folder, device)
    with failures_explained(folder, "prepare it"):
        given = network, fbank, device, precision, folder.path / DICTIONARY
        if precision.runtime == ONNXRUNTIME:
            # Imports half a second of libraries that torch does without.
            from worker.engine.onnx.sanm import NotWritable
            from worker.engine.paraformer.onnxruntime_paraformer import ParaformerInOnnxRuntime

            try:
                return ParaformerInOnnxRuntime(*given)
            except NotWritable as error:
                log.warning("%s runs in torch, for it has %s", folder.name, error)
        return Paraformer(*given)


PARAFORMER = Family(
    classes=SPEC.named,
    load=_load,
    choose=TAKE_A_PARAFORMER,
    modules=HOTWORD_SPEC.modules,
    not_run={
        "Paraformer": "which gives no times for its words",
        "ParaformerStreaming": "which is for live speech and gives no times for its words",
        "ContextualParaformer": "which gives no times for its words and wants hotwords in every "
        "pass",
    },
)
