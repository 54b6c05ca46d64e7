"""The bundled model, loaded once for all tests: behind our protocol, and as FunASR loads it.

Recordings for them are made from the sample meeting, so no test needs a synthesiser.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

import numpy as np
import soundfile

from worker import demo_model
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.loading.funasr_modules import process_unchanged
from worker.engine.reference.stock_funasr import import_auto_model
from worker.recogniser import SAMPLE_RATE, Pcm


@functools.cache
def recogniser() -> FunASRRecogniser:
    return load_recogniser("demo", device="cpu")


@functools.cache
def stock() -> Any:
    """FunASR's AutoModel with the same three networks. On 'cpu' it recognises one by one."""
    with process_unchanged():
        auto_model = import_auto_model()(
            model=str(demo_model.ASR_DIR),
            vad_model=str(demo_model.VAD_DIR),
            punc_model=str(demo_model.PUNC_DIR),
            device="cpu",
            ncpu=1,
            disable_update=True,
            disable_pbar=True,
            log_level="ERROR",
        )
    logging.getLogger("root").setLevel(logging.WARNING)
    return auto_model


@functools.cache
def meeting() -> Pcm:
    """The sample meeting, about three minutes."""
    pcm: Pcm
    pcm, rate = soundfile.read(demo_model.SAMPLE_MEETING, dtype="int16")
    assert rate == SAMPLE_RATE
    pcm.setflags(write=False)
    return pcm


def excerpt(start_s: float, end_s: float) -> Pcm:
    return meeting()[int(start_s * SAMPLE_RATE) : int(end_s * SAMPLE_RATE)]


def silence(seconds: float) -> Pcm:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.int16)


def with_noise(pcm: Pcm, level: float, seed: int = 0) -> Pcm:
    """Add white noise of this root mean square, in steps of int16."""
    noise = np.random.default_rng(seed).normal(0, level, len(pcm))
    noisy: Pcm = np.clip(pcm + noise, -32768, 32767).astype(np.int16)
    return noisy


def louder(pcm: Pcm, factor: float) -> Pcm:
    scaled: Pcm = np.clip(pcm * factor, -32768, 32767).astype(np.int16)
    return scaled


def floats(pcm: Pcm) -> np.ndarray:
    """Samples as FunASR takes them: float32 within [-1, 1)."""
    return (pcm / 32768).astype(np.float32)


def stock_spans_ms(pcm: Pcm, **thresholds: int) -> list[tuple[int, int]]:
    """Spans that FunASR's voice activity detection finds, dynamic silence switched off."""
    model = stock()
    model._reset_runtime_configs()
    settings = {"max_end_silence_time": 800, **thresholds}
    (result,) = model.inference(
        floats(pcm), model=model.vad_model, kwargs=model.vad_kwargs, **settings
    )
    return [(start, end) for start, end in result["value"]]
