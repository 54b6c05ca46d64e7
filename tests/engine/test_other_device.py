"""The networks on a device that is not the CPU: nothing is left behind or waited for on the way.

The device is torch's 'meta', which computes shapes only and refuses to mix with the CPU's tensors
or to give a number away, as a GPU's program would have to wait for one.  What is computed there
only a GPU can tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from tests.support.speech import speech_models
from worker import demo_model
from worker.engine import fbank
from worker.engine.fbank import Fbank
from worker.engine.layers.sanm_layers import RowMask
from worker.engine.paraformer import network as paraformer
from worker.engine.paraformer.cif import integrate_and_fire
from worker.engine.paraformer.load_paraformer import load_paraformer
from worker.engine.paraformer.network import Paraformer
from worker.engine.punctuation.load_ct_transformer import load_ct_transformer
from worker.engine.voice_activity.endpoints import DEFAULT_OPTIONS
from worker.engine.voice_activity.fsmn import FsmnVoiceActivity
from worker.engine.voice_activity.load_fsmn import load_fsmn
from worker.model_store.locate import locate
from worker.recogniser import Pcm

META = torch.device("meta")
CPU = torch.device("cpu")
FOLDERS = locate(
    str(demo_model.ASR_DIR.parent),
    None,
    None,
    model_revision="",
    vad_revision="",
    punc_revision="",
    offline=True,
)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Paraformer:
    def uploaded(spans: Sequence[Pcm], device: torch.device, *, multiple: int = 1) -> Tensor:
        samples = sum(-(-len(pcm) // multiple) * multiple for pcm in spans)
        return torch.zeros(samples, dtype=torch.int16, device=device)

    def uploaded_numbers(numbers: Sequence[Sequence[int]], device: torch.device) -> Tensor:
        return torch.tensor(numbers).to(device)

    monkeypatch.setattr(fbank, "uploaded", uploaded)
    for module in (fbank, paraformer):
        monkeypatch.setattr(module, "uploaded_numbers", uploaded_numbers)
    network = load_paraformer(FOLDERS.asr, CPU)
    network.model.to(META)
    banks = Fbank(META)
    monkeypatch.setattr(banks, "batch", banks._together)
    return Paraformer(network, banks, META)


@torch.inference_mode()
def test_a_batch_stays_on_its_device_from_samples_to_results(elsewhere: Paraformer) -> None:
    features, lengths = elsewhere.features([speech_models.excerpt(0, s) for s in (5, 4, 0.1)])
    on_device = lengths.to(META)
    mask = torch.arange(features.shape[1], device=META)[None] < on_device[:, None]
    frames = RowMask.attended(mask, torch.float32)
    hidden = elsewhere._encode(features, frames)
    cumulative = elsewhere._token_weights(hidden, mask, on_device).cumsum(dim=1)
    counts = torch.tensor([9, 7, 0])  # the one number that is waited for before the results
    embeddings = integrate_and_fire(hidden, cumulative, 9)
    tokens = RowMask(torch.arange(9, device=META)[:, None] < counts.to(META)[:, None, None])
    states = elsewhere._decoder_states(hidden, frames, embeddings, tokens)
    ids, likely = elsewhere._choose(states, embeddings, counts, None)
    weights = elsewhere._time_weights(hidden, lengths)
    for result in (features, hidden, cumulative, embeddings, ids, likely, weights):
        assert result.device == META
    assert ids.shape == likely.shape == (16,)
    assert weights.shape == (3, 3 * hidden.shape[1])


@torch.inference_mode()
def test_marks_are_decided_on_the_device() -> None:
    model = load_ct_transformer(FOLDERS.punc, CPU).model
    model.to(META)
    scores, _ = model.punc_forward(torch.tensor([[1, 2, 3]], device=META), torch.tensor([3]))
    assert scores.device == META


@torch.inference_mode()
def test_voice_activity_brings_nothing_back_but_its_decisions() -> None:
    network = load_fsmn(FOLDERS.vad, CPU)
    network.model.to(META)
    detector = FsmnVoiceActivity(network, Fbank(META), META, DEFAULT_OPTIONS)
    detector._frames = torch.zeros(304, 80, device=META)
    with pytest.raises(NotImplementedError, match="no data") as copied:
        detector._decide(300)
    assert copied.traceback[-1].name == "_decide"
