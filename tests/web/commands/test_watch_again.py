"""`longscribe watch` where names meet, and where a folder is watched for another server."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import httpx2
import pytest

from longscribe_client.connection import Connection
from shared import jobs
from shared.cli.remote import notes, transcripts
from shared.cli.remote.move_processed import free_name
from shared.cli.remote.watch import FolderWatch
from shared.db import Database
from shared.models import LOCAL_OWNER
from tests.web.commands.conftest import ADDRESS, all_names, lying_in, work_off


def watcher(
    folder: Path, transport: httpx2.BaseTransport, *, key: str | None = None
) -> FolderWatch:
    server = Connection(ADDRESS, key, transport=transport, patience_s=0)
    return FolderWatch(folder, server, formats=["txt"], options={}, settled_s=0)


@pytest.mark.parametrize(
    ("lying", "name", "free"),
    [
        ("Weekly.WAV", "weekly.wav", "weekly (2).wav"),
        ("cafe\u0301.txt", "caf\u00e9.mp3", "caf\u00e9 (2).mp3"),
        ("a.b.txt", "a.wav", "a (2).wav"),
        ("ab.txt", "a.wav", "a.wav"),
    ],
)
def test_names_that_some_file_system_takes_for_one_are_kept_apart(
    tmp_path: Path, lying: str, name: str, free: str
) -> None:
    assert free_name(tmp_path, name, ["txt"], [lying]) == free
    (tmp_path / lying).touch()
    assert free_name(tmp_path, name, ["txt"]) == free


def test_a_name_that_comes_each_day_is_numbered_on(tmp_path: Path) -> None:
    for number in range(1, 500):
        name = free_name(tmp_path, "rec.wav", ["txt"])
        assert name == ("rec.wav" if number == 1 else f"rec ({number}).wav")
        (tmp_path / name).touch()


def test_what_could_not_be_written_yet_keeps_its_name(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.wav", "a.mp3"):
        (inbox / name).write_bytes(name.encode())

    def no_room(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    watch = watcher(inbox, transport)
    with watch.alone():
        watch.look()
        work_off(rows)
        monkeypatch.setattr(transcripts, "write_durably", no_room)
        watch.look()
        assert watch.has_postponed
        monkeypatch.setattr(transcripts, "write_durably", notes.write_durably)
        watch.look()
    assert len(lying_in(inbox / "done")) == 4, "a transcript for each"


def test_a_recording_that_fails_in_the_end_overwrites_no_other_that_did(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "failed").mkdir()
    (inbox / "failed" / "a.wav").write_bytes(b"before")
    (inbox / "a.wav").write_bytes(b"now")
    watch = watcher(inbox, transport)
    with watch.alone():
        watch.look()
        work_off(rows)
        save = transcripts.write_durably

        def deleted_meanwhile(*_: Any) -> None:
            made = jobs.list_jobs(rows, owner_id=LOCAL_OWNER).jobs
            for view in made:
                client = httpx2.Client(transport=transport)
                client.delete(f"{ADDRESS}/api/v1/jobs/{view.job.id}").raise_for_status()
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(transcripts, "write_durably", deleted_meanwhile)
        watch.look()
        monkeypatch.setattr(transcripts, "write_durably", save)
        watch.look()
    assert (inbox / "failed" / "a.wav").read_bytes() == b"before"
    assert (inbox / "failed" / "a (2).wav").read_bytes() == b"now"


def test_another_server_or_account_is_given_what_it_does_not_know(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "a.wav").write_bytes(b"sound")
    first = watcher(inbox, transport)
    with first.alone():
        first.look()
    known = jobs.list_jobs(rows, owner_id=LOCAL_OWNER).jobs[0].job.id

    class Another(httpx2.BaseTransport):
        """A server that has no job of the first one."""

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            if known in str(request.url):
                missing = {"error": {"code": "not_found", "message": "There is no such job."}}
                return httpx2.Response(404, json=missing)
            return transport.handle_request(request)

    same = watcher(inbox, transport, key=None)
    with same.alone():
        same.look()
    assert all_names(rows) == ["a.wav"]
    second = watcher(inbox, Another(), key="ls_another")
    with second.alone():
        second.look()
        work_off(rows)
        second.look()
    assert lying_in(inbox) == ["done"]
    assert lying_in(inbox / "done") == ["a.txt", "a.wav"]


def test_a_file_that_cannot_be_read_begins_nothing_on_the_server(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "a.wav").write_bytes(b"sound")
    asked: list[httpx2.Request] = []

    def denied(path: Path, *_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    class Line(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            asked.append(request)
            return transport.handle_request(request)

    watch = watcher(inbox, Line())
    with watch.alone():
        monkeypatch.setattr(Path, "open", denied)
        watch.look()
        monkeypatch.undo()
        assert (watch.has_postponed, asked) == (True, [])


def test_what_the_watcher_before_noted_last_is_known(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path
) -> None:
    (inbox / "a.wav").write_bytes(b"sound")
    before, next_one = watcher(inbox, transport), watcher(inbox, transport)
    with before.alone():
        before.look()
    with next_one.alone():
        assert not next_one.is_idle
        (inbox / "a.wav").unlink()
        assert not next_one.is_idle, "its transcript is still to be fetched"
