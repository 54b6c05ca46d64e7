"""What of a file is one recording, and what the next, is read off the structure of the file."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest

from tests.support.speech.media import RATE, Pcm, encode, lag_s, signal, wav_header
from worker.audio.decode import decode
from worker.audio.decoder.decode_part import packets_of
from worker.audio.decoder.parts import Parts, find_parts
from worker.audio.decoder.sections import Section, SectionFile

SOUND = signal(4.0)
TAIL = signal(3.0, seed=11)
CHUNK = b"LIST" + struct.pack("<I", 26) + b"INFOISFT\x0e\0\0\0" + b"Recorder 1.0.0"


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def parts_of(path: Path, content: bytes | None = None) -> Parts:
    if content is not None:
        path.write_bytes(content)
    with opened(path) as descriptor:
        return find_parts(descriptor, path.stat().st_size)


def is_read_whole(parts: Parts) -> bool:
    """Whether the file is read as it is."""
    return len(parts.sections) == 1 and not parts.sections[0].corrections


def decoded(path: Path) -> Pcm:
    with decode(path) as audio:
        return np.concatenate(list(audio))


def wav(samples: Pcm, told_bytes: int | None = None) -> bytes:
    data = samples.tobytes()
    return wav_header(len(data) if told_bytes is None else told_bytes) + data


def rf64(samples: Pcm, told: int, magic: bytes = b"RF64", *, told_32: int = 0xFFFFFFFF) -> bytes:
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, len(samples) * 2 + 72, told, told, 0)
    header = wav_header(told_32)
    return magic + b"\xff" * 4 + b"WAVE" + sizes + header[12:] + samples.tobytes()


class TestWrongSizes:
    @pytest.mark.parametrize("told_s", [1, 2])
    def test_sound_behind_the_told_size_is_read(self, tmp_path: Path, told_s: int) -> None:
        path = tmp_path / "recording"
        path.write_bytes(wav(SOUND, told_s * RATE * 2))
        with decode(path) as audio:
            assert np.array_equal(np.concatenate(list(audio)), SOUND)
        (warning,) = audio.report.warnings
        assert (warning.code, warning.seconds, warning.at_s) == (
            "bytes_after_the_end",
            4 - told_s,
            told_s,
        )

    def test_a_size_that_wrapped_around_at_4_gib_is_read_to_the_end(self, tmp_path: Path) -> None:
        path = tmp_path / "recording"
        true_size = (1 << 32) + 1000
        path.write_bytes(wav_header(1000) + b"\x01")
        os.truncate(path, 44 + true_size)  # sparse: no room on disk
        with path.open("r+b") as file:
            file.seek(44 + true_size - 1)
            file.write(b"\x01")
        (section,) = parts_of(path).sections
        assert section.end == 44 + true_size
        assert section.corrections == ((40, b"\xff\xff\xff\xff"),)
        assert section.bytes_behind == 1 << 32

    @pytest.mark.parametrize(
        "behind", [CHUNK, CHUNK + CHUNK, b"ID3\4\0\0\0\0\0\0", b"", b"\0" * 99]
    )
    def test_chunks_tags_and_padding_are_no_sound(self, tmp_path: Path, behind: bytes) -> None:
        path = tmp_path / "recording"
        assert is_read_whole(parts_of(path, wav(SOUND) + behind))
        assert np.array_equal(decoded(path), SOUND)

    @pytest.mark.parametrize("told", [0, RATE * 2, 2**64 - 1])
    @pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
    def test_the_64_bit_size_of_rf64_is_put_right(
        self, tmp_path: Path, magic: bytes, told: int
    ) -> None:
        path = tmp_path / "recording"
        path.write_bytes(rf64(SOUND, told, magic))
        assert np.array_equal(decoded(path), SOUND)

    def test_the_32_bit_size_of_rf64_means_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "recording"
        path.write_bytes(rf64(SOUND, len(SOUND) * 2, told_32=RATE * 2))
        with decode(path) as audio:
            assert np.array_equal(np.concatenate(list(audio)), SOUND)
        assert audio.report.warnings == ()

    @pytest.mark.parametrize("told_s", [2, 4])
    def test_the_samples_of_rifx_are_read_in_their_order(self, tmp_path: Path, told_s: int) -> None:
        path = tmp_path / "recording"
        fields = struct.pack(">IHHIIHH", 16, 1, 1, RATE, RATE * 2, 2, 16)
        data = b"data" + struct.pack(">I", told_s * RATE * 2) + SOUND.astype(">i2").tobytes()
        path.write_bytes(
            b"RIFX" + struct.pack(">I", 36 + SOUND.nbytes) + b"WAVEfmt " + fields + data
        )
        with decode(path) as audio:
            assert np.array_equal(np.concatenate(list(audio)), SOUND)
        assert audio.report.tracks[0].codec == "pcm_s16be"

    def test_the_size_of_a_segment_is_not_needed(self, tmp_path: Path) -> None:
        whole = encode(SOUND, tmp_path / "whole", "webm").read_bytes()
        more = encode(TAIL, tmp_path / "more", "m4a").read_bytes()
        at = whole.index(b"\x18\x53\x80\x67") + 4
        path = tmp_path / "recording"
        for told in (b"\xff" * 7, struct.pack(">Q", whole.index(b"\x1f\x43\xb6\x75") - at - 8)[1:]):
            path.write_bytes(whole[:at] + b"\x01" + told + whole[at + 8 :] + more)
            with decode(path) as audio:
                assert sum(map(len, audio)) / RATE == pytest.approx(7.0, abs=0.1)
            assert (audio.report.parts, audio.report.warnings) == (2, ())

    def test_aiff_is_put_right_too(self, tmp_path: Path) -> None:
        whole = encode(SOUND, tmp_path / "whole", "aiff").read_bytes()
        at = whole.index(b"SSND")
        told = struct.pack(">I", 8 + 44_100)
        path = tmp_path / "recording"
        path.write_bytes(whole[: at + 4] + told + whole[at + 8 :])
        assert abs(len(decoded(path)) / RATE - 4.0) < 0.1


@pytest.mark.parametrize(
    "kind", ["wav", "aiff", "caf", "w64", "m4a", "webm", "ogg", "flac", "amr", "wma", "avi"]
)
def test_joined_files_are_heard_to_the_end(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    both = [encode(sound, tmp_path / "part", kind).read_bytes() for sound in (SOUND, TAIL)]
    path.write_bytes(b"".join(both))
    with decode(path) as audio:
        samples = np.concatenate(list(audio))
    assert audio.report.parts == 2
    assert len(samples) / RATE == pytest.approx(7.0, abs=0.25)
    at = samples[round(4.1 * RATE) :]
    assert abs(lag_s(at, TAIL[round(0.1 * RATE) :])) < 0.15


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("flac", "wav"),
        ("wav", "mp3"),
        ("wav", "avi"),
        ("aiff", "mp3"),
        ("webm", "m4a"),
        ("m4a", "flac"),
        ("m4a", "aac"),
        ("ogg", "amr"),
        ("amr", "flac"),
        ("mp3", "ogg"),
        ("aac", "mp3"),
        ("wma", "webm"),
        ("avi", "w64"),
        ("flv", "flv"),
        ("ts", "wma"),
        ("tta", "caf"),
        ("wv", "aiff"),
        ("au", "wv"),
    ],
)
def test_joined_files_of_two_kinds_are_heard_to_the_end(
    first: str, second: str, tmp_path: Path
) -> None:
    path = tmp_path / "recording"
    both = [
        encode(sound, tmp_path / "part", kind).read_bytes()
        for sound, kind in ((SOUND, first), (TAIL, second))
    ]
    path.write_bytes(b"".join(both))
    with decode(path) as audio:
        samples = np.concatenate(list(audio))
    assert audio.report.parts == 2
    assert len(samples) / RATE == pytest.approx(7.0, abs=0.25)
    assert abs(lag_s(samples[round(4.1 * RATE) :], TAIL[round(0.1 * RATE) :])) < 0.15


@pytest.mark.parametrize("kind", ["flac", "m4a", "webm", "ogg", "avi", "ts", "tta"])
def test_what_cannot_be_read_behind_the_sound_is_told(kind: str, tmp_path: Path) -> None:
    whole = encode(SOUND, tmp_path / "part", kind).read_bytes()
    path = tmp_path / "recording"
    strange = np.random.default_rng(5).bytes(5000)
    tag = b"TAG" + bytes(125)
    lyrics = b"LYRICSBEGIN" + bytes(2000) + b"LYRICS200"
    ape = b"APETAGEX" + struct.pack("<IIII8x", 2000, 3000, 1, 0xA0000000) + b"a" * 3000
    for behind in (b"", tag, bytes(9000), lyrics + tag, ape + tag):
        path.write_bytes(whole + behind)
        with decode(path) as audio:
            assert abs(sum(map(len, audio)) / RATE - 4.0) < 0.1
        assert audio.report.warnings == (), behind[:8]
    path.write_bytes(whole + strange)
    with decode(path) as audio:
        assert abs(sum(map(len, audio)) / RATE - 4.0) < 0.1
    (warning,) = [found for found in audio.report.warnings if found.bytes_unheard]
    assert warning.code == "bytes_after_the_end"
    assert warning.at_s == pytest.approx(4.0, abs=0.1)
    assert warning.bytes_unheard == pytest.approx(5000, abs=800)


@pytest.mark.parametrize("between", [b"", CHUNK])
@pytest.mark.parametrize("tag", [b"", b"ID3\4\0\0\0\0\0\x05" + bytes(5)])
def test_each_chunk_of_sound_in_a_wav_is_heard(tag: bytes, between: bytes, tmp_path: Path) -> None:
    """FFmpeg takes the last one."""
    more = b"".join(
        between + b"data" + struct.pack("<I", part.nbytes) + part.tobytes()
        for part in np.split(TAIL, 3)
    )
    path = tmp_path / "recording"
    path.write_bytes(tag + wav(SOUND) + more + CHUNK)
    with decode(path) as audio:
        assert np.array_equal(np.concatenate(list(audio)), np.concatenate([SOUND, TAIL]))
    assert (audio.report.parts, audio.report.warnings) == (4, ())


@pytest.mark.parametrize("first", [b"RIFF", b"RIFX", b"RF64", b"BW64"])
def test_the_next_recording_is_found_wherever_it_lies(first: bytes, tmp_path: Path) -> None:
    """Files are searched in blocks of a megabyte, and a beginning may lie across two of them."""
    header = wav_header(0xFFFFFFFF)
    begins_anew = first + header[4:]
    for moved in range(-20, 21):
        sound = b"WAVE" + bytes((1 << 20) + moved)
        found = parts_of(tmp_path / "recording", header + sound + begins_anew + bytes(500))
        assert [section.start for section in found.sections] == [0, len(header + sound)]


def test_a_joined_wav_whose_first_part_tells_a_wrong_size(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(wav(SOUND, RATE) + wav(TAIL))
    assert np.array_equal(decoded(path), np.concatenate([SOUND, TAIL]))


@pytest.mark.parametrize("kind", ["wav", "aiff", "caf", "w64", "mp4", "webm", "ogg", "flac", "mp3"])
def test_a_file_that_is_as_it_should_be_is_read_as_it_is(kind: str, tmp_path: Path) -> None:
    parts = parts_of(encode(SOUND, tmp_path / "recording", kind))
    assert is_read_whole(parts)
    assert parts.has_end_mark
    assert not parts.is_cut
    assert parts.sections[-1].bytes_unheard == 0


@pytest.mark.parametrize(
    "kind", ["wav", "aiff", "caf", "w64", "mp4", "webm", "webm-video", "avi", "flv"]
)
def test_a_file_that_was_cut_off_tells_of_more(kind: str, tmp_path: Path) -> None:
    whole = encode(SOUND, tmp_path / "whole", kind).read_bytes()
    assert parts_of(tmp_path / "recording", whole[: len(whole) * 6 // 10]).is_cut


@pytest.mark.parametrize("kind", ["avi", "flv"])
def test_a_file_that_ends_where_it_tells_is_not_cut(kind: str, tmp_path: Path) -> None:
    assert not parts_of(encode(SOUND, tmp_path / "recording", kind)).is_cut


@pytest.mark.parametrize("told", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0])
def test_a_wav_whose_size_was_never_written_is_not_cut(told: int, tmp_path: Path) -> None:
    assert not parts_of(tmp_path / "recording", wav(SOUND, told)).is_cut


def test_a_wav_that_was_cut_off_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(wav(SOUND)[: 44 + RATE * 4])
    with decode(path) as audio:
        assert np.array_equal(np.concatenate(list(audio)), SOUND[: RATE * 2])
    (warning,) = audio.report.warnings
    assert (warning.code, warning.at_s) == ("shorter_than_announced", 2.0)


def test_the_tag_between_two_mp3_files_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    tag = b"ID3\4\0\0\0\0\0\x40" + b"TSSE" + bytes(60)
    whole = encode(SOUND, tmp_path / "whole", "mp3").read_bytes()
    path.write_bytes(whole + tag + whole[whole.index(b"\xff\xfb") :])
    with decode(path) as audio:
        samples = np.concatenate(list(audio))
    assert len(samples) / RATE == pytest.approx(8.0, abs=0.25)
    assert audio.report.warnings == ()


def test_a_stream_that_appears_while_reading_does_not_end_it_by_an_error() -> None:
    class Container:
        """Gives two packets and then fails, as PyAV does there."""

        def demux(self, streams: list[Any]) -> Iterator[str]:
            yield from streams
            raise IndexError("list index out of range")

    packets = list(packets_of(cast("Any", Container()), cast("Any", ["one", "two"])))
    assert packets == ["one", "two"]


def test_an_ogg_without_its_last_page_has_no_end_mark(tmp_path: Path) -> None:
    whole = encode(SOUND, tmp_path / "whole", "ogg").read_bytes()
    assert not parts_of(tmp_path / "recording", whole[: whole.rindex(b"OggS")]).has_end_mark


def test_fragments_that_repeat_their_header_are_one_movie(tmp_path: Path) -> None:
    def box(kind: bytes, content: bytes = b"") -> bytes:
        return struct.pack(">I", 8 + len(content)) + kind + content

    fragment = box(b"ftyp") + box(b"moov", box(b"mvex")) + box(b"moof") + box(b"mdat", bytes(50))
    assert len(parts_of(tmp_path / "recording", fragment * 3).sections) == 1
    movie = box(b"ftyp") + box(b"moov") + box(b"mdat", bytes(50))
    found = parts_of(tmp_path / "recording", movie * 3)
    assert [section.start for section in found.sections] == [0, len(movie), 2 * len(movie)]
    assert parts_of(tmp_path / "recording", movie + b"\xff" * 70).sections[-1].bytes_unheard == 70


@pytest.mark.parametrize("seed", range(40))
def test_no_content_is_too_strange(seed: int, tmp_path: Path) -> None:
    """Random bytes behind every beginning that is looked at: sections in order, to the end."""
    random = np.random.default_rng(seed)
    beginnings = [wav(SOUND[:50]), b"OggS\0\2", b"\0\0\0\x08ftyp", b"\x1a\x45\xdf\xa3", b"fLaC"]
    noise = random.integers(0, 256, int(random.integers(0, 5000)), dtype=np.uint8).tobytes()
    found = parts_of(tmp_path / "recording", beginnings[seed % len(beginnings)] + noise)
    starts = [section.start for section in found.sections]
    assert starts[0] == 0 and starts == sorted(set(starts))
    assert found.sections[-1].end == (tmp_path / "recording").stat().st_size


def test_a_section_reads_like_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    with opened(path) as descriptor:
        file = SectionFile(descriptor, Section(10, 60, ((12, b"ab"), (58, b"yz"))))
        assert file.read(4) == bytes([10, 11]) + b"ab"
        assert file.seek(-3, os.SEEK_END) == 47
        assert file.read() == bytes([57]) + b"yz"
        assert file.read(5) == b""
        assert file.seek(3) == 3 and file.tell() == 3
        assert file.read(1) == b"b"
        assert file.seek(1, os.SEEK_CUR) == 5
        assert file.read(2) == bytes([15, 16])
        behind = SectionFile(descriptor, Section(10, 13, prefix=b"abc"))
        assert [behind.read(2), behind.read(2), behind.read()] == [b"ab", b"c", bytes([10, 11, 12])]
        assert behind.seek(0, os.SEEK_END) == 6
        assert behind.seek(1) == 1 and behind.read() == b"bc" + bytes([10, 11, 12])


def test_a_track_that_only_a_later_part_has_is_told(tmp_path: Path) -> None:
    def movie(path: Path, tracks: int) -> bytes:
        with av.open(str(path), "w", format="mp4") as container:
            streams = [container.add_stream("aac", rate=RATE, layout="mono") for _ in range(tracks)]
            for stream in streams:
                frame = av.AudioFrame.from_ndarray(SOUND[None, : 2 * RATE], "s16", "mono")
                frame.sample_rate = RATE
                frame.pts = 0
                container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
        return path.read_bytes()

    path = tmp_path / "recording"
    path.write_bytes(movie(tmp_path / "one", 1) + movie(tmp_path / "two", 2))
    with decode(path) as audio:
        samples = np.concatenate(list(audio))
    assert len(samples) / RATE == pytest.approx(4.0, abs=0.2)
    assert [warning.code for warning in audio.report.warnings] == ["tracks_left_out"]


def test_tracks_beyond_those_that_are_heard_are_told(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    with av.open(str(path), "w", format="matroska") as container:
        streams = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(34)]
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(SOUND[None, :RATE], "s16", "mono")
            frame.sample_rate = RATE
            frame.pts = 0
            container.mux(stream.encode(frame))
    with decode(path) as audio:
        assert len(np.concatenate(list(audio))) == RATE
    (warning,) = audio.report.warnings
    assert warning.code == "tracks_left_out"
