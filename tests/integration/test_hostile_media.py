"""What strangers may send: each file ends soon, in sound or in an error that says what to do.

Catalogue 30-32: files that refer to others, bombs and lies, and 200 damaged ones.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

from shared.errors import (
    AudioTooLong,
    DecodeTimeout,
    LongscribeError,
    NoAudio,
    PermanentError,
    UnsupportedMedia,
    WorkerLost,
)
from tests.media import KINDS, RATE, encode
from tests.media import signal as sound
from worker.decode import DecodeLimits, decode
from worker.decoding import media

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3600 * RATE
SOON_S = 5.0


def decoded_samples(path: Path, **limits: float) -> int:
    with decode(path, limits=DecodeLimits(**limits)) as audio:  # type: ignore[arg-type]
        return sum(len(block) for block in audio)


# --- files that refer to other files or addresses ----------------------------------------------


class Listener:
    """A server on the loopback interface that counts who connects."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    yield server
    server.close()


class OpenWatch:
    """The kernel's word (inotify) on whether anybody opened a file."""

    _IN_OPEN = 0x20

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert libc.inotify_add_watch(self._descriptor, os.fsencode(path), self._IN_OPEN) > 0

    def was_opened(self) -> bool:
        try:
            return bool(os.read(self._descriptor, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self._descriptor)


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[tuple[Path, OpenWatch]]:
    """Another job's recording in the same folder, watched."""
    path = encode(sound(1.0), tmp_path / "neighbour.wav", "wav")
    watch = OpenWatch(path)
    yield path, watch
    watch.close()


def references(port: int, neighbour: Path) -> dict[str, str]:
    """Files that make a player fetch something, by what they are."""
    url = f"http://127.0.0.1:{port}/a.wav"
    playlist = (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    )
    return {
        "hls over http": playlist.format(url),
        "hls of a file": playlist.format(neighbour),
        "hls of a neighbour": playlist.format(neighbour.name),
        "hls key": playlist.format(url).replace(
            "#EXTINF", f'#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF'
        ),
        "concat of a neighbour": f"ffconcat version 1.0\nfile '{neighbour.name}'\n",
        "concat of a path": f"ffconcat version 1.0\nfile 'file:{neighbour}'\n",
        "concat over http": f"ffconcat version 1.0\nfile '{url}'\n",
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=audio {port} RTP/AVP 0\n",
        "rtsp": f"<ASX><Entry><Ref href='rtsp://127.0.0.1:{port}/x'/></Entry></ASX>",
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
        'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static" '
        'mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="audio/mp4">'
        f'<Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>",
        "xspf": f"<playlist><trackList><track><location>{url}</location></track></trackList>"
        "</playlist>",
        "pls": f"[playlist]\nFile1={url}\nNumberOfEntries=1\n",
        "image sequence": "frame%03d.png",
    }


REFERENCES = list(references(0, Path("x")))


@pytest.mark.parametrize("what", REFERENCES)
def test_a_file_that_refers_to_others_is_refused_and_nothing_is_fetched(
    what: str, tmp_path: Path, listener: Listener, neighbour: tuple[Path, OpenWatch]
) -> None:
    path = tmp_path / "recording.mp3"
    path.write_text(references(listener.port, neighbour[0])[what])
    began = time.monotonic()
    with pytest.raises(UnsupportedMedia), decode(path):
        pass
    assert time.monotonic() - began < SOON_S
    assert listener.connections == 0
    assert not neighbour[1].was_opened()


@pytest.mark.parametrize("what", REFERENCES)
def test_the_whitelists_alone_refuse_it_where_the_kernel_has_no_filter(
    what: str, tmp_path: Path, listener: Listener, neighbour: tuple[Path, OpenWatch]
) -> None:
    path = tmp_path / "recording"
    path.write_text(references(listener.port, neighbour[0])[what])
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with pytest.raises((av.FFmpegError, media.NothingDecoded)):
            media.open_recording(descriptor)
    finally:
        os.close(descriptor)
    assert listener.connections == 0
    assert not neighbour[1].was_opened()


def test_the_same_files_do_reach_out_when_nothing_is_forbidden(
    tmp_path: Path, listener: Listener, neighbour: tuple[Path, OpenWatch]
) -> None:
    """So the tests above would notice: this is what a misspelt option would let through."""
    files = references(listener.port, neighbour[0])
    path = tmp_path / "recording.m3u8"
    path.write_text(files["hls over http"])
    with pytest.raises(av.FFmpegError), path.open("rb") as file:
        av.open(file)
    path.write_text(files["concat of a neighbour"])
    with av.open(str(path)):
        pass
    assert listener.connections > 0
    assert neighbour[1].was_opened()


def test_a_movie_whose_samples_lie_in_another_file_does_not_open_it(
    tmp_path: Path, neighbour: tuple[Path, OpenWatch]
) -> None:
    """QuickTime data references (`dref`): the table points to the neighbour by an alias."""
    data = encode(sound(1.0), tmp_path / "whole", "mov").read_bytes()
    name = neighbour[0].name.encode()
    reference = struct.pack(">I4sI", 12 + len(name), b"alis", 0) + name
    plain = struct.pack(">I4sI", 12, b"url ", 1)
    assert plain in data or b"alis" in data
    path = tmp_path / "recording"
    path.write_bytes(data.replace(plain, reference))
    with contextlib.suppress(PermanentError):
        decoded_samples(path)
    assert not neighbour[1].was_opened()


# --- the guard itself --------------------------------------------------------------------------

PROBE = """
import ctypes, errno, json, os, resource, socket, sys
from worker.decoding import guard, seccomp
guard.die_with_parent(os.getppid())
guard.limit_resources(1 << 30, 5)
attempts = {
    "socket": lambda: socket.socket(),
    "connect": lambda: existing.connect(("127.0.0.1", 9)),
    "open": lambda: open("/etc/hostname"),
    "write a file": lambda: open(sys.argv[1], "w"),
    "listdir": lambda: os.listdir("/"),
    "unlink": lambda: os.unlink(sys.argv[2]),
    "rename": lambda: os.rename(sys.argv[2], sys.argv[1]),
    "chmod": lambda: os.chmod(sys.argv[2], 0),
    "execve": lambda: os.execv("/bin/true", ["true"]),
    "fork": lambda: os.fork(),
    "kill": lambda: os.kill(os.getppid(), 0),
    "raise limits": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (999, 999)),
    "readlink": lambda: os.readlink("/proc/self/exe"),
}
existing = socket.socket()
seccomp.confine()
outcome = {}
for name, attempt in attempts.items():
    try:
        attempt()
        outcome[name] = "allowed"
    except (OSError, ValueError) as error:
        outcome[name] = errno.errorcode.get(getattr(error, "errno", None), str(error))
os.write(1, json.dumps(outcome).encode())
"""


def test_a_confined_process_can_open_connect_start_and_signal_nothing(tmp_path: Path) -> None:
    victim = tmp_path / "another job"
    victim.write_text("precious")
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path / "new"), str(victim)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=20,
    )
    outcome = json.loads(done.stdout)
    refused_by_python = outcome.pop("raise limits")
    assert set(outcome.values()) == {"EPERM"}, outcome
    assert refused_by_python != "allowed"
    assert victim.read_text() == "precious"


