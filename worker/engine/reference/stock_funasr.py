"""FunASR as it comes, to be measured beside our engine: the same folders, the same thresholds."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from shared.errors import ModelUnavailable
from worker.engine.device import memory_probe, resolve_device, return_freed_memory, within_memory
from worker.engine.family_registry import FAMILIES, family_of
from worker.engine.loading.build import SHARED_MODULES
from worker.engine.loading.funasr_modules import process_unchanged, register_classes
from worker.engine.punctuation.load_ct_transformer import SPEC as PUNCTUATION
from worker.engine.punctuation.word_segmentation import prepare_jieba_for_stock
from worker.engine.voice_activity.load_fsmn import SPEC as VOICE_ACTIVITY
from worker.model_store.locate import ModelFolders
from worker.recogniser import MemoryProbe, Pcm

_FULL_SCALE = 32_768
"""FunASR takes samples as float32 within [-1, 1)."""

_TAG = re.compile(r"<\|[^|]*\|>")
"""Tag that SenseVoice writes beside the text: '<|zh|>'."""

_TRAINING_MODULES = (
    "funasr.models.normalize.global_mvn",
    "funasr.models.normalize.utterance_mvn",
    "funasr.models.specaug.specaug",
)
"""Modules that it builds besides, from the full configuration of a hub's folder."""


def import_auto_model() -> Any:
    """FunASR's own AutoModel, able to build our networks from any folder that has them."""
    families = (module for family in FAMILIES for module in family.modules)
    others = (*VOICE_ACTIVITY.modules, *PUNCTUATION.modules, *_TRAINING_MODULES)
    register_classes((*SHARED_MODULES, *families, *others))
    from funasr.auto.auto_model import AutoModel

    return AutoModel


@dataclass(frozen=True, slots=True)
class StockFunASR:
    """An AutoModel with its three networks. Give it a process of its own: it changes torch's
    threads and the root logger."""

    auto_model: Any
    device: str
    memory: MemoryProbe
    end_silence_ms: int
    options: Mapping[str, Any]

    @property
    def batches(self) -> bool:
        """Return whether FunASR makes batches. On the device 'cpu' it recognises one segment at a
        time, whatever batch_size_s."""
        return self.device != "cpu"

    def generate(self, pcm: Pcm, batch_size_s: float) -> str:
        """The text of a recording; '' where FunASR gives no result.

        The silence threshold is passed in the call, the one way to keep FunASR from moving it
        between 50 ms and 1,850 ms as it goes.  Raises BatchOutOfMemory.
        """
        samples = pcm.astype(np.float32) / _FULL_SCALE
        with contextlib.redirect_stdout(io.StringIO()):
            results = within_memory(
                torch.device(self.device),
                lambda: self.auto_model.generate(
                    samples,
                    batch_size_s=batch_size_s,
                    max_end_silence_time=self.end_silence_ms,
                    **self.options,
                ),
            )
        return without_tags(str(results[0]["text"])) if results else ""


def without_tags(text: str) -> str:
    """FunASR's text of a SenseVoice without what it says beside it.

    >>> without_tags("<|zh|><|NEUTRAL|><|Speech|><|withitn|>好。")
    '好。'
    """
    return _TAG.sub("", text)


def load_stock(
    folders: ModelFolders, device: str, *, cpu_threads: int, end_silence_ms: int
) -> StockFunASR:
    """Load the model by FunASR's own classes. Raises ModelUnavailable for a device that is not
    there, and for a model of no family."""
    family = family_of(folders.asr)
    if not family.modules:
        raise ModelUnavailable(
            f"FunASR itself does not run {folders.asr.name}, so there is nothing to compare with. "
            "Measure it alone."
        )
    where = resolve_device(device)
    torch.set_num_threads(cpu_threads)
    if folders.punc is not None and (folders.punc.path / "jieba_usr_dict").is_file():
        prepare_jieba_for_stock()
    with process_unchanged(), contextlib.redirect_stdout(io.StringIO()):
        auto_model = import_auto_model()(
            model=str(folders.asr.path),
            vad_model=str(folders.vad.path),
            punc_model=None if folders.punc is None else str(folders.punc.path),
            device=str(where),
            ncpu=cpu_threads,
            disable_update=True,
            disable_pbar=True,
            log_level="ERROR",
        )
    frontend = auto_model.kwargs.get("frontend")
    if getattr(frontend, "dither", 0.0):
        # SenseVoice's config.yaml leaves the noise on that FunASR adds to the sound, and then no
        # two runs are alike. Every call takes its settings from a copy.
        frontend.dither = 0.0
        auto_model._store_base_configs()
    return_freed_memory()
    return StockFunASR(
        auto_model, str(where), memory_probe(where), end_silence_ms, family.stock_options
    )
