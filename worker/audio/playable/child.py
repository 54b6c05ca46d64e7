"""`python -m worker.audio.playable.child TERMS`: standard input to Opus in WebM.

Standard input is 16 kHz mono int16, little-endian; standard output a new file, open for reading
too.  A process of its own, so that encoding takes neither the worker's interpreter from
recognition nor its memory; it runs when nothing else wants the processor.  What it encodes is
strangers' sound, so it runs in the sandbox.  `TERMS` is a JSON object: parent_pid,
sandbox_required.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from fractions import Fraction
from typing import Any, BinaryIO

import av
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV imports both on first use, when no file can be opened any more
import numpy as np
from av.audio.stream import AudioStream

from worker.audio.sandbox import resource_limits, seccomp
from worker.audio.sandbox.system_calls import Role

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


_MEMORY_BYTES = 1 << 30
"""Address space; importing PyAV and numpy takes 300 MB of it."""

_CPU_S = 3600
"""Processor time; the longest recording accepted, 12 hours, takes 290 s."""

_FILE_BYTES = 1 << 30
"""Size of the file; 12 hours take 170 MB at most."""

_BUFFER_BYTES = 1 << 18


class OpenFile:
    """The file behind a descriptor, at a position of this object's own; PyAV's idea of a file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def read(self, count: int) -> bytes:
        """Read at most `count` bytes from here; b'' at the end."""
        data = os.pread(self._descriptor, count, self._position)
        self._position += len(data)
        return data

    def write(self, data: bytes) -> int:
        """Write all of `data` here. Raises OSError."""
        rest = memoryview(data)
        while rest:
            count = os.pwrite(self._descriptor, rest, self._position)
            self._position += count
            rest = rest[count:]
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; the new place. From the end is not known here."""
        if whence == os.SEEK_END:
            raise OSError(errno.ESPIPE, os.strerror(errno.ESPIPE))
        self._position = max(0, offset + (self._position if whence == os.SEEK_CUR else 0))
        return self._position

    def tell(self) -> int:
        return self._position


def encode(sound: BinaryIO, target: int) -> None:
    """Encode all of `sound` into the empty file behind the descriptor `target`."""
    with av.open(
        OpenFile(target),
        "w",
        format="webm",
        options=_FILE_OPTIONS,
        buffer_size=_BUFFER_BYTES,
        # The file once more, from which it reads what it moves to make room for the table.
        io_open=lambda *_: OpenFile(target),
    ) as container:
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


def main(terms: dict[str, Any]) -> int:
    resource_limits.die_with_parent(terms["parent_pid"])
    resource_limits.limit_resources(_MEMORY_BYTES, _CPU_S, file_bytes=_FILE_BYTES)
    os.nice(_NICENESS)
    try:
        seccomp.confine(Role.ENCODER)
    except seccomp.SeccompUnavailable as refusal:
        if terms["sandbox_required"]:
            sys.stderr.write(f"no filter on system calls: {refusal}\n")
            return 1
    encode(sys.stdin.buffer, 1)
    return 0


if __name__ == "__main__":
    # Leaving through os._exit: the interpreter's own end asks for calls that the filter refuses.
    os._exit(main(json.loads(sys.argv[1])))