def test_the_child_says_that_it_is_confined_and_is(tmp_path: Path) -> None:
    with decode(encode(sound(60.0), tmp_path / "recording", "wav")) as audio:
        status = Path(f"/proc/{audio.pid}/status").read_text()
        limits = Path(f"/proc/{audio.pid}/limits").read_text()
        environment = Path(f"/proc/{audio.pid}/environ").read_bytes()
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status
    assert "Max core file size        0                    0" in limits
    assert f"Max address space         {1 << 30}           {1 << 30}" in limits
    assert {part.split(b"=")[0] for part in environment.split(b"\0") if part} == {
        b"PYTHONPATH",
        b"LC_ALL",
    }


def test_killing_the_worker_takes_the_decoder_along(tmp_path: Path) -> None:
    path = long_wav(tmp_path / "recording", hours=1)
    worker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\nfrom pathlib import Path\nfrom worker.decode import decode\n"
            "with decode(Path(sys.argv[1])) as audio:\n"
            "    next(audio); print(audio.pid, flush=True); time.sleep(60)",
            str(path),
        ],
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    with worker.stdout:
        child = int(worker.stdout.readline())
        assert is_running(child)
        worker.kill()
        worker.wait()
    assert ends_within(child, 2.0)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # Whoever adopts orphans here may take its time to reap them.
    return state != "Z"


