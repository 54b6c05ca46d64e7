"""Difference between the texts of two precisions or sizes, in characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rapidfuzz.distance import Levenshtein


def characters_differing(one: Sequence[str], other: Sequence[str]) -> int:
    """Number of insertions, deletions and replacements, the fewest possible, span by span."""
    return sum(Levenshtein.distance(a, b) for a, b in zip(one, other, strict=True))


def residue(measured: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Differences for every precision and batch size, against the same precision's segments alone
    and against float32's.

    `measured` is by precision, as `worker.bench.gpu.child.measure` gives it.  Where voice activity
    found other spans there is nothing to compare.
    """
    exact = measured.get("float32")
    rows = []
    for precision, figures in measured.items():
        if not figures["sizes"]:
            continue
        alone = figures["sizes"][0]["texts"]
        for size in figures["sizes"]:
            texts = size["texts"]
            reference = exact["sizes"][0]["texts"] if exact and exact["sizes"] else ()
            comparable = len(reference) == len(texts)
            rows.append(
                {
                    "precision": precision,
                    "asked": size["asked"],
                    "characters": sum(map(len, texts)),
                    "against_alone": characters_differing(alone, texts),
                    "against_float32": (
                        characters_differing(reference, texts) if comparable else None
                    ),
                }
            )
    return rows
