"""How much memory a long recording and a large upload take."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

import migrations
from shared.models import Attempt
from shared.states import JobStatus
from tests.bench.measuring.memory import MB, PeakResident, process_tree, resident_bytes
from tests.support import factories
from tests.support.speech.demo_speech import character_error_rate, meeting
from tests.support.stack import Stack, running, wait_for
from tests.support.stack_without_http import Installation, as_wav, model_process

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

HOURS = (1, 3, 6)
"""Transcribed one after the other by the same worker."""
WORKER_LIMIT = 300e6
"""Most bytes that a worker may take over what the loaded model takes."""
GROWTH_LIMIT = 1.10
"""Largest ratio of the worker's memory for the longest recording to that for the shortest."""
WEB_LIMIT = 150e6
LARGE_UPLOAD_BYTES = 300 * 10**6


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    url = f"sqlite:///{tmp_path / 'longscribe.db'}"
    migrations.upgrade(url)
    with running(Stack(tmp_path / "stack", url)) as made:
        made.start_redis()
        yield made


def test_memory_does_not_grow_with_the_recording(stack: Stack, tmp_path: Path) -> None:
    worker = stack.start_worker()
    web = stack.start_web()
    wait_for(lambda: "model loaded" in worker.log, seconds=120, what="the model")
    child = model_process(worker.pid)
    loaded, parent_loaded = resident_bytes(child), resident_bytes(worker.pid)
    installation = Installation(stack)
    used: dict[int, int] = {}
    web_peaks = []
    for hours in HOURS:
        with PeakResident(worker.pid) as of_worker, PeakResident(web.pid) as of_web:
            how_it_went = _transcribe(installation, hours, tmp_path)
        used[hours] = of_worker.bytes_of[child]
        web_peaks.append(max(of_web.bytes_of.values()))
        print(
            f"\n{hours} h recording, bundled model: {how_it_went}"
            f"\n  the worker's child: {loaded / MB:.0f} MB loaded, "
            f"+{(used[hours] - loaded) / MB:.0f} MB at the peak (limit {WORKER_LIMIT / MB:.0f}); "
            f"its parent: {parent_loaded / MB:.0f} MB, "
            f"+{(of_worker.bytes_of[worker.pid] - parent_loaded) / MB:.0f} MB"
            f"\n  web: {web_peaks[-1] / MB:.0f} MB at the peak (limit {WEB_LIMIT / MB:.0f})"
        )
    shortest, *_, longest = used.values()
    print(f"{HOURS[-1]} h over {HOURS[0]} h: {longest / shortest:.3f} (at most {GROWTH_LIMIT})")
    assert max(used.values()) - loaded <= WORKER_LIMIT
    assert longest <= GROWTH_LIMIT * shortest
    assert max(web_peaks) <= WEB_LIMIT


def _transcribe(installation: Installation, hours: int, folder: Path) -> str:
    """Upload a meeting of so many hours, wait for its transcript, and say how it went."""
    said = meeting(hours * 3600)
    recording = folder / f"{hours}.wav"
    recording.write_bytes(as_wav(said.samples))
    url = f"{installation.stack.url}/api/v1/jobs"
    started = time.monotonic()
    with recording.open("rb") as file:
        answer = requests.post(
            url,
            data=_multipart(file),
            headers={"Content-Type": "multipart/form-data; boundary=longscribe"},
            timeout=600,
        )
    job_id = answer.json()["id"]
    submitted = time.monotonic() - started
    wait_for(lambda: _batches(installation, job_id), seconds=600, what="the first batch")
    claimed_at = _attempt(installation, job_id).started_at
    first_s = (installation.view(job_id).now - claimed_at).total_seconds()
    assert installation.wait_until_over(job_id, seconds=1500) == JobStatus.COMPLETED
    wall = time.monotonic() - started
    text = requests.get(f"{url}/{job_id}/transcript", timeout=60).text
    recording.unlink()
    return (
        f"upload {submitted:.1f} s, whole job {wall:.1f} s "
        f"({hours * 3600 / wall:.0f}x real time), CER {character_error_rate(said.text, text):.2%}"
        f"\n  first segments committed {first_s:.1f} s after the claim"
        f"\n  batch: {_batch_size(_attempt(installation, job_id))}"
    )


def _batch_size(attempt: Attempt) -> str:
    return (
        f"{attempt.batch_size_s} s, limited by {attempt.limited_by}; the length allows "
        f"{attempt.length_ceiling_s} s, the memory {attempt.memory_cap_s} s"
    )


def _attempt(installation: Installation, job_id: str) -> Attempt:
    return factories.row(installation.db, job_id).attempts[-1]


def _batches(installation: Installation, job_id: str) -> int:
    stats = installation.view(job_id).recognition
    return stats.batches if stats else 0


def test_a_large_upload(stack: Stack) -> None:
    web = stack.start_web()
    requests.get(f"{stack.url}/", timeout=30)
    before = {pid: resident_bytes(pid) for pid in process_tree(web.pid)}
    with PeakResident(web.pid) as of_web:
        started = time.monotonic()
        answer = requests.post(
            f"{stack.url}/api/v1/jobs",
            data=_multipart(_Zeros(LARGE_UPLOAD_BYTES)),
            headers={"Content-Type": "multipart/form-data; boundary=longscribe"},
            timeout=600,
        )
        seconds = time.monotonic() - started
    assert answer.status_code == 202, answer.text
    grown = max(of_web.bytes_of[pid] - size for pid, size in before.items())
    print(
        f"\n{LARGE_UPLOAD_BYTES / MB:.0f} MB upload: {seconds:.1f} s, "
        f"web +{grown / MB:.1f} MB (limit 64)"
    )
    assert grown <= 64 * MB


class _Zeros:
    """A file of zeros that nobody holds in memory."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int) -> bytes:
        size = min(size, self._left)
        self._left -= size
        return bytes(size)


def _multipart(file) -> Iterator[bytes]:  # type: ignore[no-untyped-def]
    """A form's body with one file, as it is read: requests itself would hold the whole of it."""
    yield (
        b"--longscribe\r\n"
        b'Content-Disposition: form-data; name="file"; filename="meeting.wav"\r\n\r\n'
    )
    while block := file.read(1 << 20):
        yield block
    yield b"\r\n--longscribe--\r\n"


def test_the_demo(tmp_path: Path) -> None:
    """`make demo` less the installation."""
    started = time.monotonic()
    demo = subprocess.run(
        [sys.executable, "-m", "shared.cli", "demo"],
        env=os.environ | {"LONGSCRIBE_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.monotonic() - started
    print(f"\n{demo.stdout}\nmake demo: {wall:.1f} s wall (goal: under 60 s on 2 cores)")
    assert demo.returncode == 0, demo.stderr
