"""Make FireRedASR2-AED a family of models that the engine runs."""

from __future__ import annotations

import torch

from shared.errors import ModelUnavailable
from worker.engine.family import Family
from worker.engine.fbank import Fbank
from worker.engine.firered.load_firered import TAKE_A_FIRERED, load_firered
from worker.engine.firered.network import FireRed
from worker.engine.loading.load_errors import failures_explained
from worker.engine.precision import Precision
from worker.model_store.files import FIRERED_AED, FIRERED_LLM
from worker.model_store.locate import ModelFolder


def _load(folder: ModelFolder, device: torch.device, fbank: Fbank, precision: Precision) -> FireRed:
    """Load a FireRed network. Its filter banks have Kaldi's own window, so those of the device are
    not used.

    Its authors left float16 for bfloat16: numbers of its network may be too large for it.
    """
    if precision.name == "float16":
        raise ModelUnavailable(
            f"The model {folder.name} cannot be run with LONGSCRIBE_PRECISION=float16, in which "
            "its numbers may overflow. Set LONGSCRIBE_PRECISION to bfloat16 or float32."
        )
    loaded = load_firered(folder, device)
    with failures_explained(folder, "prepare it"):
        return FireRed(loaded.network, device, precision, marks=loaded.marks)


FIRERED = Family(
    classes=(FIRERED_AED,),
    load=_load,
    choose=TAKE_A_FIRERED,
    not_run={FIRERED_LLM: "which gives no times for its words"},
)
