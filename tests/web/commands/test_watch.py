"""`longscribe watch`: each file once, wherever it is killed."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from longscribe_client.connection import Connection
from shared.cli.remote import notes, transcripts
from shared.cli.remote import watch as watching
from shared.cli.remote.watch import FolderInUse, FolderWatch, Happened
from shared.db import Database
from tests.web.commands.conftest import ADDRESS, all_names, work_off
from web.uploads import submission


class Killed(BaseException):
    """The process is gone: nothing catches this, and nothing is put in order after it."""


class Steps:
    """Counts the steps that leave a trace outside the process, and kills it at one of them."""

    def __init__(self) -> None:
        self.count = 0
        self.kill_at: int | None = None

    def step(self) -> None:
        self.count += 1
        if self.count == self.kill_at:
            raise Killed

    def around(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def done(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = do(*args, **kwargs)
            self.step()
            return result

        return done


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, transport: httpx2.BaseTransport) -> Steps:
    made = Steps()
    monkeypatch.setattr(submission, "ring", lambda *_: True)  # no Redis is waited for
    for module in (notes, transcripts, watching):
        monkeypatch.setattr(module, "write_durably", made.around(notes.write_durably))
    for name in ("rename", "replace"):
        monkeypatch.setattr(Path, name, made.around(getattr(Path, name)))
    monkeypatch.setattr(transport, "handle_request", made.around(transport.handle_request))
    return made


def look_until_idle(
    folder: Path, transport: httpx2.BaseTransport, rows: Database
) -> list[Happened]:
    """Watch with a process of its own until nothing is left to do; what it told."""
    told: list[Happened] = []
    server = Connection(ADDRESS, transport=transport, sleep=lambda _: None)
    watch = FolderWatch(folder, server, formats=["txt"], options={}, settled_s=0, tell=told.append)
    with watch.alone():
        for _ in range(20):
            watch.look()
            work_off(rows)
            if watch.is_idle:
                return told
    raise AssertionError(told)


def lying_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.mark.parametrize("name", ["周会", "bad"])
def test_each_file_is_transcribed_once_wherever_it_is_killed(
    name: str,
    steps: Steps,
    transport: httpx2.BaseTransport,
    rows: Database,
    tmp_path: Path,
) -> None:
    for number in itertools.count():
        folder = tmp_path / f"in-{number}"
        folder.mkdir()
        (folder / f"{name} {number}.wav").write_bytes(b"sound %d" % number)
        steps.count, steps.kill_at = 0, number
        try:
            look_until_idle(folder, transport, rows)
            was_killed = number == 0
        except Killed:
            was_killed, steps.kill_at = True, None
            look_until_idle(folder, transport, rows)
        where, other = ("failed", "wav.error.txt") if name == "bad" else ("done", "txt")
        assert lying_in(folder) == [where], number
        assert lying_in(folder / where) == sorted(
            f"{name} {number}.{kind}" for kind in ("wav", other)
        )
        # Every one before it too: no job was made twice.
        assert len(all_names(rows)) == number + 1
        if not was_killed:
            assert number > 20
            return


def test_a_file_that_is_still_written_is_left_alone(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path
) -> None:
    times = [0.0]
    server = Connection(ADDRESS, transport=transport)
    watch = FolderWatch(
        inbox, server, formats=["txt"], options={}, settled_s=10, clock=lambda: times[-1]
    )
    recording = inbox / "a.wav"
    for now in (0.0, 6.0, 12.0, 18.0):
        times.append(now)
        recording.write_bytes(b"more" * int(1 + now))
        watch.look()
    (inbox / "b.wav.part").write_bytes(b"half")
    (inbox / ".hidden.wav").write_bytes(b"half")
    (inbox / "empty.wav").touch()
    for now in (27.0, 28.5):
        times.append(now)
        assert all_names(rows) == []
        watch.look()
    assert all_names(rows) == ["a.wav"]


def test_a_name_that_comes_again_overwrites_nothing(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path
) -> None:
    for content in (b"first", b"second!"):
        (inbox / "周会.wav").write_bytes(content)
        look_until_idle(inbox, transport, rows)
    done = inbox / "done"
    assert (done / "周会.wav").read_bytes() == b"first"
    assert (done / "周会 (2).wav").read_bytes() == b"second!"
    assert (done / "周会 (2).txt").exists()


def test_a_name_that_is_no_utf_8_is_transcribed_too(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path
) -> None:
    stem = os.fsdecode("周会".encode("gbk"))
    (inbox / f"{stem}.wav").write_bytes(b"sound")
    look_until_idle(inbox, transport, rows)
    assert lying_in(inbox / "done") == [f"{stem}.txt", f"{stem}.wav"]


def test_two_do_not_watch_one_folder(transport: httpx2.BaseTransport, inbox: Path) -> None:
    server = Connection(ADDRESS, transport=transport)
    one, other = (FolderWatch(inbox, server, formats=[], options={}) for _ in range(2))
    with one.alone(), pytest.raises(FolderInUse), other.alone():
        pass
