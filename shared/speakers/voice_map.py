"""A recording's voices as plain values: which pieces sound alike, and how far apart the rest are.

The vectors themselves stay with the worker. What is left is small enough to be stored with the
job (some 300 kB of JSON for ten hours) and enough to tell any number of speakers apart.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

MOST_GROUPS = 400
"""Groups of pieces that sound alike; their distances are compared each with each."""

FARTHEST = 255
"""The distance of two opposite vectors. A distance is `FARTHEST * (1 - cosine) / 2`, rounded: a
step is 0.008 of the cosine."""


@dataclass(frozen=True, slots=True)
class VoicePiece:
    """A stretch of speech without a pause in it, and the group that it sounds like, from 0."""

    start_sample: int
    end_sample: int
    group: int


@dataclass(frozen=True, slots=True)
class VoiceMap:
    """The pieces of a recording in the order of time, and the distances between their groups.

    Raises ValueError where the parts do not fit together.
    """

    encoder: str
    """The revision of the network that heard the voices."""
    threshold: int
    """Two voices nearer than this, 0 to FARTHEST, count as one. It belongs to the encoder."""
    pieces: tuple[VoicePiece, ...]
    distances: bytes
    """A byte for each pair of groups: 0 and 1, 0 and 2, ..., 1 and 2, ...; see `FARTHEST`."""

    def __post_init__(self) -> None:
        groups = 1 + max((piece.group for piece in self.pieces), default=-1)
        if groups > MOST_GROUPS:
            raise ValueError(f"a voice map has at most {MOST_GROUPS} groups, not {groups}")
        if len(self.distances) != groups * (groups - 1) // 2:
            raise ValueError(f"{len(self.distances)} distances do not belong to {groups} groups")
        if not 0 <= self.threshold <= FARTHEST:
            raise ValueError(f"{self.threshold} is no distance, which is 0 to {FARTHEST}")
        if any(
            piece.group < 0 or not 0 <= piece.start_sample < piece.end_sample
            for piece in self.pieces
        ):
            raise ValueError("a piece of a voice map has no samples or no group")
        if any(one.start_sample > next_.start_sample for one, next_ in pairwise(self.pieces)):
            raise ValueError("the pieces of a voice map are not in the order of time")

    @property
    def groups(self) -> int:
        """Number of groups. `distances` has a byte for each pair of them."""
        return 1 + max((piece.group for piece in self.pieces), default=-1)

    def matrix(self) -> list[list[int]]:
        """The distances as rows, [groups][groups], with zeros for a group and itself."""
        groups, at = self.groups, 0
        rows = [[0] * groups for _ in range(groups)]
        for one in range(groups):
            for other in range(one + 1, groups):
                rows[one][other] = rows[other][one] = self.distances[at]
                at += 1
        return rows

    def to_json(self) -> dict[str, Any]:
        """The value stored in SQL, which `from_json` reads."""
        return {
            "encoder": self.encoder,
            "threshold": self.threshold,
            "piece_count": len(self.pieces),
            "pieces": _packed(_columns(self.pieces)),
            "distances": _packed(self.distances),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what `to_json` gave. Raises ValueError for what is no voice map."""
        try:
            count = max(0, int(value["piece_count"]))
            pieces = _from_columns(_unpacked(value["pieces"], count * _PIECE_BYTES), count)
            groups = 1 + max((piece.group for piece in pieces), default=-1)
            distances = _unpacked(value["distances"], groups * (groups - 1) // 2)
            return cls(str(value["encoder"]), int(value["threshold"]), pieces, distances)
        except (KeyError, TypeError, struct.error, binascii.Error, zlib.error) as error:
            raise ValueError(f"this is no voice map: {error!r}") from error


_PIECE_BYTES = 4 + 4 + 2


def _columns(pieces: tuple[VoicePiece, ...]) -> bytes:
    """Pack all distances between starts, then all lengths, then all groups: columns of small
    numbers compress to half the size of pieces one after another."""
    starts = [0, *(piece.start_sample for piece in pieces)]
    return struct.pack(
        f"<{len(pieces)}I{len(pieces)}I{len(pieces)}H",
        *(next_ - one for one, next_ in pairwise(starts)),
        *(piece.end_sample - piece.start_sample for piece in pieces),
        *(piece.group for piece in pieces),
    )


def _from_columns(columns: bytes, count: int) -> tuple[VoicePiece, ...]:
    numbers = struct.unpack(f"<{count}I{count}I{count}H", columns)
    steps, lengths, groups = numbers[:count], numbers[count : 2 * count], numbers[2 * count :]
    pieces, start = [], 0
    for step, length, group in zip(steps, lengths, groups, strict=True):
        start += step
        pieces.append(VoicePiece(start, start + length, group))
    return tuple(pieces)


def _packed(value: bytes) -> str:
    return base64.b64encode(zlib.compress(value, 9)).decode()


def _unpacked(value: str, size: int) -> bytes:
    """Unpack a text of zlib in base64. Raises ValueError where it does not give exactly `size`
    bytes."""
    packed = zlib.decompressobj()
    found = packed.decompress(base64.b64decode(value, validate=True), size + 1)
    if len(found) != size:
        raise ValueError("this is no voice map: it is longer or shorter than it says")
    return found
