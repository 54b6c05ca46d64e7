"""The length that a recording's container tells, of files as FFmpeg and others write them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from shared.recordings.length import told_length_s
from shared.storage.blob_store import StoredBlob
from shared.storage.local.folder import LocalFolder
from tests.support.speech.media import KINDS, encode, long_wav, signal, wav_header
from tests.support.told_length import CountingStore, told_s

SILENT_HOURS_S = 11 * 3600

TELL_NOTHING = {"aac", "avi", "flv", "ts", "amr", "caf", "au", "w64"}
"""Kinds whose length is guessed: they do not tell it, or in a place that is not looked at."""


def encoded(folder: Path, kind: str, seconds: float = 3.3) -> bytes:
    return encode(signal(seconds), folder / "sound", kind).read_bytes()


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - TELL_NOTHING))
def test_what_every_container_tells_is_what_was_written(tmp_path: Path, kind: str) -> None:
    # A codec's frame or two more.
    assert told_s(encoded(tmp_path, kind)) == pytest.approx(3.3, abs=0.12)


@pytest.mark.parametrize("kind", sorted(TELL_NOTHING))
def test_others_tell_nothing(tmp_path: Path, kind: str) -> None:
    assert told_s(encoded(tmp_path, kind)) is None


def opus_that_tells(data: bytes, seconds: float) -> bytes:
    """The same Ogg file, whose last page says that the sound ends after `seconds`."""
    last = data.rindex(b"OggS")
    return data[: last + 6] + struct.pack("<q", round(seconds * 48_000)) + data[last + 14 :]


def test_eleven_hours_of_silence_are_told_by_the_last_page(tmp_path: Path) -> None:
    silent = opus_that_tells(encoded(tmp_path, "ogg"), SILENT_HOURS_S)
    assert told_s(silent) == pytest.approx(SILENT_HOURS_S, abs=0.1)
    # A page of a picture's, or of nothing, may follow.
    page = silent[silent.rindex(b"OggS") :]
    unplaced = page[:6] + b"\xff" * 8 + page[14:]
    other = page[:5] + b"\0" + page[6:14] + b"abcd" + page[18:]
    assert told_s(silent + unplaced + other) == pytest.approx(SILENT_HOURS_S, abs=0.1)


def test_joined_ogg_files_each_count_for_themselves(tmp_path: Path) -> None:
    first, second = encoded(tmp_path, "ogg"), encoded(tmp_path, "ogg-vorbis")
    assert told_s(first + second) is None


def test_the_end_of_a_long_file_is_found_without_reading_the_rest(tmp_path: Path) -> None:
    silent = opus_that_tells(encoded(tmp_path, "ogg"), SILENT_HOURS_S)
    at = silent.rindex(b"OggS")
    store = CountingStore(silent[:at] + bytes(20 * 2**20) + silent[at:])
    assert told_length_s(store, store.blob) == pytest.approx(SILENT_HOURS_S, abs=0.1)
    assert store.opened <= 20


def test_a_wav_of_hours_is_read_in_one_block(tmp_path: Path) -> None:
    file = long_wav(tmp_path / "ab", 12)
    key = "ab/00000000-0000-0000-0000-0000000000ab"
    folder = LocalFolder(tmp_path / "recordings", min_free_bytes=0)
    (folder.root / "ab").mkdir(parents=True)
    file.rename(folder.root / key)
    blob = StoredBlob(key, (folder.root / key).stat().st_size, "")
    assert told_length_s(folder, blob) == 12 * 3600


@pytest.mark.parametrize(
    "claimed",
    [0, 0xFFFFFFFF, 32_000, 64_000, 10**9],
    ids=["unfinished", "4 GB", "stale", "true", "cut off"],
)
def test_a_wav_lasts_as_long_as_its_bytes_whatever_its_header_claims(claimed: int) -> None:
    assert told_s(wav_header(claimed) + b"\x01\xff" * 32_000) == 2.0


def test_chunks_after_the_samples_are_not_counted() -> None:
    after = b"LIST" + struct.pack("<I", 32_000) + bytes(32_000)
    assert told_s(wav_header(64_000) + bytes(64_000) + after) == 2.0


def test_joined_wav_files_count_together() -> None:
    one = wav_header(64_000) + bytes(64_000)
    assert told_s(one + one) == pytest.approx(4.0, abs=0.01)


def test_an_mp3_without_a_table_or_joined_of_several_tells_nothing(tmp_path: Path) -> None:
    data = encoded(tmp_path, "mp3")
    assert told_s(data + data) is None
    for table in (b"Xing", b"Info"):
        data = data.replace(table, b"\0\0\0\0")
    assert told_s(data) is None


def test_an_mp3_that_was_cut_lasts_as_long_as_what_is_left(tmp_path: Path) -> None:
    data = encoded(tmp_path, "mp3", seconds=6)
    assert told_s(data[: len(data) // 2]) == pytest.approx(3, abs=0.2)


def test_the_tags_of_an_mp3_are_skipped_however_large(tmp_path: Path) -> None:
    picture = 100 << 21 | 5  # four numbers of 7 bits: 200 MiB
    size = bytes(picture >> shift & 0x7F for shift in (21, 14, 7, 0))
    data = b"ID3\4\0\0" + size
    store = CountingStore(data)
    assert told_length_s(store, store.blob) is None
    assert store.opened <= 2
    tagged = b"ID3\4\0\0\0\0\1\0" + bytes(128) + encoded(tmp_path, "mp3")
    assert told_s(tagged) == pytest.approx(3.3, abs=0.12)


def test_fraunhofers_table_is_read() -> None:
    frame = b"\xff\xfb\x90\x64" + bytes(32)
    table = b"VBRI" + bytes(6) + struct.pack(">II", 5_000, 1_000)
    data = frame + table + bytes(5_000)
    assert told_s(data) == pytest.approx(1_000 * 1152 / 44_100, rel=0.02)


def test_a_webm_of_a_browsers_recorder_ends_with_its_last_cluster(tmp_path: Path) -> None:
    data = encoded(tmp_path, "webm", seconds=12)
    assert b"\x44\x89\x88" in data
    told = told_s(data.replace(b"\x44\x89\x88", b"\xec\x40\x08", 1))  # a Void of the same size
    assert told is not None and 5 <= told <= 12


def test_info_behind_the_clusters_is_found_by_the_seek_head() -> None:
    def element(name: bytes, payload: bytes) -> bytes:
        return name + bytes([0x80 | len(payload)]) + payload

    info = element(
        b"\x15\x49\xa9\x66",
        element(b"\x2a\xd7\xb1", b"\x0f\x42\x40") + element(b"\x44\x89", struct.pack(">f", 90_000)),
    )
    cluster = element(b"\x1f\x43\xb6\x75", element(b"\xe7", b"\x00"))

    def seek_head(position: int) -> bytes:
        entry = element(b"\x53\xab", b"\x15\x49\xa9\x66") + element(b"\x53\xac", bytes([position]))
        return element(b"\x11\x4d\x9b\x74", element(b"\x4d\xbb", entry))

    before = seek_head(len(seek_head(0)) + len(cluster)) + cluster
    whole = element(b"\x1aE\xdf\xa3", b"") + element(b"\x18\x53\x80\x67", before + info)
    assert told_s(whole) == 90.0


def box(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), name) + payload


def test_a_movie_in_fragments_tells_its_length_apart() -> None:
    header = box(b"mvhd", bytes(12) + struct.pack(">II", 1_000, 0) + bytes(80))
    told = box(b"mvex", box(b"mehd", bytes(4) + struct.pack(">I", 90_000)))
    assert told_s(box(b"ftyp", b"isom") + box(b"moov", header + told)) == 90.0
    assert told_s(box(b"ftyp", b"isom") + box(b"moov", header)) is None


def test_a_header_behind_gigabytes_of_sound_is_found() -> None:
    header = bytes(12) + struct.pack(">II", 1_000, 90_000) + bytes(80)
    sound = struct.pack(">I4sQ", 1, b"mdat", 16 + 30 * 2**20) + bytes(30 * 2**20)
    data = box(b"ftyp", b"qt  ") + sound + box(b"moov", box(b"mvhd", header))
    store = CountingStore(data)
    assert told_length_s(store, store.blob) == 90.0
    assert store.opened <= 4


def test_monkeys_audio_tells_its_frames() -> None:
    descriptor = b"MAC " + struct.pack("<HHI", 3990, 0, 52) + bytes(40)
    header = struct.pack("<HHIIIHHI", 2000, 0, 73_728, 36_864, 11, 16, 1, 44_100)
    assert told_s(descriptor + header) == pytest.approx(10.5 * 73_728 / 44_100)


@pytest.mark.parametrize("ticks", [0, 2**32 - 1])
def test_no_length_and_an_unknown_one_are_none(ticks: int) -> None:
    header = bytes(12) + struct.pack(">II", 1_000, ticks) + bytes(80)
    assert told_s(box(b"ftyp", b"isom") + box(b"moov", box(b"mvhd", header))) is None


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 0.0])
def test_what_is_no_length_is_none(tmp_path: Path, seconds: float) -> None:
    data = encoded(tmp_path, "webm")
    at = data.index(b"\x44\x89\x88") + 3
    assert told_s(data[:at] + struct.pack(">d", seconds) + data[at + 8 :]) is None
