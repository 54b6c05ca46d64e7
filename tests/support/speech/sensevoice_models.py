"""A small SenseVoice of random weights: its folder, behind our protocol, and as FunASR loads it.

Its vocabulary has pieces of five languages, and it hears four tokens a second that mean nothing.
"""

from __future__ import annotations

import atexit
import functools
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
import yaml

from tests.support.speech import speech_models
from worker.engine.family_registry import load_speech_network
from worker.engine.fbank import Fbank
from worker.engine.loading.funasr_modules import process_unchanged
from worker.engine.precision import Precision
from worker.engine.reference.random_model import SENSEVOICE, ModelSizes, make_random_model
from worker.engine.reference.stock_funasr import import_auto_model
from worker.engine.sensevoice.load_sensevoice import load_sensevoice
from worker.engine.sensevoice.network import SenseVoice
from worker.model_store.locate import ModelFolder

CPU = torch.device("cpu")

SMALL = ModelSizes(
    asr_class=SENSEVOICE,
    asr_width=64,
    asr_encoder_blocks=3,
    asr_last_blocks=2,
    asr_heads=2,
    asr_vocabulary=400,
    vad_affine=24,
    vad_layers=2,
    vad_linear=24,
    vad_projection=16,
    vad_outputs=8,
)


@functools.cache
def bundle() -> Path:
    """A folder with asr/ and vad/, and no punctuation; not to be changed."""
    folder = Path(tempfile.mkdtemp(prefix="sensevoice-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_random_model(folder, speech_models.excerpt(0, 60), SMALL)
    return folder


def asr_folder() -> ModelFolder:
    return ModelFolder("sensevoice", bundle() / "asr", "random")


@functools.cache
def network(precision: str = "float32") -> SenseVoice:
    loaded = load_speech_network(asr_folder(), CPU, Fbank(CPU), Precision(precision, CPU))
    assert isinstance(loaded, SenseVoice)
    return loaded


@functools.cache
def without_itn() -> SenseVoice:
    return SenseVoice(load_sensevoice(asr_folder(), CPU), Fbank(CPU), CPU, use_itn=False)


@functools.cache
def stock() -> Any:
    """FunASR's AutoModel of the same folder, without the noise that it adds to the sound: as on the
    hubs its config.yaml does not turn that off."""
    folder = bundle() / "without-dither"
    shutil.copytree(bundle() / "asr", folder)
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    config["frontend_conf"]["dither"] = 0.0
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with process_unchanged():
        auto_model = import_auto_model()(
            model=str(folder),
            device="cpu",
            ncpu=1,
            disable_update=True,
            disable_pbar=True,
            log_level="ERROR",
        )
    logging.getLogger("root").setLevel(logging.WARNING)
    return auto_model
