"""Which messages a worker lets in, and how soon it looks for Redis again."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from kombu.transport.memory import Channel

from shared.celery_doorbell import QUEUE, TRANSCRIBE_NEXT, make_celery, ring
from shared.settings import Settings
from worker.supervision.doorbell_filter import is_doorbell


def doorbell(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """One that the web server has rung, as it arrives."""
    celery = make_celery(Settings(redis_url="redis://127.0.0.1:1"))  # type: ignore[arg-type]
    celery.conf.broker_url = "memory://"
    sent: list[dict[str, Any]] = []

    def put(channel: Channel, queue: str, message: dict[str, Any], **_: Any) -> None:
        assert queue == QUEUE
        sent.append(json.loads(json.dumps(message)))

    monkeypatch.setattr(Channel, "_put", put)
    assert ring(celery, "a-job")
    return sent[0]


def body(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def test_a_doorbell_that_was_rung_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_doorbell(doorbell(monkeypatch))


@pytest.mark.parametrize(
    "changed",
    [
        {"body": None},
        {"body": "%%%"},
        {"body": body({"args": []})},
        {"body": body([["a"], {}])},
        {"body": base64.b64encode(b"[" * 50_000).decode()},
        {"body": base64.b64encode(b"\x80\x04]\x94.").decode()},
        {"body": body([["a" * 70_000], {}, {}])},
        {"content-type": "application/x-python-serialize"},
        {"content-encoding": "binary"},
        {"headers": None},
        {"headers": {"task": TRANSCRIBE_NEXT}},
        {"headers": {"task": "celery.backend_cleanup", "id": "1"}},
        {"headers": {"task": ["a"], "id": "1"}},
        {"properties": None},
        {"properties": {"body_encoding": "base64"}},
    ],
    ids=str,
)
def test_what_lacks_anything_of_a_doorbell_is_none(
    changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_doorbell(doorbell(monkeypatch) | changed)


@pytest.mark.parametrize("item", [None, [], 3, "text", {}])
def test_what_is_no_object_is_no_doorbell(item: object) -> None:
    assert not is_doorbell(item)


def test_redis_that_is_gone_is_looked_for_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("kombu.utils.functional.sleep", lambda seconds: None)
    nobody = f"redis+socket://{tmp_path / 'nobody.sock'}"
    pauses: list[float] = []

    class Enough(Exception):
        pass

    def note(error: Exception, pause_s: float) -> None:
        pauses.append(pause_s)
        if len(pauses) == 20:
            raise Enough

    celery = make_celery(Settings(redis_url=nobody))  # type: ignore[arg-type]
    with celery.connection_for_read() as connection, pytest.raises(Enough):
        connection.ensure_connection(note)
    assert max(pauses) == pauses[-1] <= 4
