"""Cost of a Paraformer's forward pass until it is measured.

`memory_estimate` has the same for memory.
"""

from __future__ import annotations

from worker.engine.networks.usual_pass_cost import UsualPassCost
from worker.pass_cost import PassCost

COST = UsualPassCost(
    cpu=PassCost(2.0, per_longest_s=0.2, pads=False), gpu=PassCost(60.0, per_longest_s=6.0)
)
"""Cost of a pass on a CPU, where nothing is padded, for a network of Paraformer-large's size, in
float32 with AVX-512; the bundled one about 7 s of its much cheaper audio.  A larger figure makes
fewer batches.  A fifth more comes for each second of the longest span, through which the timestamp
head's LSTM goes step by step.  On a GPU not measured anywhere, but reckoned for an H100 in float32
by `tests/bench/gpu/test_passes.py`: launching kernels takes as long as some 60 padded seconds, and
the timestamp head's 50 steps for each second of the longest span as long as 6."""
