"""Matrix products in 8 bits: near the exact ones, and a row the same in any company."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from shared.errors import ModelUnavailable
from tests.support.speech import speech_models
from tests.support.speech.demo_speech import character_error_rate
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.layers.int8 import Int8Linear, multiplies_in_int8
from worker.engine.precision import Precision
from worker.recogniser import EMPTY_REQUEST, Pcm

needs_int8 = pytest.mark.skipif(
    not multiplies_in_int8(), reason="this processor has no 8-bit products, and int8 is refused"
)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def off(approximate: Tensor, exact: Tensor) -> float:
    return float((approximate - exact).norm() / exact.norm())


@needs_int8
@pytest.mark.parametrize("bias", [True, False])
@torch.inference_mode()
def test_gives_nearly_what_torch_gives(bias: bool) -> None:
    linear = nn.Linear(512, 384, bias=bias)
    x = torch.randn(2, 20, 512) * torch.logspace(-3, 3, 20)[:, None]
    exact, rounded = linear(x), Int8Linear(linear)(x)
    assert rounded.shape == exact.shape
    for row in range(20):  # a quiet frame as well as a loud one
        assert 0 < off(rounded[:, row], exact[:, row]) < 0.02


@needs_int8
@torch.inference_mode()
def test_half_as_far_off_where_nothing_is_negative() -> None:
    linear = nn.Linear(512, 384)
    x = torch.randn(64, 512).relu_()
    exact = linear(x)
    assert off(Int8Linear(linear, after_relu=True)(x), exact) < 0.8 * off(
        Int8Linear(linear)(x), exact
    )


@needs_int8
@torch.inference_mode()
@pytest.mark.parametrize("after_relu", [False, True])
def test_a_row_is_the_same_in_any_company(after_relu: bool) -> None:
    rounded = Int8Linear(nn.Linear(512, 256), after_relu=after_relu)
    x = torch.randn(300, 512)
    x[7] *= 1e4  # a loud neighbour
    x = x.relu_() if after_relu else x
    together = rounded(x)
    for rows in (1, 2, 17, 64, 255):
        assert torch.equal(rounded(x[:rows]), together[:rows])


@needs_int8
@torch.inference_mode()
def test_a_row_of_zeros_gives_the_bias() -> None:
    linear = nn.Linear(32, 16)
    for after_relu in (False, True):
        out = Int8Linear(linear, after_relu=after_relu)(torch.zeros(3, 32))
        torch.testing.assert_close(out, linear.bias.expand(3, -1))


@functools.cache
def rounded() -> FunASRRecogniser:
    return load_recogniser("demo", device="cpu", precision="int8")


def utterances() -> list[Pcm]:
    pcm = speech_models.excerpt(0, 60)
    detector = speech_models.recogniser().voice_activity()
    spans = [*detector.feed(pcm), *detector.finish()]
    return [pcm[span.start : span.end] for span in spans]


@needs_int8
def test_hears_nearly_what_float32_hears() -> None:
    spoken = utterances()
    exact, near = (
        "".join(
            word.word for said in recogniser.recognise(spoken, EMPTY_REQUEST) for word in said.words
        )
        for recogniser in (speech_models.recogniser(), rounded())
    )
    assert character_error_rate(exact, near) <= 0.01
    assert rounded().identity.dtype == "int8"


@needs_int8
def test_only_encoder_and_decoder_are_rounded() -> None:
    in_torch = load_recogniser("demo", device="cpu", precision="int8", cpu_runtime="torch")
    model = in_torch._speech_network._model
    for part in (model.encoder, model.decoder.decoders):
        assert any(isinstance(layer, Int8Linear) for layer in part.modules())
        assert not any(type(layer) is nn.Linear for layer in part.modules())
    assert not isinstance(model.decoder.output_layer, Int8Linear)
    assert not any(isinstance(layer, Int8Linear) for layer in model.predictor.modules())


def test_a_processor_without_the_instructions_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : fpu avx2 fma\n")
    assert not multiplies_in_int8(cpuinfo)
    assert not multiplies_in_int8(tmp_path / "none")
    cpuinfo.write_text("flags : fpu avx2 avx_vnni\n")
    assert multiplies_in_int8(cpuinfo)
    monkeypatch.setattr("worker.engine.precision.multiplies_in_int8", lambda: False)
    with pytest.raises(ModelUnavailable, match="8-bit products"):
        Precision("int8", torch.device("cpu"), "torch")


def test_a_gpu_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="int8 is for a CPU"):
        Precision("int8", torch.device("cuda", 0))
