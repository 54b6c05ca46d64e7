"""Build the three networks, fit the few parameters that make them behave, write the folders."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from worker.demo_model.model_folder import write_folder
from worker.engine.fbank import Fbank, stack_frames
from worker.engine.loading import import_auto_model, process_unchanged
from worker.engine.random_model.calibration import (
    TOKENS_PER_SECOND,
    fit_marks,
    fit_speech,
    fit_tokens,
    in_noisier_rooms,
    loud_frames,
)
from worker.engine.random_model.sizes import (
    LARGE,
    ModelSizes,
    asr_config,
    punc_config,
    vad_config,
)
from worker.recogniser import SAMPLE_RATE, Pcm

SEED = 1
_CALIBRATE_TOKENS_ON_S = 20.0
"""The large encoder takes a second or two for so much."""
_FIRST_CHARACTER = 0x4E00
_CHARACTERS = 20_000
"""Of CJK Unified Ideographs there are 20,992, in one run."""


def make_random_model(folder: Path, speech: Pcm, sizes: ModelSizes = LARGE) -> None:
    """Write asr/, vad/ and punc/ below `folder`, for LONGSCRIBE_MODEL=folder.

    `speech` is what the networks are calibrated on, some minutes of ordinary speech.  The same
    sizes and speech give the same weights on the same version of torch.  Files are float16, about
    570 MB for the large sizes; they load as float32.
    """
    with process_unchanged(), contextlib.redirect_stdout(io.StringIO()):
        import_auto_model()
        torch.manual_seed(SEED)
        banks = Fbank(torch.device("cpu"))(speech)
        _make_asr(folder / "asr", banks, sizes)
        _make_vad(folder / "vad", speech, sizes)
        _make_punc(folder / "punc", sizes)


def _make_asr(folder: Path, banks: Tensor, sizes: ModelSizes) -> None:
    config = asr_config(sizes)
    parts = ("encoder", "encoder_conf", "decoder", "decoder_conf", "predictor", "predictor_conf")
    frontend = config["frontend_conf"]
    model = _class_of(config)(
        input_size=frontend["n_mels"] * frontend["lfr_m"],
        vocab_size=sizes.asr_vocabulary,
        **{part: config[part] for part in parts},
        **config["model_conf"],
    ).eval()
    features, mean, deviation = _normalised(banks, frontend)
    frames_per_second = SAMPLE_RATE / 160 / frontend["lfr_n"]
    excerpt = features[: int(_CALIBRATE_TOKENS_ON_S * frames_per_second)]
    fit_tokens(model, excerpt, TOKENS_PER_SECOND / frames_per_second)
    tokens = ["<blank>", "<s>", "</s>", *_characters(sizes.asr_vocabulary - 4), "<unk>"]
    write_folder(folder, config, model.state_dict(), tokens=tokens, mean=mean, deviation=deviation)


def _make_vad(folder: Path, speech: Pcm, sizes: ModelSizes) -> None:
    config = vad_config(sizes)
    model = _class_of(config)(
        encoder=config["encoder"], encoder_conf=config["encoder_conf"], **config["model_conf"]
    ).eval()
    fbank = Fbank(torch.device("cpu"))
    rooms = [fbank(noisy) for noisy in in_noisier_rooms(speech)]
    banks = torch.cat(rooms)
    features, mean, deviation = _normalised(banks, config["frontend_conf"])
    fit_speech(model.encoder, features, loud_frames(speech).repeat(len(rooms)))
    write_folder(folder, config, model.state_dict(), mean=mean, deviation=deviation)


def _make_punc(folder: Path, sizes: ModelSizes) -> None:
    config = punc_config(sizes)
    model = _class_of(config)(
        vocab_size=sizes.punc_vocabulary,
        encoder=config["encoder"],
        encoder_conf=config["encoder_conf"],
        **config["model_conf"],
    ).eval()
    fit_marks(model, sizes.asr_vocabulary)
    words = _characters(sizes.punc_vocabulary - 1)
    words += [f"w{i}" for i in range(sizes.punc_vocabulary - 1 - len(words))]
    write_folder(folder, config, model.state_dict(), tokens=["<unk>", *words])


def _class_of(config: dict[str, Any]) -> Any:
    from funasr.register import tables

    return tables.model_classes[config["model"]]


def _characters(count: int) -> list[str]:
    """So many different Chinese characters, or all of them."""
    return [chr(_FIRST_CHARACTER + i) for i in range(min(count, _CHARACTERS))]


def _normalised(
    banks: Tensor, frontend: dict[str, Any]
) -> tuple[Tensor, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Stacked frames of mean 0 and deviation 1, and what they were before."""
    stacked = stack_frames(banks, frontend["lfr_m"], frontend["lfr_n"])
    mean, deviation = stacked.mean(dim=0), stacked.std(dim=0)
    return (stacked - mean) / deviation, mean.numpy(), deviation.numpy()
