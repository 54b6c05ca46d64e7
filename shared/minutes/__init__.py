"""Minutes that a language model writes from a transcript, as a proposal to correct.

A request is a row of its own (`requests`, what a person asks; `minutes_queue`, what the process
that works on it writes under its lease). The transcript is cut into parts that fit into the model's
window (`cutting`, `tokens`), each is asked with a prompt (`prompts`), the answers are read
(`answers`), merged (`merging`) and held against the sentences that they name (`grounding`).
`contents` is their shape. The process itself, and all that speaks HTTP, is `worker.minutes`.
"""
