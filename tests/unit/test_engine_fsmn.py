"""The voice activity network in blocks gives what FunASR's gives in one piece."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from worker.engine.fsmn import Fsmn
from worker.engine.loading import import_funasr, process_unchanged

FEATURES = 30


def funasr_encoder(frames_apart: int) -> Any:
    with process_unchanged():
        import_funasr()
        from funasr.models.fsmn_vad_streaming.encoder import FSMN

        torch.manual_seed(3)
        return FSMN(
            input_dim=FEATURES,
            input_affine_dim=12,
            fsmn_layers=3,
            linear_dim=16,
            proj_dim=8,
            lorder=20,
            rorder=0,
            lstride=frames_apart,
            rstride=1,
            output_affine_dim=12,
            output_dim=5,
        ).eval()


def recording(frames: int) -> torch.Tensor:
    return torch.randn(frames, FEATURES, generator=torch.Generator().manual_seed(frames))


@torch.inference_mode()
@pytest.mark.parametrize("frames_apart", [1, 2])
@pytest.mark.parametrize("block", [1, 18, 19, 20, 64, 200])
def test_probabilities_equal_funasr(frames_apart: int, block: int) -> None:
    encoder = funasr_encoder(frames_apart)
    stacked = recording(200)
    shift, scale = recording(2)
    network = Fsmn(encoder, shift, scale)
    memory = network.silence()
    parts = [network(stacked[at : at + block], memory) for at in range(0, len(stacked), block)]
    expected = encoder(((stacked + shift) * scale)[None], {})[0]
    torch.testing.assert_close(torch.cat(parts), expected, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_recordings_share_a_network_and_not_its_memory() -> None:
    network = Fsmn(funasr_encoder(1), torch.zeros(FEATURES), torch.ones(FEATURES))
    stacked = recording(40)
    alone = [network(part, memory) for memory in [network.silence()] for part in stacked.split(20)]
    mine, others = network.silence(), network.silence()
    first = network(stacked[:20], mine)
    network(recording(30), others)
    second = network(stacked[20:], mine)
    assert torch.equal(first, alone[0])
    assert torch.equal(second, alone[1])
