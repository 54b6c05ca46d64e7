"""On a device that is not the CPU nothing is left behind or waited for but whether all is said.

The device is torch's 'meta', see tests/engine/test_other_device.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from tests.support.speech import firered_models, speech_models
from worker.engine import fbank
from worker.engine.firered import beam_search, network
from worker.engine.firered.beam_search import BeamOptions, _Search
from worker.engine.firered.conformer import own_frames
from worker.engine.firered.load_firered import load_firered
from worker.engine.firered.network import FireRed
from worker.recogniser import Pcm

META = torch.device("meta")


@torch.inference_mode()
def test_a_batch_stays_on_its_device_while_it_is_encoded_and_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def uploaded(spans: Sequence[Pcm], device: torch.device, *, multiple: int = 1) -> Tensor:
        samples = sum(-(-len(pcm) // multiple) * multiple for pcm in spans)
        return torch.zeros(samples, dtype=torch.int16, device=device)

    def uploaded_numbers(numbers: Sequence[Sequence[int]], device: torch.device) -> Tensor:
        return torch.tensor(numbers).to(device)

    folder = firered_models.asr_folder()  # made here, before sound is replaced by silence
    monkeypatch.setattr(fbank, "uploaded", uploaded)
    for module in (fbank, beam_search, network):
        monkeypatch.setattr(module, "uploaded_numbers", uploaded_numbers)
    loaded = load_firered(folder, firered_models.CPU)
    loaded.network.model.to(META)
    elsewhere = FireRed(loaded.network, META, marks=loaded.marks)
    banks = elsewhere._stacked._fbank
    monkeypatch.setattr(banks, "batch", banks._together)
    features, lengths = elsewhere.features([speech_models.excerpt(0, s) for s in (3, 2, 0.1)])
    encoded = elsewhere._encode(features, lengths)
    frames = torch.tensor([75, 50, 2], device=META)
    decoder = elsewhere._decoder
    memory = decoder.begin(encoded, own_frames(encoded.shape[1], frames), 3, 40)
    search = _Search(decoder, memory, [40, 28, 2], loaded.marks, BeamOptions())
    search.step(0)
    search.step(1)
    search.keep([0, 2])
    search.step(2)
    for result in (features, encoded, search._scores, search._last, memory.layers[0].keys):
        assert result.device == META
    assert memory.layers[0].keys.shape[0] == search._last.shape[0] == 6
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        search.settled()
