"""What FunASR 1.4.16 does that the engine works around.

When one of these fails after an upgrade, FunASR has changed: see whether the workaround named
beside it is still wanted.
"""

from __future__ import annotations

import logging
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.speech import speech_models
from worker import demo_model
from worker.engine.loading.funasr_modules import process_unchanged
from worker.engine.reference.stock_funasr import import_auto_model
from worker.recogniser import SAMPLE_RATE


def stock_batch(speech_floats: list[np.ndarray]) -> Any:
    """One forward pass of FunASR over all of them."""
    model = speech_models.stock()
    model._reset_runtime_configs()
    keys = [str(i) for i in range(len(speech_floats))]
    with torch.no_grad():
        return model.model.inference(speech_floats, key=keys, **model.kwargs)


def utterances() -> list[np.ndarray]:
    pcm = speech_models.excerpt(0, 60)
    spans = speech_models.stock_spans_ms(pcm)
    return [speech_models.floats(pcm[start * 16 : end * 16]) for start, end in spans]


def test_a_batch_without_tokens_has_no_results_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """`generate` drops the whole file for it. Paraformer.recognise counts."""
    network = speech_models.stock().model
    whole = network.calc_predictor

    def nothing_said(*args: Any) -> Any:
        embeddings, counts, *rest = whole(*args)
        return (embeddings, counts * 0, *rest)

    monkeypatch.setattr(network, "calc_predictor", nothing_said)
    assert not any(stock_batch(utterances()[:2]))


def test_times_depend_on_the_company_in_a_batch() -> None:
    """Padding leaks into the timestamp head. Paraformer masks and packs."""
    spoken = utterances()
    alone = [stock_batch([samples])[0][0]["timestamp"] for samples in spoken]
    together = [result["timestamp"] for result in stock_batch(spoken)[0]]
    assert alone != together


def test_the_silence_threshold_moves_unless_it_is_passed_with_the_call() -> None:
    """worker.engine.voice_activity.endpoints has one fixed threshold."""
    model = speech_models.stock()
    model._reset_runtime_configs()
    (moving,) = model.inference(
        speech_models.floats(speech_models.meeting()),
        model=model.vad_model,
        kwargs=model.vad_kwargs,
    )
    assert [tuple(span) for span in moving["value"]] != speech_models.stock_spans_ms(
        speech_models.meeting()
    )


def test_a_certain_silence_is_a_math_error() -> None:
    """FsmnVoiceActivity compares probabilities, not their logarithms."""
    vad = speech_models.stock().vad_model
    cache: dict[str, Any] = {}
    vad.init_cache(cache)
    cache["stats"].decibel = [-60.0]
    cache["stats"].scores = torch.ones(1, 1, 2)
    with pytest.raises(ValueError, match="math domain error"):
        vad.GetFrameState(0, cache)
    assert math.isinf(torch.tensor(0.0).log().item())


def test_batch_size_s_is_a_threshold_and_not_a_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """plan_batches never exceeds its budget with more than one span."""
    model = speech_models.stock()
    pcm = speech_models.floats(speech_models.excerpt(0, 30))
    spans = [[1_000 * i, 1_000 * i + 900] for i in range(8)] + [[9_000, 29_000]]
    padded_s: list[float] = []

    def find(*args: Any, **kwargs: Any) -> Any:
        return [{"key": "k", "value": spans}], {}

    def recognise(data_in: list[np.ndarray], key: list[str], **kwargs: Any) -> Any:
        padded_s.append(len(data_in) * max(map(len, data_in)) / SAMPLE_RATE)
        return [{"key": name, "text": "", "timestamp": []} for name in key], {}

    monkeypatch.setattr(model.vad_model, "inference", find)
    monkeypatch.setattr(model.model, "inference", recognise)
    # Only a device by the exact name 'cpu' recognises one by one.
    monkeypatch.setitem(model._base_kwargs_map["kwargs"], "device", "cpu:0")
    model.generate(pcm, batch_size_s=10)
    assert padded_s == [9 * 20]


@pytest.mark.parametrize("samples", [160, 399])
def test_less_than_a_frame_is_an_arithmetic_error(samples: int) -> None:
    """Both our paths answer that nothing is said."""
    model = speech_models.stock()
    with pytest.raises(ZeroDivisionError):
        model.inference(
            np.zeros(samples, np.float32), model=model.vad_model, kwargs=model.vad_kwargs
        )


def test_loading_changes_the_whole_process() -> None:
    """process_unchanged puts it back."""
    with process_unchanged():
        torch.manual_seed(5)
        expected = torch.rand(1)
        torch.manual_seed(5)
        torch.set_num_threads(1)
        import_auto_model().build_model(model=str(demo_model.VAD_DIR), device="cpu", ncpu=2)
        assert torch.get_num_threads() == 2
        assert torch.rand(1) != expected
    assert logging.getLogger().level != logging.ERROR


@pytest.mark.parametrize("value", [None, torch.ones(3)], ids=["missing", "of another shape"])
def test_a_broken_checkpoint_loads_in_silence(tmp_path: Path, value: torch.Tensor | None) -> None:
    """verify_parameters refuses it."""
    for file in demo_model.PUNC_DIR.iterdir():
        shutil.copyfile(file, tmp_path / file.name)
    state = torch.load(tmp_path / "model.pt", weights_only=True)
    del state["decoder.bias"]
    if value is not None:
        state["decoder.bias"] = value
    torch.save(state, tmp_path / "model.pt")
    with process_unchanged():
        model, _ = import_auto_model().build_model(model=str(tmp_path), device="cpu", ncpu=1)
    assert model.decoder.bias.shape == (6,)


def test_a_missing_normalisation_file_goes_unnoticed(tmp_path: Path) -> None:
    """_verify_frontend refuses it."""
    for file in demo_model.VAD_DIR.iterdir():
        if file.name != "am.mvn":
            shutil.copyfile(file, tmp_path / file.name)
    with process_unchanged():
        _, settings = import_auto_model().build_model(model=str(tmp_path), device="cpu", ncpu=1)
    assert settings["frontend"].cmvn is None
