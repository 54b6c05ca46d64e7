"""A small FireRedASR2-AED of random weights: its folder, as its authors publish theirs, and behind
our protocol.

What it says means nothing, but it depends on the sound, and its texts end.
"""

from __future__ import annotations

import argparse
import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from tests.support.speech import speech_models
from worker import demo_model
from worker.engine.family_registry import load_speech_network
from worker.engine.fbank import Fbank
from worker.engine.firered.network import FireRed
from worker.engine.precision import Precision
from worker.engine.reference.random_model import FIRERED, ModelSizes
from worker.engine.reference.random_model.firered import make_firered
from worker.model_store.locate import ModelFolder

CPU = torch.device("cpu")

SMALL = ModelSizes(
    asr_class=FIRERED,
    asr_width=64,
    asr_encoder_blocks=2,
    asr_decoder_blocks=2,
    asr_heads=4,
    asr_vocabulary=72,
)

_CHARACTERS = [chr(0x4E00 + i) for i in range(60)]


@functools.cache
def bundle() -> Path:
    """A folder with asr/, vad/ and punc/; not to be changed."""
    folder = Path(tempfile.mkdtemp(prefix="firered-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(demo_model.VAD_DIR, folder / "vad")
    shutil.copytree(demo_model.PUNC_DIR, folder / "punc")
    with torch.random.fork_rng():
        torch.manual_seed(7)
        make_firered(folder / "asr", speech_models.excerpt(0, 60), SMALL, _CHARACTERS)
    return folder


def asr_folder() -> ModelFolder:
    return ModelFolder("firered", bundle() / "asr", "random")


def checkpoint() -> dict[str, Any]:
    """Content of the checkpoint's file: 'args' and 'model_state_dict', in float32."""
    path = bundle() / "asr" / "model.pth.tar"
    with torch.serialization.safe_globals([argparse.Namespace]):
        package = torch.load(path, weights_only=True)
    state = {name: value.float() for name, value in package["model_state_dict"].items()}
    return {**package, "model_state_dict": state}


@functools.cache
def network(precision: str = "float32") -> FireRed:
    loaded = load_speech_network(asr_folder(), CPU, Fbank(CPU), Precision(precision, CPU))
    assert isinstance(loaded, FireRed)
    return loaded