def ends_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def test_leaving_early_kills_the_child_and_leaks_nothing(tmp_path: Path) -> None:
    path = long_wav(tmp_path / "recording", hours=1)
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with decode(path) as audio:
            next(audio)
            began = time.monotonic()
        assert time.monotonic() - began < 0.5
        assert not Path(f"/proc/{audio.pid}").exists()
        assert list(audio) == []
    for broken in (b"", b"garbage" * 1000):
        path.write_bytes(broken)
        with pytest.raises(LongscribeError):
            decoded_samples(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_decoder_killed_from_outside_is_not_the_recordings_fault(tmp_path: Path) -> None:
    with (
        pytest.raises(WorkerLost),
        decode(long_wav(tmp_path / "recording", hours=1)) as audio,
    ):
        next(audio)
        os.kill(audio.pid, signal.SIGKILL)
        list(audio)


# --- bombs, lies and endless things ------------------------------------------------------------


def wav_header(claimed_bytes: int) -> bytes:
    layout = struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    size = struct.pack("<I", min(claimed_bytes + 36, 0xFFFFFFFF))
    return b"RIFF" + size + b"WAVEfmt " + layout + b"data" + struct.pack("<I", claimed_bytes)


def long_wav(path: Path, hours: int) -> Path:
    """Hours of silence that take no room on disk: the file is sparse."""
    size = hours * HOUR * 2
    with path.open("wb") as file:
        file.write(wav_header(size))
        file.truncate(44 + size)
    return path


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
from worker.decode import decode
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
    """Three seconds of sound whose header says ten hours, or one second, are what they are."""
    path = tmp_path / "recording"
    path.write_bytes(wav_header(claimed_s * RATE * 2) + sound(3.0).tobytes())
    samples = decoded_samples(path, max_audio_s=10)
    assert samples <= 3 * RATE
    assert samples == (RATE if claimed_s == 1 else 3 * RATE)


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
    began = time.monotonic()
    with pytest.raises(DecodeTimeout):
        decoded_samples(path, cpu_s=1.0, cpu_s_per_audio_s=0.0)
    assert time.monotonic() - began < 2 * SOON_S


def test_waiting_is_bounded_by_what_was_decoded(tmp_path: Path) -> None:
    path = lengthy_mp3(tmp_path / "recording")
    began = time.monotonic()
    with pytest.raises(DecodeTimeout):
        decoded_samples(path, wall_s=1.0, wall_s_per_audio_s=1e-6)
    assert time.monotonic() - began < SOON_S


def test_a_decoder_that_hangs_is_stopped(tmp_path: Path) -> None:
    path = long_wav(tmp_path / "recording", hours=1)
    limits = DecodeLimits(stall_s=1.0)
    with pytest.raises(DecodeTimeout), decode(path, limits=limits) as audio:
        next(audio)
        os.kill(audio.pid, signal.SIGSTOP)
        list(audio)
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


# --- files that are no recordings --------------------------------------------------------------


def not_recordings(folder: Path) -> dict[str, bytes]:
    archive = folder / "archive"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.wav", encode(sound(1.0), folder / "a.wav", "wav").read_bytes())
    noise = random.Random(3)
    return {
        "text": b"Minutes of the meeting. Nothing was decided.\n" * 200,
        "chinese text": "会议记录：没有决定任何事情。\n".encode() * 200,
        "html": b"<!doctype html><title>404</title><audio src=http://127.0.0.1:9/x></audio>",
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89",
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
        "zip": archive.read_bytes(),
        "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nhello\n",
        "elf": Path(sys.executable).resolve().read_bytes()[:300_000],
        "zeros": bytes(1 << 20),
        "ones": b"\xff" * (1 << 20),
        "one byte": b"R",
        "wav magic": b"RIFF\xff\xff\xff\xffWAVE",
        "noise": noise.randbytes(1 << 18),
    }


NOT_RECORDINGS = (
    "text|chinese text|html|png|pdf|zip|subtitles|elf|zeros|ones|one byte|wav magic|noise"
)


@pytest.mark.parametrize("what", NOT_RECORDINGS.split("|"))
def test_a_file_that_is_no_recording_is_refused_soon(what: str, tmp_path: Path) -> None:
    path = tmp_path / "recording.mp3"
    path.write_bytes(not_recordings(tmp_path)[what])
    began = time.monotonic()
    with pytest.raises((UnsupportedMedia, NoAudio)) as caught:
        decoded_samples(path)
    assert time.monotonic() - began < SOON_S
    assert "Traceback" not in caught.value.message


def test_an_empty_file_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    path.touch()
    began = time.monotonic()
    with pytest.raises(NoAudio, match="empty"), decode(path):
        pass
    assert time.monotonic() - began < 1.0


def test_a_recording_without_samples_has_no_audio(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(wav_header(0))
    with pytest.raises(NoAudio):
        decoded_samples(path)


def test_a_movie_cut_before_its_table_of_contents_is_refused(tmp_path: Path) -> None:
    path = encode(sound(3.0), tmp_path / "recording", "mp4")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(UnsupportedMedia):
        decoded_samples(path)


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "ogg", "webm", "aac", "amr", "ts"])
def test_a_recording_cut_in_the_middle_gives_its_first_half(kind: str, tmp_path: Path) -> None:
    path = encode(sound(6.0), tmp_path / "recording", kind)
    os.truncate(path, path.stat().st_size // 2)
    assert 2 * RATE < decoded_samples(path) < 4.5 * RATE


# --- 200 damaged files -------------------------------------------------------------------------


def damaged(data: bytes, seed: int) -> bytes:
    """Cut, overwritten, doubled, zeroed: the same for the same seed."""
    chance = random.Random(seed)
    mutant = bytearray(data)
    if chance.random() < 0.3:
        del mutant[chance.randrange(1, len(mutant)) :]
    for _ in range(chance.choice((1, 4, 30))):
        # Headers are where parsers break, so half of the damage goes there.
        reach = min(len(mutant), 400) if chance.random() < 0.5 else len(mutant)
        at = chance.randrange(reach)
        what = chance.randrange(4)
        if what == 0:
            mutant[at] = chance.randrange(256)
        elif what == 1:
            mutant[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        elif what == 2:
            mutant[at : at + 16] = chance.randbytes(16)
        else:
            mutant[at:at] = mutant[at : at + chance.randrange(1, 200)]
    return bytes(mutant)


@pytest.fixture(scope="module")
def whole_recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    return {kind: encode(sound(1.0), folder / kind, kind).read_bytes() for kind in KINDS}


def test_damaged_files_end_in_sound_or_in_an_error_with_a_code(
    tmp_path: Path, whole_recordings: dict[str, bytes]
) -> None:
    """200, over every container. None hangs, none crashes the worker or baffles the child."""
    kinds = list(whole_recordings)
    limits = DecodeLimits(stall_s=10.0, wall_s=10.0)

    def outcome(seed: int) -> str:
        path = tmp_path / f"recording {seed}"
        path.write_bytes(damaged(whole_recordings[kinds[seed % len(kinds)]], seed))
        began = time.monotonic()
        try:
            with decode(path, limits=limits) as audio:
                for block in audio:
                    assert block.dtype == np.int16
        except (UnsupportedMedia, NoAudio, AudioTooLong) as error:
            return error.code
        assert time.monotonic() - began < 2 * SOON_S, f"seed {seed}"
        return "sound"

    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(outcome, range(200)))
    assert {"sound", "unsupported_media"} <= outcomes
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_this_process_kept_its_own_limits() -> None:
    """The guard's limits are the child's alone."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0
    assert "Seccomp:\t2" not in Path("/proc/self/status").read_text()
