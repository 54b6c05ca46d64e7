"""Sixteen bits: what is rounded, what is not, and that neither text is taken for the other's."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch

from shared.errors import ModelUnavailable
from shared.settings import Settings
from tests.support.speech import speech_models
from worker.batching.out_of_memory import BatchSizer
from worker.engine.calibration.calibrate import calibration_key
from worker.engine.fbank import HOP_SAMPLES, Fbank, frame_count
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.paraformer import network as paraformer_network
from worker.engine.precision import Precision
from worker.pipeline.plan_key import plan_key
from worker.pipeline.tools import Tools
from worker.recogniser import EMPTY_REQUEST, Pcm

CPU = torch.device("cpu")


@functools.cache
def rounded() -> FunASRRecogniser:
    return load_recogniser("demo", device="cpu", precision="bfloat16")


@functools.cache
def utterances() -> list[Pcm]:
    pcm = speech_models.meeting()
    detector = speech_models.recogniser().voice_activity()
    spans = detector.feed(pcm) + detector.finish()
    return [pcm[span.start : span.end] for span in spans]


def heard(recogniser: FunASRRecogniser) -> list[list[str]]:
    return [
        [word.word for word in said.words]
        for said in recogniser.recognise(utterances(), EMPTY_REQUEST)
    ]


def test_bfloat16_hears_nearly_the_same() -> None:
    exact, near = heard(speech_models.recogniser()), heard(rounded())
    differing = sum(
        abs(len(one) - len(other)) + sum(a != b for a, b in zip(one, other, strict=False))
        for one, other in zip(exact, near, strict=True)
    )
    assert differing <= 0.02 * sum(map(len, exact))


def test_bfloat16_really_rounds_the_encoder_and_leaves_the_predictor_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = rounded()._speech_network._model
    seen: dict[str, set[torch.dtype]] = {}

    def watch(name: str, module: torch.nn.Module) -> Any:
        def note(module: Any, inputs: Any, output: Any) -> None:
            output = output[0] if isinstance(output, tuple) else output
            output = getattr(output, "data", output)  # of a packed sequence
            seen.setdefault(name, set()).add(output.dtype)

        return module.register_forward_hook(note)

    parts = {
        "feed forward": model.encoder.encoders[0].feed_forward.w_1,
        "encoder": model.encoder.after_norm,
        "decoder": model.decoder.decoders[0].feed_forward.w_1,
        "vocabulary": model.decoder.output_layer,
        "time states": rounded()._speech_network._blstm._forward,
        "time weights": model.predictor.cif_output2,
    }
    weigh = paraformer_network.frame_weights

    def note_weights(*given: Any) -> torch.Tensor:
        weights = weigh(*given)
        seen["token weights"] = {weights.dtype}
        return weights

    monkeypatch.setattr(paraformer_network, "frame_weights", note_weights)
    hooks = [watch(name, module) for name, module in parts.items()]
    try:
        rounded().recognise(utterances()[:2], EMPTY_REQUEST)
    finally:
        for hook in hooks:
            hook.remove()
    sixteen = {"feed forward", "decoder"}
    for name, types in seen.items():
        assert types == {torch.bfloat16 if name in sixteen else torch.float32}, name
    assert seen.keys() == {*parts, "token weights"}
    assert {p.dtype for p in model.predictor.parameters()} == {torch.float32}
    for network in (rounded()._vad.model, rounded()._punctuator._model):
        assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_what_is_added_up_from_layer_to_layer_is_not_rounded() -> None:
    model = rounded()._speech_network._model
    types = set()

    def note(module: Any, inputs: Any, output: Any) -> None:
        types.add(output[0].dtype)

    layers = [*model.encoder.encoders0, *model.encoder.encoders, *model.decoder.decoders]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        rounded().recognise(utterances()[:2], EMPTY_REQUEST)
    finally:
        for hook in hooks:
            hook.remove()
    assert types == {torch.float32}


def test_another_precision_is_another_identity_plan_and_calibration(tmp_path: Path) -> None:
    exact, near = speech_models.recogniser(), rounded()
    assert exact.identity.dtype == "float32"
    assert near.identity.dtype == "bfloat16"
    keys = []
    for recogniser in (exact, near):
        settings = Settings(data_dir=tmp_path)
        sizer = BatchSizer(settings, recogniser)
        tools = Tools(settings, None, None, None, recogniser, sizer, None)  # type: ignore[arg-type]
        keys.append(plan_key(tools, EMPTY_REQUEST))
    assert keys[0] != keys[1]
    files = {calibration_key(CPU, one.identity).file_in(tmp_path) for one in (exact, near)}
    assert len(files) == 2


def test_float16_on_a_cpu_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="float16 needs a GPU"):
        load_recogniser("demo", device="cpu", precision="float16")


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(
        ModelUnavailable, match="must be float32 or one of bfloat16, float16 and int8"
    ):
        Precision("int4", CPU)


# --- what only a GPU does, with the CPU's numbers ------------------------------------------------


def test_spans_transformed_together_have_the_frames_of_each_alone() -> None:
    fbank = Fbank(CPU)
    spans = [speech_models.excerpt(3, 3 + seconds) for seconds in (4.0, 0.025, 1.2345, 2.01, 0.3)]
    together, starts = fbank._together(spans)
    apart, apart_starts = fbank.batch(spans)
    for pcm, start, other in zip(spans, starts, apart_starts, strict=True):
        count = frame_count(len(pcm))
        torch.testing.assert_close(
            together[start : start + count], apart[other : other + count], rtol=0, atol=1e-4
        )
    assert starts == [sum(-(-len(p) // HOP_SAMPLES) for p in spans[:i]) for i in range(len(spans))]
