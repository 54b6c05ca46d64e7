"""Files made to mislead, stop or delay whoever reads their length."""

from __future__ import annotations

import gc
import random
import struct
import time
from pathlib import Path

import pytest

from shared.recordings import length
from shared.recordings.bounded_file import BoundedFile, OverBudget
from shared.recordings.headers import ASF_HEADER
from shared.recordings.length import told_length_s
from tests.support.speech.media import KINDS, encode, signal
from tests.support.told_length import CountingStore

BYTES = 3 * 2**20
MOST_CPU_S = 0.1
"""Most processor seconds of this thread, some twenty times what the worst of them takes."""

MAGICS = {
    "wav": b"RIFF\0\0\0\0WAVE",
    "aiff": b"FORM\0\0\0\0AIFF",
    "mp4": b"\0\0\0\x08ftyp",
    "matroska": b"\x1aE\xdf\xa3\x80\x18\x53\x80\x67\x01" + b"\xff" * 7,
    "ogg": b"OggS",
    "flac": b"fLaC",
    "asf": ASF_HEADER,
    "ape": b"MAC ",
    "tta": b"TTA1",
    "wavpack": b"wvpk",
    "id3": b"ID3",
    "mp3": b"\xff\xfb",
}
FILLINGS = {
    "zeros": b"\0",
    "ones": b"\xff",
    "voids": b"\xec\x80",
    "seek heads": b"\x11\x4d\x9b\x74\x80",
    "clusters": b"\x15\x49\xa9\x66\x80" + b"\x1f\x43\xb6\x75" * 1000,
    "small boxes": b"\0\0\0\x08trak",
    "boxes in boxes": b"\0\x2f\0\0moov\0\0\0\x10trak\0\0\0\x08mdia",
    "empty chunks": b"abcd\0\0\0\0",
    "pages": b"OggS",
    "tags": b"ID3\4\0\0\0\0\0\0",
    "tables": b"Xing",
    "objects": b"\1" * 16 + struct.pack("<Q", 24),
}


def read_within_bounds(data: bytes) -> None:
    store = CountingStore(data)
    gc.disable()  # among what other tests have left it may look for longer
    began = time.thread_time()
    try:
        told = told_length_s(store, store.blob)
    finally:
        gc.enable()
    took_s = time.thread_time() - began
    assert took_s < MOST_CPU_S
    assert store.opened <= 2 * 2**20 // 16_384
    assert told is None or told > 0


@pytest.mark.parametrize("magic", MAGICS)
def test_what_never_ends_is_given_up(magic: str) -> None:
    for filling in FILLINGS.values():
        read_within_bounds((MAGICS[magic] + filling * (BYTES // len(filling)))[:BYTES])


@pytest.mark.parametrize("magic", MAGICS)
def test_random_bytes_are_no_error(magic: str) -> None:
    chance = random.Random(magic)
    for size in range(300):
        read_within_bounds(MAGICS[magic] + chance.randbytes(size))


def test_a_thousand_damaged_files_are_no_error(tmp_path: Path) -> None:
    chance = random.Random(7)
    whole = [encode(signal(1), tmp_path / "sound", kind).read_bytes() for kind in KINDS]
    for number in range(1_000):
        data = bytearray(whole[number % len(whole)])
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(chance.choice((64, 1_000, len(data))))
            damage = chance.choice((b"\0" * 4, b"\xff" * 4, chance.randbytes(1)))
            data[at : at + len(damage)] = damage
        del data[chance.choice((len(data), chance.randrange(len(data)))) :]
        read_within_bounds(bytes(data))


@pytest.mark.parametrize("error", [RecursionError, MemoryError, OSError("gone"), OverBudget])
def test_whatever_a_reader_raises_is_no_length(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> bytes:
        raise error

    monkeypatch.setattr(BoundedFile, "read", fail)
    store = CountingStore(b"fLaC")
    assert told_length_s(store, store.blob) is None


def test_an_interrupt_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(BoundedFile, "read", interrupt)
    store = CountingStore(b"fLaC")
    with pytest.raises(KeyboardInterrupt):
        length.told_length_s(store, store.blob)


def test_a_budget_bounds_reads_and_bytes() -> None:
    store = CountingStore(bytes(10 * 16_384))
    file = BoundedFile(store, store.blob, most_bytes=3 * 16_384, most_reads=6)
    assert len(file.read(10, 16_384)) == 16_384  # two blocks
    assert len(file.read(0, 32_768)) == 32_768
    assert store.opened == 2
    assert file.read(200_000, 10) == b""
    assert len(file.read(10 * 16_384 - 5, 10)) == 5
    with pytest.raises(OverBudget):
        file.read(40_000, 1)
    file.read(0, 1)
    with pytest.raises(OverBudget):
        file.read(0, 1)
