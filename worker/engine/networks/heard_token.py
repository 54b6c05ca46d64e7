"""A token that a network heard, with its time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeardToken:
    """A token with its milliseconds from the start of the span."""

    token: int
    start_ms: int
    end_ms: int
    probability: float
    """Probability that it was said, by whatever of the network decides it."""
