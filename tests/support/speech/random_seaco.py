"""A SeACo-Paraformer of the true class, tiny and with random weights, as we load it and as FunASR.

Its hotwords change about half of what it says, and another list changes it otherwise.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml

from tests.integration.test_bench import TINY
from tests.support.speech import speech_models
from worker.engine.loading.funasr_modules import process_unchanged
from worker.engine.reference.random_model import SEACO, make_random_model
from worker.engine.reference.stock_funasr import import_auto_model
from worker.recogniser import Pcm

_ATTENTION = 4.0
"""Factor on what attention to the words adds, which random weights leave all but unheard."""


def make(folder: Path, no_bias: float) -> Path:
    """A folder with asr/, vad/ and punc/; `no_bias` is how much 'no hotword' is preferred."""
    make_random_model(folder, speech_models.excerpt(0, 60), replace(TINY, asr_class=SEACO))
    path = folder / "asr" / "model.pt"
    state = torch.load(path, weights_only=True)
    for name in state:
        if name.startswith("seaco_decoder.") and "src_attn.linear" in name:
            state[name] *= _ATTENTION
        if name.startswith("bias_encoder.weight"):
            state[name] *= _ATTENTION
    state["hotword_output_layer.bias"][TINY.asr_vocabulary - 1] += no_bias
    torch.save(state, path)
    return folder


def stock(folder: Path) -> Any:
    """FunASR's recogniser alone."""
    with process_unchanged():
        return import_auto_model()(
            model=str(folder / "asr"),
            device="cpu",
            ncpu=1,
            disable_update=True,
            disable_pbar=True,
            log_level="ERROR",
        )


def stock_says(auto_model: Any, pcm: Pcm, hotwords: str) -> tuple[str, list[tuple[int, int]]]:
    """Text without spaces and times in milliseconds, of one span."""
    (result,) = auto_model.generate(speech_models.floats(pcm), hotword=hotwords)
    return result["text"].replace(" ", ""), [(a, b) for a, b in result["timestamp"]]


def copy_with(folder: Path, copied: Path, changes: dict[str, Any]) -> None:
    """A copy of the folder whose recogniser's config.yaml has these changes."""
    shutil.copytree(folder, copied)
    path = copied / "asr" / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
