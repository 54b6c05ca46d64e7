"""The same sound out of every container, in its place in time."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from shared.errors import NoAudio
from tests.support.sounds.mixes import as_pcm, speech
from tests.support.speech.media import KINDS, RATE, Pcm, encode, lag_s, signal
from worker.audio.decode import DecodedAudio, DecodeLimits, decode
from worker.audio.decoder import resampling
from worker.recogniser import SAMPLE_RATE

SECONDS = 6.345
SOUND = signal(SECONDS)


def samples_of(audio: DecodedAudio) -> Pcm:
    return np.concatenate(list(audio))


def test_the_child_and_the_recogniser_agree_on_the_rate() -> None:
    assert resampling.SAMPLE_RATE == SAMPLE_RATE == RATE


@pytest.mark.parametrize("kind", KINDS)
def test_every_container_gives_the_sound_at_its_place(kind: str, tmp_path: Path) -> None:
    # The server names files itself, so nothing may depend on an extension.
    with decode(encode(SOUND, tmp_path / "recording", kind)) as audio:
        decoded = samples_of(audio)
        assert audio.duration_s == pytest.approx(SECONDS, abs=1.0)
    assert len(decoded) / RATE == pytest.approx(SECONDS, abs=0.1)  # a codec frame or two
    assert abs(lag_s(decoded, SOUND)) < 0.05
    assert audio.report.decoded_s == len(decoded) / RATE
    assert audio.report.duration_s == pytest.approx(len(decoded) / RATE)
    assert audio.report.warnings == ()
    written_by = KINDS[kind].video
    assert audio.report.picture == {"libvpx": "vp8", "flv": "flv1"}.get(
        written_by or "", written_by
    )


@pytest.mark.parametrize("kind", ["wav", "flac", "caf", "w64"])
def test_lossless_recordings_come_out_bit_for_bit(kind: str, tmp_path: Path) -> None:
    with decode(encode(SOUND, tmp_path / "recording", kind)) as audio:
        assert np.array_equal(samples_of(audio), SOUND)


@pytest.mark.parametrize("channels", [7, 8, 24, 64])
def test_speech_in_the_last_of_many_channels_is_heard(channels: int, tmp_path: Path) -> None:
    """From eight on (7.1, recorders of many microphones) FFmpeg marks no end of their planes."""
    sound = np.zeros((len(SOUND), channels), np.int16)
    sound[:, -1] = SOUND
    soundfile.write(tmp_path / "recording", sound, RATE, format="WAV")
    with decode(tmp_path / "recording") as audio:
        decoded = samples_of(audio)
    assert len(decoded) == len(SOUND)
    assert abs(lag_s(decoded, SOUND)) < 0.05
    assert audio.report.tracks[0].channels == channels


def test_integers_of_32_bits_in_floats_are_heard(tmp_path: Path) -> None:
    sound = SOUND.astype(np.float32) * 65_536
    soundfile.write(tmp_path / "recording", sound, RATE, format="WAV", subtype="FLOAT")
    with decode(tmp_path / "recording") as audio:
        decoded = samples_of(audio)
    assert np.corrcoef(decoded, SOUND)[0, 1] > 0.99


@pytest.mark.parametrize("frame_ms", ["20", "60"])
def test_opus_with_forward_error_correction_is_heard_as_it_is(
    frame_ms: str, tmp_path: Path
) -> None:
    """FFmpeg's own decoder makes loud noise of such packets of 60 ms."""
    path = tmp_path / "recording"
    with av.open(str(path), "w", format="ogg") as container:
        options = {"frame_duration": frame_ms, "packet_loss": "20", "fec": "1"}
        stream = container.add_stream("libopus", rate=RATE, layout="mono", options=options)
        frame = av.AudioFrame.from_ndarray(as_pcm(speech())[None, :], "s16", "mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with decode(path) as audio:
        decoded = samples_of(audio)
    assert abs(lag_s(decoded, as_pcm(speech()))) < 0.05
    loudness = np.std(decoded.astype(float)) / np.std(as_pcm(speech()).astype(float))
    assert loudness == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("kind", ["mp4", "mkv", "mov", "webm-video", "ts"])
def test_sound_that_starts_after_the_picture_keeps_its_time(kind: str, tmp_path: Path) -> None:
    with decode(encode(SOUND, tmp_path / "recording", kind, start_s=2.0)) as audio:
        decoded = samples_of(audio)
    expected = np.concatenate([np.zeros(2 * RATE, np.int16), SOUND])
    assert abs(lag_s(decoded, expected)) < 0.05
    (track,) = audio.report.tracks
    assert track.starts_s == pytest.approx(2.0, abs=0.06)
    assert audio.report.filled_s == 0.0


@pytest.mark.parametrize("kind", ["mp4", "webm", "m4a", "ts"])
def test_a_hole_in_the_container_is_silence(kind: str, tmp_path: Path) -> None:
    with decode(encode(SOUND, tmp_path / "recording", kind, hole=(3.0, 20.0))) as audio:
        decoded = samples_of(audio)
    tail = decoded[-3 * RATE :]
    assert len(decoded) / RATE == pytest.approx(SECONDS + 20.0, abs=0.06)
    assert abs(lag_s(tail, SOUND[-3 * RATE :])) < 0.05
    assert np.abs(decoded[10 * RATE : 20 * RATE]).max() <= 1


@pytest.mark.parametrize(
    ("first", "second"), [("ogg", "ogg"), ("ts", "ts"), ("mp3", "mp3-22k"), ("flac", "flac")]
)
def test_joined_recordings_follow_each_other_even_at_another_rate(
    first: str, second: str, tmp_path: Path
) -> None:
    path = tmp_path / "recording"
    parts = [encode(SOUND, tmp_path / "part", kind).read_bytes() for kind in (first, second)]
    path.write_bytes(b"".join(parts))
    with decode(path) as audio:
        decoded = samples_of(audio)
    assert len(decoded) / RATE == pytest.approx(2 * SECONDS, abs=0.1)
    assert abs(lag_s(decoded, np.concatenate([SOUND, SOUND]))) < 0.05
    assert abs(lag_s(decoded[-6 * RATE :], SOUND[-6 * RATE :])) < 0.05


def test_samples_do_not_depend_on_the_size_of_blocks(tmp_path: Path) -> None:
    path = encode(SOUND, tmp_path / "recording", "mp4")
    sizes: list[float] = [0.037, 1.0, 60.0]
    results = []
    for block_s in sizes:
        with decode(path, block_s=block_s) as audio:
            blocks = list(audio)
        assert {len(b) for b in blocks[:-1]} <= {round(block_s * RATE)}
        assert all(b.dtype == np.int16 for b in blocks)
        results.append(np.concatenate(blocks))
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def test_ten_milliseconds_are_a_recording(tmp_path: Path) -> None:
    with decode(encode(SOUND[:160], tmp_path / "recording", "wav")) as audio:
        assert len(samples_of(audio)) == 160


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    silent_film(path)
    with pytest.raises(NoAudio), decode(path):
        pass


def silent_film(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for _ in range(10):
            frame = av.VideoFrame(64, 64, "yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_a_large_cover_picture_before_the_sound_is_passed_over(tmp_path: Path) -> None:
    sound = encode(SOUND, tmp_path / "plain", "mp3").read_bytes()
    size = 8 << 20
    picture = b"\0image/jpeg\0\3\0" + b"\xff\xd8" + bytes(size)
    frame = b"APIC" + syncsafe(len(picture)) + b"\0\0" + picture
    path = tmp_path / "recording"
    path.write_bytes(b"ID3\4\0\0" + syncsafe(len(frame)) + frame + sound)
    with decode(path) as audio:
        assert abs(lag_s(samples_of(audio), SOUND)) < 0.05
        assert audio.report.picture is None  # a cover does not move


def syncsafe(number: int) -> bytes:
    """ID3's 28 bits in four bytes of seven."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


@pytest.mark.parametrize("kind", ["mp3", "mp4", "webm", "flac"])
def test_a_quarter_of_the_default_memory_is_enough(kind: str, tmp_path: Path) -> None:
    limits = DecodeLimits(memory_bytes=256 << 20)
    with decode(encode(SOUND, tmp_path / "recording", kind), limits=limits) as audio:
        assert len(samples_of(audio)) > 6 * RATE


def test_damage_inside_is_skipped_and_counted_and_times_hold(tmp_path: Path) -> None:
    data = bytearray(encode(signal(20.0), tmp_path / "whole", "webm").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    path = tmp_path / "recording"
    path.write_bytes(data)
    with decode(path) as audio:
        decoded = samples_of(audio)
    assert len(decoded) / RATE == pytest.approx(20.0, abs=1.0)
    assert abs(lag_s(decoded[-5 * RATE :], signal(20.0)[-5 * RATE :])) < 0.06


@pytest.mark.parametrize("kind", ["TTA", "IMA ADPCM in WAV"])
def test_what_cannot_be_decoded_has_its_time_where_no_clock_tells_it(
    kind: str, tmp_path: Path
) -> None:
    """Words behind it came as much earlier as was lost."""
    sound, path = signal(20.0), tmp_path / "recording"
    if kind == "TTA":
        encode(sound, path, "tta")
    else:
        soundfile.write(path, sound, RATE, format="WAV", subtype="IMA_ADPCM")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    length = len(data) // 8
    data[middle : middle + length] = np.random.default_rng(1).bytes(length)
    path.write_bytes(data)
    with decode(path) as audio:
        decoded = samples_of(audio)
    assert abs(lag_s(decoded[-5 * RATE :], sound[-5 * RATE :])) < 0.06
    # A gap of less than 0.2 s is in the times alone.
    assert audio.clock.heard_s(len(decoded)) == pytest.approx(20.0, abs=0.1)
    assert audio.report.damaged_s is not None and audio.report.damaged_s > 1.0
