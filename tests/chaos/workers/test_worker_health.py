"""A worker tells how it is, whatever else is down."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.states import JobStatus
from tests.chaos.machinery.faulty_installation import FaultyInstallation, recording
from tests.support.stack import Service, children, wait_for

pytestmark = pytest.mark.usefixtures("long_leases")


@pytest.fixture
def health_dir(tmp_path: Path) -> Path:
    return tmp_path / "health"


def start(
    faulty: FaultyInstallation, health_dir: Path, name: str = "worker"
) -> tuple[Service, str]:
    """A worker that is ready, and where it answers."""
    worker = faulty.start_worker(name, LONGSCRIBE_HEALTH_DIR=str(health_dir))
    path = health_dir / f"{worker.pid}.json"
    wait_for(path.exists, what="the health file")
    # The monitor may write it before the server has a port.
    return worker, wait_for(lambda: json.loads(path.read_text())["address"], what="an address")


def asked(address: str, path: str = "/readyz") -> tuple[int, dict[str, Any]]:
    answer = requests.get(address + path, timeout=60)
    return answer.status_code, answer.json()


def obstacles(address: str) -> list[str]:
    return [one["code"] for one in asked(address)[1]["obstacles"]]


def test_it_is_alive_and_not_ready_while_redis_is_down(
    faulty: FaultyInstallation, health_dir: Path
) -> None:
    first = faulty.submit(recording(spans=2))
    worker, address = start(faulty, health_dir)
    faulty.wait_until_all_are(JobStatus.COMPLETED, [first])
    wait_for(lambda: asked(address)[0] == 200, what="the worker to be ready")
    assert asked(address, "/healthz") == (200, {"status": "ok", "ills": []})
    assert faulty.stack.redis is not None
    faulty.stack.redis.kill_all()
    wait_for(lambda: obstacles(address) == ["redis_unreachable"], what="Redis to be missed")
    assert asked(address)[0] == 503
    assert asked(address, "/healthz")[0] == 200
    metrics = requests.get(f"{address}/metrics", timeout=60).text
    assert "longscribe_worker_alive 1.0" in metrics
    assert "longscribe_worker_ready 0.0" in metrics
    assert 'longscribe_worker_kept_from_work{obstacle="redis_unreachable"} 1.0' in metrics
    faulty.stack.start_redis()
    wait_for(lambda: asked(address)[0] == 200, what="the worker to be ready again")
    last = faulty.submit(recording(1, spans=2))
    faulty.wait_until_all_are(JobStatus.COMPLETED, [last])
    worker.stop()
    assert list(health_dir.iterdir()) == []


def test_several_on_one_machine_have_a_port_each(
    faulty: FaultyInstallation, health_dir: Path
) -> None:
    addresses = {start(faulty, health_dir, name)[1] for name in ("one", "two")}
    assert len(addresses) == 2
    workers = {asked(address)[1]["worker"] for address in addresses}
    assert len(workers) == 2


def test_a_child_that_dies_makes_it_no_less_alive(
    faulty: FaultyInstallation, health_dir: Path
) -> None:
    first = faulty.submit(recording(spans=2))
    worker, address = start(faulty, health_dir)
    faulty.wait_until_all_are(JobStatus.COMPLETED, [first])
    [child] = [int(pid) for pid in asked(address)[1]["children"]]
    assert child in children(worker.pid)
    os.kill(child, signal.SIGKILL)
    wait_for(
        lambda: (
            set(asked(address)[1]["children"].items()) - {(str(child), "ready")}
            and asked(address)[0] == 200
        ),
        what="a new child",
    )
    assert asked(address, "/healthz")[0] == 200
