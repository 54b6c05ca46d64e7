"""Make SenseVoice a family of models that the engine runs."""

from __future__ import annotations

import torch

from worker.engine.family import Family
from worker.engine.fbank import Fbank
from worker.engine.loading.load_errors import failures_explained
from worker.engine.precision import Precision
from worker.engine.sensevoice.load_sensevoice import SPEC, TAKE_A_SENSEVOICE, load_sensevoice
from worker.engine.sensevoice.network import SenseVoice
from worker.model_store.locate import ModelFolder


def _load(
    folder: ModelFolder, device: torch.device, fbank: Fbank, precision: Precision
) -> SenseVoice:
    network = load_sensevoice(folder, device)
    with failures_explained(folder, "prepare it"):
        return SenseVoice(network, fbank, device, precision)


SENSEVOICE = Family(
    classes=SPEC.named,
    load=_load,
    choose=TAKE_A_SENSEVOICE,
    modules=(*SPEC.modules, "funasr.tokenizer.sentencepiece_tokenizer"),
    stock_options={"use_itn": True, "language": "auto"},
)
