"""What a Paraformer's forward pass costs until it is measured, and the batches that measure it.

`memory_estimate` has the same for memory.
"""

from __future__ import annotations

import torch

from worker.engine.family import ProbeBatches, ProbeShape

_CPU_OVERHEAD_S = 2.0
"""Between what `longscribe bench` gives for a network of Paraformer-large's size, about 1 s, and
for the bundled one, about 7 s of its much cheaper audio.  A larger figure makes fewer batches and
more padding."""

_GPU_OVERHEAD_S = 32.0
"""Not measured anywhere.  A pass launches some 1,500 kernels in 10 ms or so, in which a GPU of 20
to 70 TFLOP/s could compute on 40 to 130 padded seconds at Paraformer-large's 5 GFLOP each; a small
one on fewer."""


def usual_overhead_s(device: torch.device) -> float:
    """What one more forward pass costs beside its audio, in padded seconds."""
    return _GPU_OVERHEAD_S if device.type == "cuda" else _CPU_OVERHEAD_S


PROBES = ProbeBatches(
    warm_up=ProbeShape(2, 1.0),
    memory=(ProbeShape(4, 2.5), ProbeShape(12, 2.5), ProbeShape(3, 10.0), ProbeShape(4, 15.0)),
    overhead=(ProbeShape(4, 2.5), ProbeShape(40, 15.0)),
)
"""The bundled model takes 1.1 to 1.4 s for all that measure memory."""
