"""Recordings that nobody can hear here are refused for what they are; none is taken for noise."""

from __future__ import annotations

import shutil
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from shared.errors import UnsupportedMedia
from shared.transcripts.recording_report import RecordingWarningCode
from tests.support.speech.media import RATE, encode, lag_s, signal
from worker.audio.decode import decode
from worker.audio.decoder.formats import unread_kind

SOUND = signal(6.0)
KEY = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
    "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
}


def encrypted(path: Path, codec: str) -> Path:
    """An MP4 under Common Encryption, as films and some conference systems have it."""
    with av.open(path, "w", format="mp4", options=KEY) as container:
        stream = container.add_stream(codec, rate=48_000, layout="mono")
        assert isinstance(stream, AudioStream)
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=48_000)
        frame = av.AudioFrame.from_ndarray(SOUND[None], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        for each in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(each))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("codec", ["aac", "libopus", "flac"])
def test_encrypted_sound_is_refused_and_nothing_made_of_it(codec: str, tmp_path: Path) -> None:
    """Any bytes are sound to Opus: it made 40 s of noise, with a warning of damage."""
    with (
        pytest.raises(UnsupportedMedia, match="encrypted"),
        decode(encrypted(tmp_path / "recording", codec)) as audio,
    ):
        list(audio)


@pytest.mark.parametrize("kind", [b"drms", b"aavd"])
def test_sound_under_a_shops_protection_is_refused(kind: bytes, tmp_path: Path) -> None:
    path = encode(SOUND, tmp_path / "recording", "m4a")
    content = path.read_bytes()
    assert content.count(b"mp4a") == 1
    path.write_bytes(content.replace(b"mp4a", kind))
    with pytest.raises(UnsupportedMedia, match="encrypted"), decode(path) as audio:
        list(audio)


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"\x02#!SILK_V3\x12\x00", "WeChat or QQ"),
        (b"#!SILK_V3\x12\x00", "WeChat or QQ"),
        (b"\x03ds2\x00\x00", "dictation"),
        (b"\x02dss\x00\x00", "dictation"),
    ],
)
def test_kinds_without_a_decoder_are_named(head: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(head + bytes(2000))
    with pytest.raises(UnsupportedMedia, match=told), decode(path) as audio:
        list(audio)


@pytest.mark.parametrize("head", [b"", b"#", b"#!AMR\n", b"RIFF\x00\x00\x00\x00WAVEfmt ", b"OggS"])
def test_others_are_left_to_the_decoder(head: bytes) -> None:
    assert unread_kind(head) is None


def test_a_recorders_oma_is_heard(tmp_path: Path) -> None:
    """Sony's, with samples as they are, which is all that can be written here."""
    stereo = np.repeat(np.repeat(SOUND, 3)[: len(SOUND) * 3], 2).astype(">i2")
    header = bytearray(96)
    header[:8] = b"EA3\x01\x00\x60\xff\xff"
    header[32] = 4  # linear samples, which always are 44.1 kHz and stereo
    path = tmp_path / "recording"
    path.write_bytes(bytes(header) + stereo.tobytes())
    with decode(path) as audio:
        heard = np.concatenate(list(audio))
    assert audio.report.container == "oma"
    assert len(heard) / RATE == pytest.approx(len(SOUND) * 3 / 44_100, abs=0.1)
    assert np.abs(heard).max() > np.abs(SOUND).max() / 2


def _tag() -> bytes:
    """An APEv2 tag, which belongs behind the sound, and some programs put before it."""
    size = (4_032).to_bytes(4, "little")
    begin, end = (b"\0\0\0\xa0", b"\0\0\0\x80")
    marks = [
        b"APETAGEX" + b"\xd0\x07\0\0" + size + b"\1\0\0\0" + f + bytes(8) for f in (begin, end)
    ]
    return marks[0] + bytes(4_000) + marks[1]


@pytest.mark.parametrize(
    "before",
    [
        bytes(300_000),
        b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n",
        b"<html><body>Please sign in</body></html>" * 2_000,
        _tag(),
        b"\0\0\0\x20ftypM4A \0\0\2\0isomiso2\0\0\0\0\0\0\x40\0mdat" + bytes(range(256)) * 64,
    ],
    ids=["zeros", "an answer's head", "a page", "a tag", "a recording without its contents"],
)
@pytest.mark.parametrize("kind", ["mp3", "flac", "wav"])
def test_what_stands_before_the_sound_is_passed_over_and_told(
    before: bytes, kind: str, tmp_path: Path
) -> None:
    path = encode(SOUND, tmp_path / "recording", kind)
    path.write_bytes(before + path.read_bytes())
    with decode(path) as audio:
        heard = np.concatenate(list(audio))
    assert abs(lag_s(heard, SOUND)) < 0.05
    assert len(heard) / RATE == pytest.approx(6.0, abs=0.1)
    codes = [warning.code for warning in audio.report.warnings]
    assert codes == [RecordingWarningCode.DAMAGED_AUDIO_SKIPPED]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_is_no_recording_though_it_holds_one(kind: str, tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    encode(SOUND, tmp_path / "inside" / "a.wav", "wav")
    if kind == "tar":
        made = Path(shutil.make_archive(str(tmp_path / "made"), kind, tmp_path / "inside"))
    else:
        made = tmp_path / "made.zip"
        with zipfile.ZipFile(made, "w") as archive:  # as it is, not packed
            archive.write(tmp_path / "inside" / "a.wav", "a.wav")
    with pytest.raises(UnsupportedMedia, match="cannot be read"), decode(made) as audio:
        list(audio)


def test_a_file_of_which_no_part_can_be_read_is_refused_for_its_first(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(
        bytes(5_000) + b"fLaC\0\0\0\x22" + bytes(300) + b"FORM0000AIFFCOMM" + bytes(90)
    )
    with pytest.raises(UnsupportedMedia, match="cannot be read"), decode(path) as audio:
        list(audio)


def test_a_coding_whose_tag_is_no_text_is_heard(tmp_path: Path) -> None:
    """G.722 in WAV has 0x028f."""
    path = tmp_path / "recording"
    with av.open(path, "w", format="wav") as container:
        stream = container.add_stream("g722", rate=RATE, layout="mono")
        assert isinstance(stream, AudioStream)
        frame = av.AudioFrame.from_ndarray(SOUND[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with decode(path) as audio:
        assert abs(lag_s(np.concatenate(list(audio)), SOUND)) < 0.05
