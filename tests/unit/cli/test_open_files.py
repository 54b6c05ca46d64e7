"""A machine or container that lets a process open next to no files."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from tests.support.stack import REPOSITORY
from web.serving import connection_loop


@pytest.mark.parametrize(
    "command",
    [
        ["shared.cli", "serve"],
        ["gunicorn", "-c", "python:web.gunicorn_settings", "web.app:create_app()"],
        ["celery", "-A", "worker.app", "worker"],
    ],
    ids=lambda command: command[0],
)
def test_what_cannot_work_says_so_and_does_not_start(command: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=REPOSITORY,
        env={**os.environ, "LONGSCRIBE_DATA_DIR": str(folder)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
        capture_output=True,
        text=True,
    )
    assert done.returncode in (1, 2)
    [told] = [line for line in done.stderr.splitlines() if "open at once" in line]
    assert told.startswith("This process may have 40 files open at once, and needs 256")
    assert "Traceback" not in done.stderr and not folder.exists()


def test_where_few_may_be_opened_answering_has_half_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connections = []
    config = Config()
    config.set("worker_connections", 2000)
    for allowed in (300, 1024, 4096):
        monkeypatch.setattr(connection_loop, "allow_open_files", lambda _, most=allowed: most)
        worker = connection_loop.PatientWorker(1, 1, [], None, 60, config, Logger(config))
        worker._limit_connections()
        connections.append(worker.worker_connections)
    assert connections == [150, 512, 2000]
