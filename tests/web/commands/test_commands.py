"""`longscribe submit`, `get`, `list`, `again` and `cancel`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from flask import Flask
from sqlalchemy import update
from typer.testing import CliRunner

from longscribe_client.connection import Connection
from longscribe_client.errors import ServerUnreachable
from shared import jobs
from shared.cli import main
from shared.cli.remote import commands, session
from shared.db import Database
from shared.export.reports.named_templates import keep_template
from shared.models import LOCAL_OWNER, Fetch
from tests.support import factories
from tests.support.people import an_admin, bearer, quick_hashes
from tests.support.stack import REPOSITORY
from tests.support.web.web_app import database, make_app
from tests.web.commands.conftest import ADDRESS, UNKNOWN, Line, all_names, waiting_by, work_off


def test_a_recording_goes_in_and_its_transcripts_come_out(
    run: Any, wav: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = run("submit", str(wav), "-o", str(out), "--format", "srt,docx", "--numbers", "written")
    assert done.exit_code == 0, done.output
    assert "completed" in done.stdout and str(out / "周会.srt") in done.stdout
    assert sorted(path.name for path in out.iterdir()) == ["周会.docx", "周会.srt"]


def test_without_waiting_it_tells_the_job(run: Any, wav: Path, rows: Database) -> None:
    job = json.loads(run("submit", "--json", str(wav)).stdout)
    assert (job["status"], job["file"]) == ("queued", str(wav))
    listed = json.loads(run("list", "--json").stdout)
    assert listed["id"] == job["id"]
    assert run("cancel", job["id"]).exit_code == 0
    stopped = run("get", job["id"], "--wait")
    assert (stopped.exit_code, "cancelled" in stopped.stdout) == (1, True)
    anew = json.loads(run("again", job["id"], "--speakers", "2", "--json").stdout)
    assert (anew["status"], anew["speakers"]) == ("queued", "2") and anew["id"] != job["id"]
    assert "being transcribed already" in run("again", job["id"]).stderr


def test_a_file_s_name_may_be_no_utf_8(run: Any, tmp_path: Path) -> None:
    recording = tmp_path / os.fsdecode("周会.wav".encode("gbk"))
    recording.write_bytes(b"sound")
    assert run("submit", "--wait", str(recording)).exit_code == 0
    assert json.loads(run("submit", "--json", str(recording)).stdout)["status"] == "queued"


def test_a_terminal_of_another_encoding_is_given_what_it_can_show(run: Any, tmp_path: Path) -> None:
    recording = tmp_path / "周会📁.wav"
    recording.write_bytes(b"sound")
    run("submit", str(recording))
    done = CliRunner(charset="gbk").invoke(main.app, ["list"])
    assert (done.exit_code, done.exception) == (0, None)
    assert "周会?.wav" in done.stdout_bytes.decode("gbk")


def test_a_transcript_is_printed(run: Any, wav: Path, rows: Database) -> None:
    job = json.loads(run("submit", "--json", str(wav)).stdout)
    work_off(rows)
    assert run("get", job["id"], "--format", "txt").stdout == "大家好。\n用GPU吗？\n"
    # No program could tell the one from the other.
    both = run("get", job["id"], "--format", "srt", "--json")
    assert (both.exit_code, both.stdout, "--json prints jobs" in both.stderr) == (2, "", True)


def test_recordings_of_one_name_keep_a_transcript_each(
    run: Any, wav: Path, rows: Database, tmp_path: Path
) -> None:
    other, long = tmp_path / "other" / wav.name, tmp_path / f"{'周' * 84}.ts"
    other.parent.mkdir()
    for path in (other, long):
        path.write_bytes(b"sound")
    sent, got = tmp_path / "sent", tmp_path / "got"
    for _ in range(2):  # what an earlier command wrote is written over
        done = run("submit", str(wav), str(other), str(long), "-o", str(sent), "-f", "docx")
        assert done.exit_code == 0, done.output
    names = ["周会 (2).docx", "周会.docx", f"{'周' * 83}.docx"]
    assert sorted(path.name for path in sent.iterdir()) == sorted(names)
    ids = [json.loads(line)["id"] for line in run("list", "--json").stdout.splitlines()]
    assert run("get", *ids[:3], "-o", str(got), "-f", "docx").exit_code == 0
    assert sorted(path.name for path in got.iterdir()) == sorted(names)
    assert run("get", *ids[:3], "-o", str(got), "--report", "md").exit_code == 0
    assert len(list(got.iterdir())) == 6


def test_where_nothing_can_be_noted_recordings_are_sent_all_the_same(
    run: Any, wav: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    assert run("submit", str(wav)).exit_code == 0
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # an account that only has a number
    assert run("submit", str(wav)).exit_code == 0


def test_a_report_is_printed_or_written_by_the_template_that_is_named(
    run: Any, wav: Path, rows: Database, tmp_path: Path
) -> None:
    keep_template(rows, owner_id=LOCAL_OWNER, name="A: B", content=b"PK {{transcript.text}}")
    job = json.loads(run("submit", "--json", str(wav)).stdout)
    work_off(rows)
    out = tmp_path / "out"
    printed = run("get", job["id"], "--template", "A: B").stdout
    assert run("get", job["id"], "--template", "A: B", "-o", str(out)).exit_code == 0
    assert run("get", job["id"], "--report", "docx", "-o", str(out)).exit_code == 0
    assert (out / f"{wav.stem} A- B.md").read_text() == printed
    assert (out / f"{wav.stem} minutes.docx").read_bytes().startswith(b"PK")
    assert run("get", job["id"], "--template", "none").exit_code == 2


def test_an_address_is_fetched_by_the_server(
    run: Any, app: Flask, rows: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run("submit", "https://example.org/meeting.mp3")
    assert (refused.exit_code, "LONGSCRIBE_URL_INPUT" in refused.output) == (2, True)
    here = app.extensions["longscribe"]
    allowed = here.settings.model_copy(update={"url_input": "on"})
    app.extensions["longscribe"] = replace(here, settings=allowed)
    job = json.loads(run("submit", "--json", "https://example.org/meeting.mp3").stdout)
    assert (job["status"], job["file"]) == ("waiting", "https://example.org/meeting.mp3")
    assert "waiting" in run("get", job["id"]).stdout

    def fetched(_: float) -> None:
        """As a worker would, that fetches and then recognises."""
        with rows.writing() as session:
            session.execute(update(Fetch).values(state="submitted"))
        if not all_names(rows):
            jobs.submit(
                rows,
                owner_id=LOCAL_OWNER,
                blob=factories.a_blob(),
                filename="meeting.mp3",
                job_id=job["id"],
            )
        work_off(rows)

    monkeypatch.setattr(commands, "time", waiting_by(fetched))
    out = tmp_path / "out"
    done = run("get", job["id"], "--wait", "-o", str(out), "--format", "txt")
    assert done.exit_code == 0, done.output
    assert [path.name for path in out.iterdir()] == ["meeting.txt"]
    other = json.loads(run("submit", "--json", "https://example.org/other.mp3").stdout)
    assert "cancelled" in run("cancel", other["id"]).stdout


def test_an_upload_goes_on_where_the_line_broke(run: Any, line: Line, wav: Path) -> None:
    line.breaks = 2
    assert run("submit", str(wav)).exit_code == 0
    assert line.sent == [5000, 2500, 1250]


def test_a_command_that_was_killed_goes_on_when_it_is_run_again(
    run: Any, line: Line, wav: Path, rows: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.breaks = 1000
    first = run("submit", str(wav))
    assert first.exit_code == 2 and "cannot be reached" in first.stderr
    line.breaks = 0
    line.sent.clear()
    assert run("submit", str(wav)).exit_code == 0
    assert sum(line.sent) < 100
    assert all_names(rows) == ["周会.wav"]


def test_what_is_wrong_is_said_in_one_line(run: Any, wav: Path, tmp_path: Path) -> None:
    for args, words in (
        (["submit", str(wav), "--wait", "--format", "pdf"], "no format 'pdf'"),
        (["submit", str(wav), "--wait", "--format", "srt"], "name a folder with -o"),
        (["submit", str(wav), "--model", "nobody's"], "No worker runs the model"),
        (["get", UNKNOWN], "no such job"),
        (["list", "--key-file", str(tmp_path / "none")], "no API key"),
        (["list", "--server", "nowhere"], "no address"),
        (["submit", str(tmp_path)], "that can be read"),
        (["submit", str(wav), "-o", str(wav)], "File exists"),
    ):
        done = run(*args)
        assert done.exit_code == 2, done.output
        assert words in done.stderr and "Traceback" not in done.output


def test_a_key_comes_from_a_file_or_the_environment(
    database_url: str, tmp_path: Path, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quick_hashes():
        app = make_app(database_url, tmp_path / "other", sign_in="required")
        key = bearer(database(app), an_admin(database(app)))["Authorization"].split()[1]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(
        session, "Connection", partial(Connection, transport=httpx2.WSGITransport(app))
    )
    refused = CliRunner().invoke(commands.app, ["submit", str(wav)])
    assert refused.exit_code == 2 and "LONGSCRIBE_API_KEY" in refused.stderr
    (tmp_path / "key").write_text(f"{key}\n")
    given = ["submit", str(wav), "--key-file", str(tmp_path / "key")]
    assert CliRunner().invoke(commands.app, given).exit_code == 0
    assert CliRunner().invoke(commands.app, ["list"], env={"LONGSCRIBE_API_KEY": key}).stdout
    database(app).dispose()


def refuse(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("refused")


def test_a_server_that_is_not_there_is_given_up_after_a_while() -> None:
    server = Connection(ADDRESS, transport=httpx2.MockTransport(refuse), patience_s=0)
    with pytest.raises(ServerUnreachable, match="cannot be reached"):
        server.jobs()


def test_what_is_waited_for_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    away = partial(
        Connection,
        transport=httpx2.MockTransport(refuse),
        sleep=pauses.append,
        monotonic=lambda: sum(pauses),
    )
    monkeypatch.setattr(session, "Connection", away)
    done = CliRunner().invoke(commands.app, ["list"])
    assert done.exit_code == 2 and len(pauses) > 3
    assert done.stderr.count("refused, trying again") == 1


def test_the_commands_need_neither_the_web_nor_the_model() -> None:
    heavy = "{'torch', 'funasr', 'numpy', 'web', 'worker', 'flask', 'celery'}"
    code = f"import sys, shared.cli.remote.commands; print({heavy} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
