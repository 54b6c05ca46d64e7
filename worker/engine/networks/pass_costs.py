"""What a forward pass costs until it is measured, and the batches that measure it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from worker.engine.family import ProbeBatches, ProbeShape


@dataclass(frozen=True, slots=True)
class UsualOverhead:
    """What one more forward pass costs beside its audio, in padded seconds."""

    cpu_s: float
    gpu_s: float

    def on(self, device: torch.device) -> float:
        return self.gpu_s if device.type == "cuda" else self.cpu_s


USUAL_PROBES = ProbeBatches(
    warm_up=ProbeShape(2, 1.0),
    memory=(ProbeShape(4, 2.5), ProbeShape(12, 2.5), ProbeShape(3, 10.0), ProbeShape(4, 15.0)),
    overhead=(ProbeShape(4, 2.5), ProbeShape(40, 15.0)),
)
"""For a network whose spans may have 15 s.  The bundled model takes 1.1 to 1.4 s for all that
measure memory."""
