"""FSMN's memory gives what FunASR's layer gives, block after block."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from tests.support.speech import speech_models
from worker.engine.voice_activity.fsmn_memory import read_frames_in_place

WIDTH, LOOKS_BACK = 24, 20


def fsmn_block(**other: int) -> Any:
    from funasr.models.fsmn_vad_streaming.encoder import FSMNBlock

    torch.manual_seed(0)
    shape = {"lorder": LOOKS_BACK, "rorder": 0, "lstride": 1, "rstride": 1} | other
    return FSMNBlock(WIDTH, WIDTH, **shape).eval()


@torch.inference_mode()
def test_gives_what_funasr_gives_to_the_last_bit() -> None:
    stock = fsmn_block()
    ours = copy.deepcopy(stock)
    assert read_frames_in_place(nn.Sequential(ours)) == 1
    before = after = torch.zeros(1, WIDTH, LOOKS_BACK - 1, 1)
    for frames in (50, 1, 7, 200):
        x = torch.randn(1, frames, WIDTH)
        expected, before = stock(x, before)
        given, after = ours(x, after)
        assert torch.equal(given, expected)
        assert torch.equal(after, before)


@pytest.mark.parametrize("other", [{"lstride": 2}, {"rorder": 3}])
def test_a_memory_of_another_kind_stays_funasrs(other: dict[str, int]) -> None:
    assert read_frames_in_place(nn.Sequential(fsmn_block(**other))) == 0


def test_the_bundled_network_is_read_in_place() -> None:
    encoder = speech_models.recogniser()._vad.model.encoder
    blocks = [layer.fsmn_block for layer in encoder.fsmn]
    assert all("forward" in vars(block) for block in blocks)
