"""Which recordings need a playable copy: as measured in Chromium 156 and Firefox ESR 153."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.speech.media import KINDS, encode, signal, wav_header
from worker.audio.decode import decode
from worker.audio.playable.facts import facts_of, with_outcome
from worker.audio.playable.needed import CopyReason, RecordingFacts, needs_playable_copy
from worker.audio.playable.signature import Signature, read_signature

MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
MATROSKA = "matroska,webm"

PLAYED = [
    *(("wav", f"pcm_{coding}") for coding in ("u8", "s16le", "s24le", "f32le", "mulaw", "alaw")),
    ("mp3", "mp3"), ("mp3", "mp3float"), ("flac", "flac"), ("ogg", "libopus"), ("ogg", "vorbis"),
    (MP4, "aac"), (MP4, "flac"), (MP4, "opus"), (MATROSKA, "opus"), (MATROSKA, "libvorbis"),
    (MATROSKA, "aac"),
]  # fmt: skip

NOT_OPENED = [
    ("aiff", "pcm_s16be"), ("asf", "wmav2"), ("avi", "mp3float"), ("amr", "amrnb"),
    ("mxf", "pcm_s16le"), ("rm", "cook"), ("dv", "pcm_s16le"), ("voc", "pcm_u8"), ("gsm", "gsm"),
    ("mpegts", "aac"), ("mpeg", "mp2"), ("flv", "aac"), ("caf", "alac"), ("au", "pcm_mulaw"),
    ("w64", "pcm_s16le"), ("wv", "wavpack"), ("ape", "ape"), ("tta", "tta"), ("ac3", "ac3"),
    ("dts", "dca"), ("aac", "aac"), ("a container of the future", "aac"),
]  # fmt: skip

NOT_DECODED = [
    ("wav", "pcm_f64le"), ("wav", "g722"), ("wav", "g726"), ("wav", "gsm_ms"),
    ("wav", "adpcm_ima_wav"), ("wav", "adpcm_ms"), ("wav", "ac3"), ("mp3", "mp2float"),
    (MP4, "alac"), (MP4, "ac3"), (MP4, "eac3"), (MP4, "amrnb"), (MP4, "pcm_s16le"),
    ("ogg", "libspeex"), ("ogg", "flac"), (MATROSKA, "ac3"), (MATROSKA, "pcm_s16le"),
    (MATROSKA, "flac"), (MATROSKA, "mp3float"), (MATROSKA, "alac"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [(PLAYED, None), (NOT_OPENED, CopyReason.CONTAINER), (NOT_DECODED, CopyReason.CODEC)],
)
def test_the_container_and_the_coding_decide(
    kinds: list[tuple[str, str]], reason: CopyReason | None
) -> None:
    found = {kind: needs_playable_copy(RecordingFacts(*kind)) for kind in kinds}
    assert found == dict.fromkeys(kinds, reason)


WAV = RecordingFacts("wav", "pcm_s16le")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(WAV, is_rf64=True), CopyReason.CONTAINER),
        (replace(WAV, parts=2), CopyReason.JOINED),
        (replace(WAV, has_right_size=False), CopyReason.SIZE),
        (replace(WAV, plays_what_is_heard=False), CopyReason.TRACKS),
        (replace(WAV, is_very_quiet=True), CopyReason.QUIET),
        (replace(WAV, has_even_bit_rate=False, has_length=False), None),
        (RecordingFacts("mp3", "mp3", has_even_bit_rate=False), CopyReason.UNSEEKABLE),
        (RecordingFacts("mp3", "mp3", has_length=False), None),
        (RecordingFacts(MP4, "aac", is_fragmented=True), CopyReason.UNSEEKABLE),
        (RecordingFacts(MATROSKA, "opus", has_length=False), CopyReason.UNSEEKABLE),
        (RecordingFacts("ogg", "opus", has_length=False), None),
    ],
)
def test_a_recording_of_a_played_kind_may_need_one_all_the_same(
    facts: RecordingFacts, reason: CopyReason | None
) -> None:
    assert needs_playable_copy(facts) is reason


def reason_for(path: Path) -> CopyReason | None:
    with decode(path) as audio:
        for _ in audio:
            pass
        heard = {track.number for track in audio.header.heard}
        facts = facts_of(audio.header, heard, read_signature(path))
        even = audio.has_even_bit_rate
        return needs_playable_copy(with_outcome(facts, audio.report, has_even_bit_rate=even))


REASONS = {
    "wav": None, "mp3": None, "m4a": None, "flac": None, "ogg": None, "webm": None,
    "webm-video": None, "mp4": None, "aac": CopyReason.CONTAINER, "mov": CopyReason.CODEC,
    "m4a-alac": CopyReason.CODEC, "mkv": CopyReason.CODEC, "ogg-flac": CopyReason.CODEC,
    "avi": CopyReason.CONTAINER, "flv": CopyReason.CONTAINER, "ts": CopyReason.CONTAINER,
    "amr": CopyReason.CONTAINER, "3gp": CopyReason.CODEC, "wma": CopyReason.CONTAINER,
    "aiff": CopyReason.CONTAINER, "caf": CopyReason.CONTAINER, "au": CopyReason.CONTAINER,
    "w64": CopyReason.CONTAINER, "wv": CopyReason.CONTAINER, "tta": CopyReason.CONTAINER,
}  # fmt: skip


@pytest.mark.parametrize("kind", REASONS)
def test_the_decoder_s_names_are_those_of_the_table(tmp_path: Path, kind: str) -> None:
    assert reason_for(encode(signal(2), tmp_path / "recording", kind)) is REASONS[kind]


def test_a_stream_of_a_browser_s_recorder_has_no_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import av

    live = replace(KINDS["webm"], options={})
    monkeypatch.setitem(KINDS, "webm", live)
    real = av.open
    monkeypatch.setattr(
        av, "open", lambda *args, **values: real(*args, **values, options={"live": "1"})
    )
    path = encode(signal(2), tmp_path / "recording", "webm")
    monkeypatch.undo()
    assert reason_for(path) is CopyReason.UNSEEKABLE


def test_only_one_of_two_wavs_behind_each_other_is_played(tmp_path: Path) -> None:
    first, second = (encode(signal(2), tmp_path / name, "wav") for name in ("a", "b"))
    joined = tmp_path / "joined"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    assert reason_for(joined) is CopyReason.JOINED


class TestSignature:
    def box(self, kind: bytes, size: int = 16) -> bytes:
        return struct.pack(">I", size) + kind + bytes(size - 8)

    @pytest.mark.parametrize(
        ("kinds", "is_fragmented"),
        [
            ((b"moov", b"mdat"), False),
            ((b"free", b"mdat", b"moov"), False),
            ((b"moov", b"moof", b"mdat"), True),
            ((b"moov", b"sidx", b"moof", b"mdat"), True),
            ((), False),
        ],
    )
    def test_an_mp4_is_in_fragments_or_not(
        self, tmp_path: Path, kinds: tuple[bytes, ...], is_fragmented: bool
    ) -> None:
        path = tmp_path / "film.mp4"
        path.write_bytes(self.box(b"ftyp") + b"".join(map(self.box, kinds)))
        assert read_signature(path) == Signature(is_fragmented=is_fragmented)

    @pytest.mark.parametrize(
        "tail",
        [b"\0\0\0\0free", b"\0\0\0\x01free" + bytes(8), b"\0\0\0\x07free", b"\xff\xff\xff\xfffree",
         b"\0\0\0\x01free" + b"\xff" * 8, b"\0\0", (8).to_bytes(4, "big") + b"free"],
    )  # fmt: skip
    def test_strange_boxes_end_the_search(self, tmp_path: Path, tail: bytes) -> None:
        path = tmp_path / "film.mp4"
        path.write_bytes(self.box(b"ftyp") + tail * (200 if len(tail) == 8 else 1))
        assert read_signature(path) == Signature()

    def test_a_descriptor_stays_where_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "long.wav"
        path.write_bytes(b"RF64" + wav_header(10)[4:])
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.lseek(descriptor, 5, os.SEEK_SET)
            assert read_signature(descriptor) == Signature(is_rf64=True)
            assert os.lseek(descriptor, 0, os.SEEK_CUR) == 5
        finally:
            os.close(descriptor)
