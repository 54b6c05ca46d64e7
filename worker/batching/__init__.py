"""Batching: the amount of audio in one forward pass, and the spans that go together.

- `choose_size` says how many padded seconds a pass may hold, and what limits it;
- `out_of_memory` asks it for a job, and halves batches that the device has no memory for;
- `windows` cuts a recording into what is planned at once;
- `batch_packing` packs the spans of a window into passes.
"""
