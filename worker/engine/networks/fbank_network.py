"""The common ground of the speech networks: filter banks in, a result for every span out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from worker.engine.fbank import Fbank, StackedFbank, frame_count
from worker.engine.loading.build import LoadedNetwork
from worker.engine.networks.usual_pass_cost import UsualPassCost
from worker.engine.precision import TORCH, Precision
from worker.pass_cost import PassCost
from worker.recogniser import EMPTY_REQUEST, Pcm, RecognisedSpan, RecognitionRequest


class FbankNetwork(ABC):
    """Base of every `worker.engine.family.SpeechNetwork` over filter banks.

    A family adds `_hear`, what the protocol says of its models, and the estimate of its memory.
    """

    is_batch_invariant = True
    """Invariant but for rounding, which may decide between what is as good as equal."""
    runtime = TORCH
    cost: ClassVar[UsualPassCost]

    def __init__(
        self,
        network: LoadedNetwork,
        fbank: Fbank,
        device: torch.device,
        precision: Precision | None,
    ) -> None:
        assert network.cmvn is not None
        self._stacked = StackedFbank(
            fbank, network.cmvn, network.frame_width, network.frame_step, device
        )
        self._device = device
        self._precision = precision or Precision()

    @property
    def usual_pass_cost(self) -> PassCost:
        """Cost of one more forward pass until the device is measured."""
        return self.cost.on(self._device)

    def features(self, speech: Sequence[Pcm]) -> tuple[Tensor, Tensor]:
        """(spans, T, feature_dim) on the device, and each span's own frames, (spans,) on the CPU.

        Every span must have 25 ms; frames beyond its own hold anything finite.
        """
        return self._stacked(speech)

    @torch.inference_mode()
    def recognise(
        self, speech: Sequence[Pcm], request: RecognitionRequest = EMPTY_REQUEST
    ) -> list[RecognisedSpan]:
        """Run one forward pass over all spans; a result for each, in order, an empty one for a span
        of less than 25 ms.

        What a request asks for beyond the model is for `worker.recogniser.require_supported` to
        refuse; here no heed is paid to it.
        """
        audible = [i for i, pcm in enumerate(speech) if frame_count(len(pcm))]
        results = [RecognisedSpan()] * len(speech)
        if audible:
            features, lengths = self.features([speech[i] for i in audible])
            for i, heard in zip(audible, self._hear(features, lengths, request), strict=True):
                results[i] = heard
        return results

    @abstractmethod
    def _hear(
        self, features: Tensor, lengths: Tensor, request: RecognitionRequest
    ) -> Sequence[RecognisedSpan]:
        """Recognise each span from what `features` gives."""
