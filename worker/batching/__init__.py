"""Batching: the amount of audio in one forward pass, and the spans that go together.

- `choose_size` says how many padded seconds a pass may hold, and what limits it;
- `batch_sizer` asks it for a job, with what this device has learned;
- `windows` cuts a recording into what is planned at once;
- `plan` packs the spans of a window into passes.
"""
