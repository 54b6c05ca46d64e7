"""A model that cannot be used, as the worker's process and `longscribe serve` tell of it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Stack, hold_port, running, start
from worker import demo_model

NO_MODEL_STATUS = 2


@pytest.fixture
def cut_short(tmp_path: Path) -> Path:
    """The bundled networks, the recogniser's parameters cut as a broken download leaves them."""
    folder = tmp_path / "my-model"
    for source in (demo_model.ASR_DIR, demo_model.VAD_DIR, demo_model.PUNC_DIR):
        shutil.copytree(source, folder / source.name)
    with (folder / "asr" / "model.pt").open("rb+") as file:
        file.truncate(1_000_000)
    return folder


@pytest.fixture
def sqlite_stack(tmp_path: Path, sqlite_url: str) -> Iterator[Stack]:
    with running(Stack(tmp_path / "stack", sqlite_url)) as installation:
        installation.start_redis()
        yield installation


def test_a_worker_says_once_what_is_wrong_and_ends_with_a_status(
    sqlite_stack: Stack, cut_short: Path
) -> None:
    worker = sqlite_stack.start_worker(
        LONGSCRIBE_MODEL=str(cut_short),
        LONGSCRIBE_LOG_FORMAT="json",
        LONGSCRIBE_WORKER_CONCURRENCY="2",
    )
    assert worker.process.wait(240) == NO_MODEL_STATUS, worker.log
    events = [json.loads(line) for line in worker.log.splitlines() if line.startswith("{")]
    [told] = [event for event in events if event["level"] in ("error", "critical")]
    assert told["event"] == "model unavailable"
    for part in (str(cut_short / "asr"), "model.pt", "Copy the whole folder again"):
        assert part in told["message"]
    assert "Traceback" not in worker.log


def test_serve_gives_the_reason_in_one_line_and_ends_with_a_status(
    tmp_path: Path, cut_short: Path
) -> None:
    environment = {
        **Stack(tmp_path / "stack", "").environment,
        "LONGSCRIBE_PORT": str(hold_port()),
        "LONGSCRIBE_REDIS_URL": "",
        "LONGSCRIBE_MODEL": str(cut_short),
    }
    serve = start(
        [sys.executable, "-m", "shared.cli", "serve"],
        env=environment,
        log_path=tmp_path / "serve.log",
    )
    assert serve.process.wait(240) == NO_MODEL_STATUS, serve.log
    told = [line for line in serve.log.splitlines() if str(cut_short) in line]
    assert len(told) == 1, serve.log
    assert "model.pt" in told[0] and "Copy the whole folder again" in told[0]
    assert serve.log.splitlines()[-1] == told[0]
    assert "Traceback" not in serve.log
