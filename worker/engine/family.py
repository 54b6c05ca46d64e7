"""Define what a family of speech models has to give: a network that recognises, and its loader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from worker.engine.fbank import Fbank
from worker.engine.precision import Precision
from worker.memory.batch_memory_model import MemoryModel
from worker.model_store.locate import ModelFolder
from worker.pass_cost import PassCost
from worker.recogniser import Pcm, RecognisedSpan, RecognitionRequest


@dataclass(frozen=True, slots=True)
class ProbeShape:
    """A batch of noise."""

    spans: int
    longest_s: float

    @property
    def padded_s(self) -> float:
        return self.spans * self.longest_s


@dataclass(frozen=True, slots=True)
class ProbeBatches:
    """The batches that measure what a network needs of a device."""

    warm_up: ProbeShape
    """Shape of a first pass that is not measured: libraries allocate at their first call what they
    then keep."""
    memory: tuple[ProbeShape, ...]
    """Shapes, smallest first. Two are as large as each other and differ in length, which tells
    attention's quadratic term from the linear one."""
    memory_on_gpu: tuple[ProbeShape, ...]
    """Further shapes, smallest first, where a batch may be that large and takes milliseconds."""
    cost: tuple[ProbeShape, ProbeShape, ProbeShape]
    """A batch that a GPU spends launching kernels, one with a longer span that is hardly larger,
    and one that it spends computing."""


CONFIDENCE_DIGITS = 2
"""Decimals of a word's probability that are kept. In batches of other shapes it moves by up to
2.5e-5."""


class SpeechNetwork(Protocol):
    """A loaded network that turns speech into words. What the properties mean is told at
    `worker.recogniser.Recogniser`."""

    @property
    def languages(self) -> tuple[str, ...]: ...

    @property
    def accepts_hotwords(self) -> bool: ...

    @property
    def punctuates(self) -> bool: ...

    @property
    def is_batch_invariant(self) -> bool: ...

    @property
    def runtime(self) -> str:
        """Name of the library that computes the network: torch, or another one, whose memory torch
        does not count."""

    @property
    def longest_span_s(self) -> float:
        """Seconds of the longest span that it takes; infinity where its length does not matter."""

    @property
    def memory_estimate(self) -> MemoryModel:
        """The live bytes of a batch by the architecture, until the device is measured."""

    @property
    def usual_pass_cost(self) -> PassCost:
        """Cost of one more forward pass on its device where it was not measured."""

    @property
    def probes(self) -> ProbeBatches:
        """Batches, none with a span longer than it takes, that measure memory and cost."""

    @property
    def stages(self) -> Mapping[str, str]:
        """Methods that follow each other in a pass and the names of their times, for measuring. The
        rest of a pass is moving numbers and making words of them."""

    def recognise(self, speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        """Run one forward pass. Exactly one result per span, in order."""


@dataclass(frozen=True, slots=True)
class Family:
    """Models that one implementation runs."""

    classes: tuple[str, ...]
    """Classes that config.yaml of their folders names as `model`, or those that
    `worker.model_store.files` finds by the files of those that have none."""
    load: Callable[[ModelFolder, torch.device, Fbank, Precision], SpeechNetwork]
    """Load a network from a folder onto a device, with the device's filter banks, in an arithmetic
    that the device has. Raises ModelUnavailable, saying what to do."""
    choose: str
    """Advice which of its models to take instead of one that cannot be run, as an imperative
    clause."""
    modules: tuple[str, ...] = ()
    """Modules of FunASR that stock FunASR needs for its folders; none where it cannot run them."""
    stock_options: Mapping[str, Any] = field(default_factory=dict)
    """Options that stock FunASR is given so that it writes as we do."""
    not_run: Mapping[str, str] = field(default_factory=dict)
    """Classes near to its own that it does not run, and why: 'which gives no times'."""
