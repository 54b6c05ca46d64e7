"""Truncated, damaged and hostile files through the web server and a real worker with the bundled
model: nothing they point to is touched, and the worker that met them all goes on."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.chaos.machinery.hostile_files import SECRET, hostile_files
from tests.chaos.machinery.promises import breaches
from tests.support.doubles.listener import Listener, listening_to_all
from tests.support.speech.demo_speech import meeting
from tests.support.stack import Stack, wait_for
from tests.support.stack_without_http import Installation, as_wav, model_processes

CODES = {"unsupported_media", "no_audio", "audio_too_long", "decode_timeout"}
"""Codes of errors of files that are at fault themselves."""

LONGEST_S = 900


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening_to_all() as made:
        yield made


def test_the_listener_notices_who_comes(listener: Listener) -> None:
    with socket.create_connection(("127.0.0.1", listener.port)):
        assert listener.visits() == 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", listener.port))
    assert listener.visits() == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("count", "seed"), [(30, 1), pytest.param(200, 2, marks=[pytest.mark.long])]
)
@pytest.mark.timeout(900)
def test_a_worker_survives_files_that_mean_harm(
    stack: Stack, listener: Listener, tmp_path: Path, count: int, seed: int
) -> None:
    stack.env["LONGSCRIBE_MAX_AUDIO_S"] = str(LONGEST_S)
    stack.env["LONGSCRIBE_LEASE_S"] = "60"  # no worker dies here
    stack.start_web()
    worker = stack.start_worker()
    wait_for(lambda: "model loaded" in worker.log, what="the model")
    processes = {worker.pid, *model_processes(worker.pid)}
    api = f"{stack.url}/api/v1/jobs"
    files = hostile_files(count, seed, tmp_path, listener.port)
    assert len(files) == count
    begun = time.monotonic()
    accepted: dict[str, str] = {}
    with requests.Session() as session:
        for file in files:
            answer = session.post(api, files={"file": (file.name, file.content)}, timeout=60)
            assert answer.status_code == 202, (file.name, answer.text)
            accepted[answer.json()["id"]] = file.name
        ended: Counter[str] = Counter()
        for job_id, name in accepted.items():
            job = _ended(session, f"{api}/{job_id}")
            told = str(job)
            if job["status"] == "completed":
                told += session.get(f"{api}/{job_id}/transcript?format=json", timeout=60).text
                ended["completed"] += 1
            else:
                assert job["error"]["code"] in CODES, (name, job)
                ended[job["error"]["code"]] += 1
            assert SECRET not in told and "root:" not in told and "Traceback" not in told, name
        said = meeting(20)
        good = session.post(api, files={"file": ("good.wav", as_wav(said.samples))}, timeout=60)
        job = _ended(session, f"{api}/{good.json()['id']}")
        assert job["status"] == "completed", worker.log
    print(f"\n{count} files in {time.monotonic() - begun:.0f} s: {dict(ended)}")
    assert listener.visits() == 0
    assert processes == {worker.pid, *model_processes(worker.pid)}, worker.log
    installation = Installation(stack)
    assert breaches(installation.db) == []
    installation.db.dispose()
    work = stack.folder / "data" / "work"
    assert not list(work.iterdir())


def _ended(session: requests.Session, url: str) -> dict[str, object] | dict[str, dict[str, str]]:
    def over() -> dict[str, object] | None:
        job = session.get(url, timeout=60).json()
        return job if job["status"] in ("completed", "failed") else None

    return wait_for(over, seconds=180, what=url)
