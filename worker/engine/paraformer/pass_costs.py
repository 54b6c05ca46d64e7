"""What a Paraformer's forward pass costs until it is measured.

`memory_estimate` has the same for memory.
"""

from __future__ import annotations

from worker.engine.networks.pass_costs import UsualOverhead

OVERHEAD = UsualOverhead(cpu_s=2.0, gpu_s=32.0)
"""On a CPU between what `longscribe bench` gives for a network of Paraformer-large's size, about
1 s, and for the bundled one, about 7 s of its much cheaper audio.  A larger figure makes fewer
batches and more padding.  On a GPU not measured anywhere: a pass launches some 1,500 kernels in
10 ms or so, in which a GPU of 20 to 70 TFLOP/s could compute on 40 to 130 padded seconds at
Paraformer-large's 5 GFLOP each; a small one on fewer."""
