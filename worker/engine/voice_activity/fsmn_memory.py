"""FSMN's memory on a CPU: what FunASR's layers give, with frames read where they lie."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from worker.engine.layers.depthwise import convolve_channels


def read_frames_in_place(encoder: nn.Module) -> int:
    """Replace the `forward` of every memory that looks back frame by frame; give how many."""
    replaced = 0
    for block in encoder.modules():
        if type(block).__name__ == "FSMNBlock" and _looks_back(block):
            block.forward = partial(_remembered, block)
            replaced += 1
    return replaced


def _looks_back(block: Any) -> bool:
    return block.lorder > 1 and block.lstride == 1 and block.conv_right is None


def _remembered(block: Any, frames: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    """(1, T, width) frames with what the memory adds, and what to hand in with the next ones.

    `past` are the last frames before these, as FunASR keeps them: (1, width, lorder - 1, 1).
    """
    seen = torch.cat([past[..., 0].transpose(1, 2), frames], dim=1)
    added = convolve_channels(seen, block.conv_left.weight[..., 0], padding=0)
    kept = seen[:, 1 - block.lorder :].transpose(1, 2)[..., None]
    return added.add_(frames), kept
