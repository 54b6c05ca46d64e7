"""What a forward pass asks of the host: operations to launch, and waits for the device.

Counted on torch's 'meta' device, where every operation is dispatched as on a GPU and none computes.
A network as deep as Paraformer-large, for how wide it is does not matter here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.support.speech.untrained_paraformer import untrained_paraformer
from worker.engine import fbank
from worker.engine.calibration.probe_batches import noise
from worker.engine.family import ProbeShape
from worker.engine.fbank import Fbank
from worker.engine.paraformer import network as paraformer
from worker.engine.paraformer.network import Paraformer
from worker.recogniser import Pcm

META = torch.device("meta")
MOST_OPERATIONS = 900
SPEECH = ProbeShape(3, 4.0)
COUNTS = torch.tensor([9, 7, 0])
"""Tokens of its spans: the one number that is waited for before the results."""


class Dispatched(TorchDispatchMode):
    """Counts what is launched, and what makes the host wait or the device take from the host."""

    def __init__(self) -> None:
        super().__init__()
        self.launched: Counter[str] = Counter()
        self.waits: list[str] = []
        self.queued_before: Counter[str] = Counter()
        """Launched when the tokens set out for the host."""
        self.queued_by: Counter[str] = Counter()
        """Launched when the host began to wait for them."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        devices = {leaf.device for leaf in _tensors((args, kwargs, result))}
        if META in devices and not _is_view(func) and "empty" not in str(func):
            self.launched[str(func)] += 1
        if len(devices) > 1 and any(word in str(func) for word in ("copy", "to.", "item")):
            self.waits.append(str(func))
        return result


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value] if value.dim() else []  # a number of the host is handed on with the call
    if isinstance(value, dict):
        return _tensors(list(value.values()))
    if isinstance(value, list | tuple):
        return [tensor for part in value for tensor in _tensors(part)]
    return []


def _is_view(func: Any) -> bool:
    returned = func._schema.returns
    aliases = [value.alias_info for value in returned]
    return bool(aliases) and any(alias is not None and not alias.is_write for alias in aliases)


class Told:
    """Stands for what arrives, and notes what was queued by then."""

    counting: Dispatched

    def __init__(self, numbers: Tensor) -> None:
        assert numbers.device == META
        Told.counting.queued_before = Counter(Told.counting.launched)

    def wait(self) -> Tensor:
        Told.counting.queued_by = Counter(Told.counting.launched)
        return COUNTS


@pytest.fixture(scope="module")
def deep() -> Iterator[Paraformer]:
    """50 + 16 layers on the meta device, with the bundled model's modules."""

    def uploaded(spans: Sequence[Pcm], device: torch.device, *, multiple: int = 1) -> Tensor:
        samples = sum(-(-len(pcm) // multiple) * multiple for pcm in spans)
        return torch.empty(samples, dtype=torch.int16, device=device)

    def uploaded_numbers(numbers: Sequence[Sequence[int]], device: torch.device) -> Tensor:
        shape = len(numbers), len(numbers[0])
        return torch.empty(shape, dtype=torch.int64, device=device)

    def fetched(*tensors: Tensor) -> list[list[float]]:
        return [[0.0] * tensor.numel() for tensor in tensors]

    loaded = untrained_paraformer(50, 16)
    loaded.model.to(META)
    with pytest.MonkeyPatch.context() as patch:
        for module in (fbank, paraformer):
            patch.setattr(module, "uploaded_numbers", uploaded_numbers)
        patch.setattr(fbank, "uploaded", uploaded)
        patch.setattr(paraformer, "fetched", fetched)
        patch.setattr(paraformer, "Arriving", Told)
        network = Paraformer(loaded, Fbank(META), META)
        counted(network)  # makes what is kept
        yield network


@pytest.fixture(scope="module")
def dispatched(deep: Paraformer) -> Dispatched:
    """What a pass asked for."""
    return counted(deep)


def counted(network: Paraformer) -> Dispatched:
    with torch.inference_mode(), Dispatched() as dispatched:
        Told.counting = dispatched
        network.recognise(noise(SPEECH))
    return dispatched


def test_a_pass_launches_few_operations_and_waits_for_nothing_on_the_way(
    dispatched: Dispatched,
) -> None:
    operations = sum(dispatched.launched.values())
    print(f"\n{operations} operations: {dict(dispatched.launched.most_common(20))}")
    assert operations < MOST_OPERATIONS
    assert not any("dropout" in name for name in dispatched.launched)
    assert dispatched.waits == []


def test_the_timestamps_are_queued_before_the_tokens_are_waited_for(
    dispatched: Dispatched,
) -> None:
    meanwhile = dispatched.queued_by - dispatched.queued_before
    assert any("lstm" in name for name in meanwhile)


def test_the_counting_finds_a_copy_and_an_operation_more(
    deep: Paraformer, dispatched: Dispatched, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = Paraformer._encode

    def slower(network: Paraformer, features: Tensor, frames: Any) -> Tensor:
        return encode(network, features * torch.ones(features.shape[2]).to(META), frames)

    monkeypatch.setattr(Paraformer, "_encode", slower)
    after = counted(deep)
    assert sum(after.launched.values()) > sum(dispatched.launched.values())
    assert len(after.waits) == 1
