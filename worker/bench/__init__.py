"""`longscribe bench`: what batch sizes cost on this machine, with a recording of one's own.

One recording, one loaded model, one table: time, memory, batches and padding for each batch size,
whether the text stays the same, and stock FunASR beside it on the same samples and weights.
"""
