"""Cost of a forward pass until it is measured, and the batches that measure it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from worker.engine.family import ProbeBatches, ProbeShape
from worker.pass_cost import PassCost


@dataclass(frozen=True, slots=True)
class UsualPassCost:
    """Cost of a network's forward pass beside its audio, on CPU and GPU."""

    cpu: PassCost
    gpu: PassCost

    def on(self, device: torch.device) -> PassCost:
        return self.gpu if device.type == "cuda" else self.cpu


USUAL_PROBES = ProbeBatches(
    warm_up=ProbeShape(2, 1.0),
    memory=(ProbeShape(4, 2.5), ProbeShape(8, 2.5), ProbeShape(2, 10.0)),
    memory_on_gpu=(ProbeShape(4, 15.0), ProbeShape(20, 15.0), ProbeShape(40, 15.0)),
    cost=(ProbeShape(4, 2.5), ProbeShape(2, 15.0), ProbeShape(40, 15.0)),
)
"""Probes of a network whose spans may have 15 s.  The bundled model takes 0.2 CPU s for those that
measure memory on a CPU; what is fitted to them holds there within 2 % in batches of 600 s too."""
