"""What several jobs at once gain on this machine: the same recordings, one and two at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import migrations
from shared.states import JobStatus
from tests.bench.measuring.memory import MB, PeakResident, process_tree
from tests.support.speech.demo_speech import meeting
from tests.support.speech.media import encode
from tests.support.stack import Stack, running, wait_for
from tests.support.stack_without_http import Installation

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

RECORDINGS = 4
HOURS = 1
KIND = "m4a"
AT_ONCE = (1, 2)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    url = f"sqlite:///{tmp_path / 'longscribe.db'}"
    migrations.upgrade(url)
    with running(Stack(tmp_path / "stack", url)) as made:
        made.start_redis()
        yield made


def cpu_seconds(pid: int) -> float:
    """Of a process, its descendants, and those of theirs that have ended."""
    ticks = 0
    for member in process_tree(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def test_recordings_one_and_two_at_a_time(stack: Stack, tmp_path: Path) -> None:
    recordings = [
        encode(meeting(HOURS * 3600, seed).samples, tmp_path / f"{seed}.{KIND}", KIND).read_bytes()
        for seed in range(41, 41 + RECORDINGS)
    ]
    installation = Installation(stack)
    texts, walls = {}, {}
    for at_once in AT_ONCE:
        worker = stack.start_worker(f"of-{at_once}", LONGSCRIBE_WORKER_CONCURRENCY=str(at_once))
        wait_for(
            lambda w=worker, n=at_once: w.log.count("model loaded") == n, seconds=300, what="models"
        )
        cpu_before, load = cpu_seconds(worker.pid), os.getloadavg()[0]
        with PeakResident(worker.pid) as memory:
            started = time.monotonic()
            job_ids = [installation.submit(recording) for recording in recordings]
            for job_id in job_ids:
                ended = installation.wait_until_over(job_id, seconds=3000)
                assert ended == JobStatus.COMPLETED, worker.log
            wall = walls[at_once] = time.monotonic() - started
        cpu = cpu_seconds(worker.pid) - cpu_before
        texts[at_once] = [installation.transcript(job_id).text for job_id in job_ids]
        hours = RECORDINGS * HOURS
        peak = sum(memory.bytes_of.values()) / MB
        print(
            f"\n{at_once} at once: {RECORDINGS} recordings of {HOURS} h as {KIND} in {wall:.1f} s "
            f"({hours * 3600 / wall:.0f}x real time), {cpu:.1f} CPU s ({cpu / hours:.1f} an hour); "
            f"{peak:.0f} MB resident, the peaks of all processes added up; "
            f"load average before: {load:.1f} on {os.cpu_count()} cores"
        )
        worker.stop()
    print(f"two at once take {walls[2] / walls[1]:.2f} of the time of one after the other")
    assert texts[1] == texts[2]
