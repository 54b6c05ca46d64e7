"""Bombs, lies and endless things: each ends at a limit, in bounded memory."""

from __future__ import annotations

import os
import resource
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from shared.errors import (
    AudioTooLong,
    DecodeTimeout,
    UnsupportedMedia,
)
from tests.support.speech.media import RATE, decoded_samples, encode, long_wav, wav_header
from tests.support.speech.media import signal as sound
from worker.audio.decode import Abandoned, DecodedAudio, DecodeLimits, decode

ROOT = Path(__file__).resolve().parents[3]
HOUR = 3600 * RATE
SOON_S = 50.0
"""Seconds, less than those for which a decoder may be silent, and a hundred times what it takes."""


def test_an_hour_passes_through_bounded_memory(tmp_path: Path) -> None:
    """115 MB of samples, and neither side ever holds half of that."""
    path = long_wav(tmp_path / "recording", hours=1)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_PROBE, str(path)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    samples, own_kib, child_kib = map(int, done.stdout.split())
    assert samples == HOUR
    assert own_kib < 48 << 10
    assert child_kib < 48 << 10


# Not getrusage: its peak is inherited from the process that forked, here the tests' own.
MEMORY_PROBE = """
import sys
from pathlib import Path
from worker.audio.decode import decode
def peak_kib(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return max((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), default=0)
with decode(Path(sys.argv[1])) as audio:
    child, samples = 0, 0
    for block in audio:
        samples += len(block)
        if samples % (60 * 16_000) == 0 and samples < 3600 * 16_000:
            child = max(child, peak_kib(audio.pid))
print(samples, peak_kib("self"), child)
"""


def test_a_small_file_that_holds_hours_stops_at_the_cap(tmp_path: Path) -> None:
    path = encode(np.zeros(HOUR // 2, np.int16), tmp_path / "recording", "flac")
    assert path.stat().st_size < 400_000
    with decode(path, limits=DecodeLimits(max_audio_s=600)) as audio:
        assert audio.duration_s == pytest.approx(1800)
        got = 0
        with pytest.raises(AudioTooLong):
            for block in audio:
                got += len(block)
        assert 590 * RATE <= got <= 600 * RATE


@pytest.mark.parametrize("claimed_s", [0, 1, 36_000])
def test_the_headers_length_decides_nothing(tmp_path: Path, claimed_s: int) -> None:
    """Three seconds of sound whose header says ten hours, one second or none are what they are."""
    path = tmp_path / "recording"
    path.write_bytes(wav_header(claimed_s * RATE * 2) + sound(3.0).tobytes())
    assert decoded_samples(path, max_audio_s=10) == 3 * RATE


def test_exactly_the_longest_recording_is_accepted(tmp_path: Path) -> None:
    path = encode(sound(4.0), tmp_path / "recording", "wav")
    assert decoded_samples(path, max_audio_s=4.0) == 4 * RATE
    with pytest.raises(AudioTooLong):
        decoded_samples(path, max_audio_s=4.0 - 1 / RATE)


def test_a_fifo_and_a_device_have_no_end_and_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        with pytest.raises(UnsupportedMedia, match="regular file"), decode(path):
            pass


def test_a_missing_file_is_the_servers_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), decode(tmp_path / "gone"):
        pass


def lengthy_mp3(path: Path) -> Path:
    """Two hours by repetition: 15 processor seconds."""
    half_minute = encode(sound(30.0), path, "mp3").read_bytes()
    path.write_bytes(half_minute * 240)
    return path


def test_processor_time_is_bounded(tmp_path: Path) -> None:
    path = lengthy_mp3(tmp_path / "recording")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with pytest.raises(DecodeTimeout):
        decoded_samples(path, cpu_s=1.0, cpu_s_per_audio_s=0.0)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 5


def limit_from_now(audio: DecodedAudio, **limits: float) -> None:
    """What it took a busy machine to start the decoder is not what is tested."""
    child = audio._running()
    child._limits, child._waited_s = DecodeLimits(**limits), 0.0  # type: ignore[arg-type]


def test_waiting_is_bounded_by_what_was_decoded(tmp_path: Path) -> None:
    path = lengthy_mp3(tmp_path / "recording")
    with decode(path) as audio:
        next(audio)
        # On a busy machine this reader is the slower one, and hardly ever waits by itself.
        os.kill(audio.pid, signal.SIGSTOP)
        # It may be silent for longer than the test may take.
        limit_from_now(audio, wall_s=1.0, wall_s_per_audio_s=1e-6, stall_s=3600.0)
        with pytest.raises(DecodeTimeout):
            list(audio)
    # As long a wait as before is nothing beside what was decoded.
    with decode(path) as audio:
        next(audio)
        os.kill(audio.pid, signal.SIGSTOP)
        limit_from_now(audio, wall_s=1.0, wall_s_per_audio_s=10.0)
        threading.Timer(1.5, os.kill, (audio.pid, signal.SIGCONT)).start()
        assert sum(len(next(audio)) for _ in range(50)) > 160_000  # ten seconds


def test_a_decoder_that_hangs_is_stopped(tmp_path: Path) -> None:
    path = long_wav(tmp_path / "recording", hours=1)
    with decode(path) as audio:
        next(audio)
        os.kill(audio.pid, signal.SIGSTOP)
        limit_from_now(audio, stall_s=1.0, wall_s=3600.0)
        with pytest.raises(DecodeTimeout):
            list(audio)
    assert not Path(f"/proc/{audio.pid}").exists()


def test_a_decoder_that_hangs_is_left_at_once_when_nobody_wants_its_sound(tmp_path: Path) -> None:
    path = long_wav(tmp_path / "recording", hours=1)
    abandoned = threading.Event()
    with pytest.raises(Abandoned), decode(path, abandoned=abandoned) as audio:
        next(audio)
        os.kill(audio.pid, signal.SIGSTOP)
        threading.Timer(0.5, abandoned.set).start()
        list(audio)  # the file's stall limit is a minute
    assert not Path(f"/proc/{audio.pid}").exists()


def test_a_file_that_asks_for_memory_is_refused_and_says_so(tmp_path: Path) -> None:
    """A movie whose table of contents has 60 million entries, all zero (a sparse file)."""
    data = bytearray(encode(sound(1.0), tmp_path / "whole", "m4a").read_bytes())
    at = data.rindex(b"stsz")
    entries = 60_000_000
    extra = entries * 4
    # stsz is made huge, and so is every box around it; what followed it is left behind.
    data[at - 4 : at] = struct.pack(">I", 20 + extra)
    data[at + 12 : at + 16] = struct.pack(">I", entries)
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        around = data.rindex(box, 0, at)
        (size,) = struct.unpack(">I", data[around - 4 : around])
        data[around - 4 : around] = struct.pack(">I", size + extra)
    path = tmp_path / "recording"
    with path.open("wb") as file:
        file.write(data[: at + 16])
        file.truncate(len(data) + extra)
    began = time.monotonic()
    with pytest.raises(UnsupportedMedia, match="256 MiB of memory"):
        decoded_samples(path, memory_bytes=256 << 20)
    assert time.monotonic() - began < SOON_S


def test_a_break_of_hours_passes_through_bounded_memory(tmp_path: Path) -> None:
    """The clock of a recorder goes on for two hours; 230 MB of silence are never held at once."""
    path = encode(sound(6.0), tmp_path / "recording", "mp4", hole=(3.0, 7200.0))
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_PROBE, str(path)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    samples, own_kib, _ = map(int, done.stdout.split())
    assert samples == pytest.approx(7206 * RATE, abs=RATE)
    assert own_kib < 96 << 10
