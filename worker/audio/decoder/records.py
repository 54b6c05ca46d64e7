"""Records in which sound is sent from the decoder's process to the worker's.

A record is a header and then, channel after channel, `samples` float32 values in this machine's
byte order; 1.0 is full scale, and louder is possible.  Records of a track come in the order of its
samples.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_LAYOUT = struct.Struct("=HHId")
HEADER_BYTES = _LAYOUT.size
VALUE_BYTES = 4

MOST_SAMPLES = 1 << 18
"""Samples of each channel that a record has at most: 16 s."""

MOST_CHANNELS = 64
"""Channels that a track has at most; further ones are not heard."""

MOST_TRACKS = 32

HOLE_S = 0.2
"""A jump of the clock ahead from here on is a hole, with silence in it.  A smaller one is a clock
that runs a little faster than the samples, and no sound is cut or stretched for it."""


class RecordHeader(NamedTuple):
    """track: index among the tracks that are heard.  samples: of each channel.
    heard_s: when a player plays the first of them, in seconds."""

    track: int
    channels: int
    samples: int
    heard_s: float

    def pack(self) -> bytes:
        return _LAYOUT.pack(*self)


def unpack(data: bytes | bytearray | memoryview) -> RecordHeader:
    """Read HEADER_BYTES that `RecordHeader.pack` gave; what they say may be untrue."""
    return RecordHeader(*_LAYOUT.unpack(data))
