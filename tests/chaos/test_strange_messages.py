"""What others put into Redis: nothing of it runs, and the worker goes on with its next job.

A message is only a doorbell, so the worst that a strange one may do is to be taken for one.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.celery_doorbell import QUEUE, TRANSCRIBE_NEXT
from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faulty_installation import FaultyInstallation, recording
from tests.chaos.machinery.promises import breaches
from tests.support.stack import Service, wait_for
from tests.support.stack_without_http import model_processes

pytestmark = pytest.mark.usefixtures("long_leases")


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.path}",)


def message(
    body: bytes,
    /,
    *,
    content_type: str = "application/json",
    task: str = TRANSCRIBE_NEXT,
    **more: Any,
) -> bytes:
    """As Kombu lays one into a Redis list."""
    identity = str(uuid.uuid4())
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": {"lang": "py", "task": task, "id": identity, "argsrepr": "()"},
            "properties": {
                "correlation_id": identity,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QUEUE},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
        | more
    ).encode()


def arguments(*args: object, **named: object) -> bytes:
    return json.dumps([args, named, {"callbacks": None}]).encode()


def of_another_version() -> dict[str, bytes]:
    """Doorbells whose task took other arguments, or had another name."""
    return {
        "no arguments": message(arguments()),
        "two arguments": message(arguments("a", 1)),
        "a named argument": message(arguments(job_id="a")),
        "an object": message(arguments({"job_id": "a", "priority": 3})),
        "an unknown task": message(arguments("a"), task="longscribe.transcribe"),
        "Celery's first protocol": message(
            json.dumps({"task": TRANSCRIBE_NEXT, "id": "1", "args": ["a"], "kwargs": {}}).encode(),
            headers={},
        ),
    }


def hostile(trap: Trap) -> dict[str, bytes]:
    """Code for whoever unpickles, under its own name and under others."""
    pickled = pickle.dumps(([trap], {}, {}))
    return {
        "a pickle": message(pickled, content_type="application/x-python-serialize"),
        "a pickle, short name": message(pickled, content_type="pickle"),
        "a pickle said to be JSON": message(pickled),
        "a pickle of unknown type": message(pickled, content_type="application/data"),
        "yaml": message(
            b"!!python/object/apply:os.system ['x']", content_type="application/x-yaml"
        ),
        "a bare pickle": pickled,
        "junk": bytes(range(256)),
        "text": b"hello",
        "an empty message": b"",
        "no object": b"[]",
        "an empty object": b"{}",
        "null": b"null",
        "a body that is no text": b'{"body": 3, "properties": {}, "headers": null}',
        "no delivery tag": message(arguments("a"), properties={"body_encoding": "base64"}),
        "properties of another kind": message(arguments("a"), properties=7),
        "a body that is not base64": message(b"x", body="%%%"),
        "a body that is not JSON": message(b"\xff\xfe{"),
        "a deep body": message(b"[" * 100_000),
        "arguments of another kind": message(b'{"a": 1}'),
        "a long body": message(b"[" + b"1," * 2_000_000 + b"1]"),
    }


@pytest.fixture
def queue(faulty: FaultyInstallation) -> Iterator[redis.Redis]:
    client = redis.Redis(unix_socket_path=str(faulty.stack.folder / "redis" / "redis.sock"))
    yield client
    client.close()


def is_empty(queue: redis.Redis) -> bool:
    return queue.llen(QUEUE) == 0


def ready(faulty: FaultyInstallation, **env: str) -> Service:
    worker = faulty.start_worker(**env)
    wait_for(lambda: "model loaded" in worker.log, what="the model")
    return worker


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_that_others_put_into_the_queue_runs_and_the_worker_goes_on(
    faulty: FaultyInstallation, queue: redis.Redis, tmp_path: Path
) -> None:
    trap = Trap(tmp_path / "sprung")
    pickle.loads(pickle.dumps(trap))
    assert trap.path.exists(), "the trap does not work"
    trap.path.unlink()

    worker = ready(faulty)
    processes = {worker.pid, *model_processes(worker.pid)}
    for what, strange in hostile(trap).items():
        queue.lpush(QUEUE, strange)
        job_id = faulty.submit(recording(spans=1))
        assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, (what, worker.log)
        assert processes == {worker.pid, *model_processes(worker.pid)}, (what, worker.log)
        assert not trap.path.exists(), what
    wait_for(lambda: is_empty(queue), what="the queue to be empty")
    assert breaches(faulty.db) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_strange_messages_that_wait_at_the_start_do_not_keep_a_worker_from_its_jobs(
    faulty: FaultyInstallation, queue: redis.Redis, tmp_path: Path
) -> None:
    trap = Trap(tmp_path / "sprung")
    strange = hostile(trap) | of_another_version()
    for number, content in enumerate(strange.values()):
        queue.lpush(QUEUE, content)
        if number % 5 == 0:
            faulty.submit(recording(spans=1))
    worker = ready(faulty)
    job_id = faulty.submit(recording(spans=1))
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    wait_for(lambda: breaches(faulty.db) == [], what=f"all jobs to end: {breaches(faulty.db)}")
    assert worker.process.poll() is None
    assert not trap.path.exists()
    wait_for(lambda: is_empty(queue), what="the queue to be empty")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_doorbells_of_another_version_wake_the_worker_or_are_dropped(
    faulty: FaultyInstallation, queue: redis.Redis
) -> None:
    waiting = faulty.submit(recording(spans=1), doorbell=False)
    for content in of_another_version().values():
        queue.lpush(QUEUE, content)
    worker = ready(faulty)
    assert faulty.wait_until_over(waiting) == JobStatus.COMPLETED, worker.log
    wait_for(lambda: is_empty(queue), what="the queue to be empty")
    assert faulty.outcomes(waiting) == [(AttemptOutcome.COMPLETED, None)]
    assert breaches(faulty.db) == []
