"""Convolutions of each channel by itself give what torch's give, where the frames lie."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from worker.engine.layers.depthwise import convolve_channels


@pytest.fixture
def convolution() -> nn.Conv1d:
    torch.manual_seed(0)
    return nn.Conv1d(48, 48, 11, padding=5, groups=48, bias=False)


@pytest.mark.parametrize(("spans", "frames"), [(1, 1), (1, 2), (3, 7), (4, 60)])
@torch.inference_mode()
def test_gives_what_torch_gives(convolution: nn.Conv1d, spans: int, frames: int) -> None:
    rows = torch.randn(spans, frames, 48)
    usual = convolution(rows.transpose(1, 2)).transpose(1, 2)
    assert torch.equal(convolve_channels(rows, convolution.weight, 5), usual)


@torch.inference_mode()
def test_a_frame_is_the_same_in_any_company(convolution: nn.Conv1d) -> None:
    rows = torch.randn(5, 80, 48)
    together = convolve_channels(rows, convolution.weight, 5)
    for frames in (6, 17, 64):
        alone = convolve_channels(rows[2:3, :frames], convolution.weight, 5)
        assert torch.equal(alone[0, : frames - 5], together[2, : frames - 5])


@torch.inference_mode()
def test_frames_stay_side_by_side(convolution: nn.Conv1d) -> None:
    """Laid out anew they take twenty times as long, and so does what is added to them."""
    rows = torch.randn(2, 9, 3 * 48)[..., 48:96] * 1.0
    assert convolve_channels(rows, convolution.weight, 5).is_contiguous()
    assert not convolution(rows.transpose(1, 2)).transpose(1, 2).is_contiguous()
