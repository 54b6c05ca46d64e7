"""Arithmetic of voices as vectors of whole numbers, the same on every machine."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from math import isqrt
from operator import mul

Vector = Sequence[int]
"""Vector of a voice: its direction is the voice; its length says nothing."""

LARGEST = 127
"""The length of a vector that is stored, a signed byte a number."""

_SCALE = 1 << 20


def unpacked(stored: bytes) -> Vector:
    """The vector whose numbers are signed bytes."""
    return struct.unpack(f"{len(stored)}b", stored)


def rows(stored: bytes, count: int) -> list[Vector]:
    """Unpack vectors, one after the other. Raises ValueError where they are of no equal length."""
    width, over = divmod(len(stored), count) if count else (0, len(stored))
    if over:
        raise ValueError(f"{len(stored)} bytes are no {count} vectors")
    return [unpacked(stored[at * width : (at + 1) * width]) for at in range(count)]


def packed(vector: Vector) -> bytes:
    """A vector brought to the length LARGEST, as it is stored."""
    length = max(1, isqrt(_SCALE * sum(map(mul, vector, vector))))
    # Half of the length is added before the division, which so rounds to the nearest.
    scaled = [(2 * LARGEST * 1024 * number + length) // (2 * length) for number in vector]
    return struct.pack(f"{len(scaled)}b", *scaled)


def weighted_sum(vectors: Iterable[tuple[int, Vector]]) -> Vector:
    """The direction of the mean of vectors with their weights, at least one, all of one width."""
    total: list[int] = []
    for weight, vector in vectors:
        if not total:
            total = [0] * len(vector)
        total = [so_far + weight * number for so_far, number in zip(total, vector, strict=True)]
    return total


def likeness(one: Vector, other: Vector) -> int:
    """Thousandths of the cosine between two vectors, rounded down; 0 where either is nothing.

    Raises ValueError for vectors of different widths.
    """
    if len(one) != len(other):
        raise ValueError(f"vectors of {len(one)} and {len(other)} numbers")
    lengths = sum(map(mul, one, one)) * sum(map(mul, other, other))
    return 1000 * sum(map(mul, one, other)) // isqrt(lengths) if lengths else 0
