"""The decoding child: what it may not do, and that it never outlives its worker."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import (
    LongscribeError,
    WorkerLost,
)
from tests.support.speech.media import decoded_samples, encode, long_wav
from tests.support.speech.media import signal as sound
from tests.support.stack import children, wait_for
from worker.audio.decode import decode

ROOT = Path(__file__).resolve().parents[3]


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
            "import sys, time\nfrom pathlib import Path\nfrom worker.audio.decode import decode\n"
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
    wait_for(lambda: not is_running(child), what="the end of the decoder")


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # Whoever adopts orphans here may take its time to reap them.
    return state != "Z"


def test_leaving_early_kills_the_child_and_leaks_nothing(tmp_path: Path) -> None:
    path = long_wav(tmp_path / "recording", hours=1)
    before = set(children(os.getpid(), with_zombies=True))
    gc.collect()  # what other tests left open would be closed at any time
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with decode(path) as audio:
            next(audio)
            os.kill(audio.pid, signal.SIGSTOP)  # it does not end by itself
        assert not Path(f"/proc/{audio.pid}").exists()
        assert list(audio) == []
    for broken in (b"", b"garbage" * 1000):
        path.write_bytes(broken)
        with pytest.raises(LongscribeError):
            decoded_samples(path)
    assert len(list(Path("/proc/self/fd").iterdir())) <= descriptors
    assert set(children(os.getpid(), with_zombies=True)) <= before


def test_a_decoder_killed_from_outside_is_not_the_recordings_fault(tmp_path: Path) -> None:
    with (
        pytest.raises(WorkerLost),
        decode(long_wav(tmp_path / "recording", hours=1)) as audio,
    ):
        next(audio)
        os.kill(audio.pid, signal.SIGKILL)
        list(audio)
