"""`python -m worker.audio.playable.encode PATH PARENT_PID`: standard input to Opus in WebM.

Standard input is 16 kHz mono int16, little-endian.  A process of its own, so that encoding takes
neither the worker's interpreter from recognition nor its memory; it runs when nothing else wants
the processor.
"""

from __future__ import annotations

import os
import sys
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream

from worker.audio.decoder.guard import die_with_parent

SAMPLE_RATE = 16_000
BIT_RATE = 24_000
_NICENESS = 10
_BLOCK_BYTES = 2 * SAMPLE_RATE

_CODEC_OPTIONS = {
    # Speech at 24 kbit/s. From the least effort to the most, an hour takes 6 s to 24 s of one
    # core (measured); frames of 60 ms save a tenth of the bytes and of the time.
    "application": "voip",
    "compression_level": "1",
    "frame_duration": "60",
}
_FILE_OPTIONS = {
    # The table by which players seek comes first: no request to the end before the first seek.
    "cues_to_front": "1",
    # The same samples make the same bytes.
    "fflags": "+bitexact",
}


def encode(source: int, path: str) -> None:
    """Encode all of the descriptor `source` into the new file `path`."""
    with (
        open(source, "rb", closefd=False) as sound,
        av.open(path, "w", format="webm", options=_FILE_OPTIONS) as container,
    ):
        stream = container.add_stream(
            "libopus", rate=SAMPLE_RATE, layout="mono", options=_CODEC_OPTIONS
        )
        assert isinstance(stream, AudioStream)
        stream.bit_rate = BIT_RATE
        at = 0
        while data := sound.read(_BLOCK_BYTES):
            block = np.frombuffer(data, "<i2").reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            frame.time_base = Fraction(1, SAMPLE_RATE)
            frame.pts = at
            at += block.shape[1]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    die_with_parent(int(sys.argv[2]))
    os.nice(_NICENESS)
    encode(0, sys.argv[1])
