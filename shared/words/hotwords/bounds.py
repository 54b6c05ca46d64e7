"""Limits on the number and length of hotwords."""

from __future__ import annotations

MOST_WORDS = 5_000
"""Words of a list, and of a job together with the lists."""

LONGEST_WORD = 64
"""Characters."""
