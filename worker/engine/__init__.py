"""The speech model: FunASR's networks and weights, driven by our own batched inference.

The one package that imports torch and FunASR; everything else knows `worker.recogniser`.

FunASR's `AutoModel.generate` recognises one span at a time on a CPU, lets results depend on what
else is in a batch, and loses a whole file when one batch holds no token.  Here the same modules
run on batches with the padding masked out, so the same audio gives the same text and times in any
company.  `tests/contract/test_funasr_hazards.py` pins what is worked around.
"""

import os

# oneDNN keeps a kernel and its memory for every shape of a batch that it meets, 1,024 of them, and
# so does torch on top of it: after an hour that was 0.5 GB, after six 1.1 GB. Shapes hardly ever
# come again, so a few kernels are as fast. Both names are read when the first kernel is made.
for _cache in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
    os.environ.setdefault(_cache, "8")

from worker.engine.recogniser import FunASRRecogniser, load_recogniser  # noqa: E402

__all__ = ["FunASRRecogniser", "load_recogniser"]
