"""A decoder's process that says again what a real one said of the same recording.

For tests that run many jobs of one recording and look at something other than its sound: each
process takes more processor time than all else that such a job does.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from worker.audio import decode
from worker.audio.decoder.claims import DoneClaim, HeaderClaim
from worker.audio.decoder.limits import DecodeLimits
from worker.audio.decoder.process import Abandoned, DecoderProcess

_READ_BYTES = 1 << 16

_decoded: dict[tuple[bytes, int | None], _Decoded] = {}


@dataclass(frozen=True)
class _Decoded:
    """What a decoder's process says: before the sound, the records of it, and after it."""

    header: HeaderClaim
    records: bytes
    done: DoneClaim


class _ReplayedDecoder:
    """Has the methods of `DecoderProcess` that are used for a recording that can be decoded."""

    def __init__(self, decoded: _Decoded, abandoned: threading.Event) -> None:
        self._decoded = decoded
        self._left = memoryview(decoded.records)
        self._abandoned = abandoned

    def wait_for_header(self) -> None:
        pass

    def header(self) -> HeaderClaim:
        return self._decoded.header

    def read(self, into: memoryview, samples: int) -> int:
        if self._abandoned.is_set():
            raise Abandoned
        count = min(len(into), len(self._left))
        into[:count], self._left = self._left[:count], self._left[count:]
        return count

    def finish(self, tracks: int) -> DoneClaim:
        return self._decoded.done

    def raise_failure(self) -> NoReturn:
        raise AssertionError("what was decoded to its end does not fail")

    def close(self) -> None:
        pass


def replay_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on have each recording decoded by one process, the first time."""

    def start(
        source: Path | int,
        limits: DecodeLimits,
        abandoned: threading.Event,
        track: int | None = None,
    ) -> _ReplayedDecoder:
        key = (_content(source), track)
        if key not in _decoded:
            _decoded[key] = _decode(source, limits, track)
        return _ReplayedDecoder(_decoded[key], abandoned)

    monkeypatch.setattr(decode, "DecoderProcess", start)


def _content(source: Path | int) -> bytes:
    if isinstance(source, Path):
        return source.read_bytes()
    return os.pread(source, os.fstat(source).st_size, 0)


def _decode(source: Path | int, limits: DecodeLimits, track: int | None) -> _Decoded:
    process = DecoderProcess(source, limits, threading.Event(), track)
    try:
        process.wait_for_header()
        header = process.header()
        records = bytearray()
        piece = bytearray(_READ_BYTES)
        while count := process.read(memoryview(piece), len(records)):
            records += piece[:count]
        return _Decoded(header, bytes(records), process.finish(len(header.heard)))
    finally:
        process.close()
