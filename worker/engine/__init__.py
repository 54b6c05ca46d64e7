"""The speech model: FunASR's networks and weights, driven by our own batched inference.

The one package that imports torch and FunASR; everything else knows `worker.recogniser`.

FunASR's `AutoModel.generate` recognises one span at a time on a CPU, lets results depend on what
else is in a batch, and loses a whole file when one batch holds no token.  Here the same modules
run on batches with the padding masked out, so the same audio gives the same text and times in any
company.  `tests/engine/test_funasr_hazards.py` pins what is worked around.
"""
