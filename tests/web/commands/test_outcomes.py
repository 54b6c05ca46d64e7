"""What a command tells of each file or job, and its exit status."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
import typer
from typer.testing import CliRunner

from longscribe_client.connection import Connection
from shared.cli import main
from shared.cli.remote import commands, session
from shared.db import Database
from tests.support.stack import REPOSITORY
from tests.web.commands.conftest import ADDRESS, UNKNOWN, Line, all_names, waiting_by, work_off


def test_what_is_wrong_with_one_holds_up_no_other(
    run: Any, wav: Path, rows: Database, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    done = run("submit", "--json", str(empty), str(wav), str(wav))
    assert done.exit_code == 2 and "is empty" in done.stderr
    [job] = map(json.loads, done.stdout.splitlines())
    assert (job["file"], all_names(rows)) == (str(wav), [wav.name])
    done = run("cancel", UNKNOWN, job["id"], "--json")
    assert done.exit_code == 2 and f"{UNKNOWN}: " in done.stderr
    assert json.loads(done.stdout)["status"] == "cancelled"
    found = run("get", "0199...", job["id"])
    assert found.stdout.startswith(job["id"]) and "'0199...' is no id of a job" in found.stderr
    # What is wrong with the options is wrong for all of them, which are not sent for nothing.
    done = run("submit", str(wav), str(tmp_path / "empty.wav"), "--speakers", "many")
    assert done.exit_code == 2 and "speakers" in done.stderr and "empty" not in done.stderr


def test_what_was_submitted_is_told_whatever_breaks_off_afterwards(
    run: Any, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "time", waiting_by(interrupted))
    done = run("submit", "--wait", "--json", str(wav))
    assert (done.exit_code, json.loads(done.stdout)["status"]) == (130, "queued")


def test_a_transcript_that_is_not_there_is_told_by_the_exit_status(
    run: Any, wav: Path, rows: Database, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"noise")
    ids = [json.loads(run("submit", "--json", str(one)).stdout)["id"] for one in (wav, bad)]
    waiting = run("get", *ids, "--format", "txt")
    assert (waiting.exit_code, waiting.stdout, waiting.stderr.count("queued")) == (3, "", 2)
    work_off(rows)
    failed = run("get", *ids, "--format", "txt", "--wait")
    assert (failed.exit_code, failed.stdout) == (1, "大家好。\n用GPU吗？\n")
    assert "cannot be read as audio" in failed.stderr


def test_what_nobody_reads_any_more_ends_in_silence() -> None:
    code = f"""
import functools, httpx2
from longscribe_client.connection import Connection
from shared.cli.remote import commands, session
page = dict(jobs=[dict(id="1", status="queued", filename="a")] * 2, next_cursor=None)
line = httpx2.MockTransport(lambda _: httpx2.Response(200, json=page))
session.Connection = functools.partial(Connection, transport=line)
commands.app(["list", "--server", "{ADDRESS}"])
"""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (130, b"")


def test_an_upload_that_was_refused_as_a_job_is_not_sent_again(
    run: Any, line: Line, wav: Path
) -> None:
    assert run("submit", str(wav), "--speakers", "many").exit_code == 2
    assert run("submit", str(wav), "--speakers", "2").exit_code == 0
    assert line.sent == [5000]


def test_the_program_passes_on_what_its_commands_are_given(run: Any, tmp_path: Path) -> None:
    assert {one.name or one.callback.__name__ for one in commands.app.registered_commands} <= set(  # type: ignore[union-attr]
        typer.main.get_command(main.app).commands  # type: ignore[attr-defined]
    )
    recording = tmp_path / "-x.wav"
    recording.write_bytes(b"sound")
    with contextlib.chdir(tmp_path):
        done = CliRunner().invoke(main.app, ["submit", "--json", "--", "-x.wav"])
    assert json.loads(done.stdout)["file"] == "-x.wav"


def test_a_job_that_fails_is_told_by_the_exit_status(run: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"noise")
    failed = run("submit", "--wait", str(bad))
    assert failed.exit_code == 1
    assert "cannot be read as audio" in failed.stdout


def test_what_takes_too_long_has_a_status_of_its_own(
    run: Any, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "time", waiting_by(lambda _: None))
    assert run("submit", "--wait", "--timeout", "0.01", str(wav)).exit_code == 3


@pytest.mark.parametrize(("answers", "status"), [(0, 2), (1, 3)])
def test_the_time_to_wait_holds_while_the_server_is_away(
    monkeypatch: pytest.MonkeyPatch, answers: int, status: int
) -> None:
    left, pauses = [{"id": UNKNOWN, "status": "queued", "filename": "a", "progress": 0}], [0.0]
    del left[answers:]

    def answer(request: httpx2.Request) -> httpx2.Response:
        if not left:
            raise httpx2.ConnectError("refused")
        return httpx2.Response(200, json=left.pop())

    clock = SimpleNamespace(sleep=pauses.append, monotonic=lambda: sum(pauses))
    away = partial(Connection, transport=httpx2.MockTransport(answer), **vars(clock))
    monkeypatch.setattr(session, "Connection", away)
    monkeypatch.setattr(commands, "time", clock)
    done = CliRunner().invoke(commands.app, ["get", UNKNOWN, "--wait", "--timeout", "4"])
    assert (done.exit_code, sum(pauses)) == (status, pytest.approx(4, abs=1))
