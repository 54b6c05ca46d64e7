"""`longscribe watch`: each file once, wherever it is killed."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from longscribe_client.connection import Connection
from shared.cli.remote import notes, transcripts
from shared.cli.remote import watch as watching
from shared.cli.remote.watch import FileEvent, FolderInUse, FolderWatch
from shared.db import Database
from shared.jobs import list_jobs
from shared.models import LOCAL_OWNER
from tests.web.commands.conftest import ADDRESS, all_names, lying_in, work_off
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
) -> list[FileEvent]:
    """Watch with a process of its own until nothing is left that it can do; what it told."""
    told: list[FileEvent] = []
    server = Connection(ADDRESS, transport=transport, sleep=lambda _: None)
    watch = FolderWatch(folder, server, formats=["txt"], options={}, settled_s=0, tell=told.append)
    with watch.alone():
        for _ in range(20):
            watch.look()
            work_off(rows)
            if watch.is_idle:
                return told
    raise AssertionError(told)


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
    with watch.alone():
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


def test_a_file_that_is_replaced_while_it_is_worked_on_is_two_recordings(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path
) -> None:
    server = Connection(ADDRESS, transport=transport)
    watch = FolderWatch(inbox, server, formats=["txt"], options={}, settled_s=0)
    with watch.alone():
        for content in (b"first", b"second!"):
            (inbox / "周会.wav").write_bytes(content)
            watch.look()
    look_until_idle(inbox, transport, rows)
    assert lying_in(inbox / "done") == ["周会 (2).txt", "周会 (2).wav", "周会.txt"]
    assert (inbox / "done" / "周会 (2).wav").read_bytes() == b"second!"
    assert all_names(rows) == ["周会.wav", "周会.wav"]


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


class Changing(httpx2.BaseTransport):
    """A line on which something is done to the folder while an upload is under way, once."""

    def __init__(self, line: httpx2.BaseTransport, change: Callable[[], object]) -> None:
        self._line = line
        self._changes = [change]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "PATCH" and self._changes:
            request.read()
            self._changes.pop()()
        return self._line.handle_request(request)


def test_a_file_that_changes_while_it_is_sent_becomes_one_job_as_it_is_in_the_end(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path
) -> None:
    recording = inbox / "slow copy.wav"
    became = [b"half and the rest", b"cut", b"HALF"]
    for content in became:
        recording.write_bytes(b"half")
        os.utime(recording, (1, 1))
        line = Changing(transport, partial(recording.write_bytes, content))
        look_until_idle(inbox, line, rows)
    recording.write_bytes(b"half")
    look_until_idle(inbox, Changing(transport, recording.unlink), rows)
    sizes = [view.job.recording.size_bytes for view in list_jobs(rows, owner_id=LOCAL_OWNER).jobs]
    assert sizes[::-1] == [len(content) for content in became]
    assert lying_in(inbox) == ["done"]


def test_the_oldest_is_sent_first_and_no_more_than_may_be_on_their_way(
    transport: httpx2.BaseTransport,
    rows: Database,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for age, name in enumerate(["a", "b", "c", "d"]):
        (inbox / f"{name}.wav").write_bytes(b"sound")
        os.utime(inbox / f"{name}.wav", (1000 - age, 1000 - age))
    monkeypatch.setattr(watching, "_MOST_AT_ONCE", 2)
    server = Connection(ADDRESS, transport=transport)
    watch = FolderWatch(inbox, server, formats=["txt"], options={}, settled_s=0)
    with watch.alone():
        watch.look()
        assert all_names(rows) == ["c.wav", "d.wav"]
        work_off(rows)
        watch.look()
        assert all_names(rows) == ["a.wav", "b.wav", "c.wav", "d.wav"]


def test_the_same_content_under_two_names_is_two_recordings(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path
) -> None:
    for name in ("one.wav", "other.wav", "other.mp3"):
        (inbox / name).write_bytes(b"sound")
    look_until_idle(inbox, transport, rows)
    assert lying_in(inbox / "done") == [
        "one.txt", "one.wav", "other (2).mp3", "other (2).txt", "other.txt", "other.wav",
    ]  # fmt: skip
    assert len(all_names(rows)) == 3


def test_names_as_odd_as_a_file_system_takes_come_out_beside_their_transcripts(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path
) -> None:
    odd = ["议" * 83 + ".wav", "x" * 251 + ".wav", "x." + "y" * 200, "a\nb.wav", "a|1|2.wav"]
    bad = ["bad" + "议" * 82 + ".wav", "bad" + "x" * 248 + ".wav", "bad." + "y" * 200]
    for name in odd + bad:
        (inbox / name).write_text(name)
    look_until_idle(inbox, transport, rows)
    assert lying_in(inbox) == ["done", "failed"]
    texts = {path for path in (inbox / "done").iterdir() if path.name.endswith(".txt")}
    moved = set((inbox / "done").iterdir()) - texts
    assert sorted(path.read_text() for path in moved) == sorted(odd)
    assert {path.with_suffix(".txt") for path in moved} == texts
    texts = {path for path in (inbox / "failed").iterdir() if path.name.endswith(".error.txt")}
    moved = set((inbox / "failed").iterdir()) - texts
    assert sorted(path.read_text() for path in moved) == sorted(bad)
    assert {path.with_name(f"{path.name}.error.txt") for path in moved} == texts


def refusing(
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    *,
    about: str,
    of: Sequence[str] = ("mkdir", "open", "rename"),
) -> Callable[[], None]:
    """Let what is done to paths that contain `about` fail; called, that ends."""
    is_so = [True]

    def around(do: Callable[..., Any]) -> Callable[..., Any]:
        def done(path: Path, *args: Any, **kwargs: Any) -> Any:
            if is_so and about in str(path):
                raise OSError(number, os.strerror(number), str(path))
            return do(path, *args, **kwargs)

        return done

    for module in (notes, transcripts, watching):
        monkeypatch.setattr(module, "write_durably", around(notes.write_durably))
    for name in of:
        monkeypatch.setattr(Path, name, around(getattr(Path, name)))
    return is_so.clear


@pytest.mark.parametrize(
    ("number", "about"),
    [
        (errno.EACCES, "/b.wav"),
        (errno.ENOSPC, "/done/."),
        (errno.EROFS, "/done"),
        (errno.ENOSPC, "notes.json"),
    ],
)
def test_what_is_wrong_here_postpones_a_file_and_ends_nothing(
    number: int,
    about: str,
    transport: httpx2.BaseTransport,
    rows: Database,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("a", "b", "c"):
        (inbox / f"{name}.wav").write_bytes(name.encode())
    server = Connection(ADDRESS, transport=transport, sleep=lambda _: None)
    told: list[FileEvent] = []
    watch = FolderWatch(inbox, server, formats=["txt"], options={}, settled_s=0, tell=told.append)
    with watch.alone():
        mend = refusing(monkeypatch, number, about=about)
        for _ in range(4):
            watch.look()
            work_off(rows)
        held_up = ["b.wav"] if about == "/b.wav" else ["a.wav", "b.wav", "c.wav"]
        assert watch.is_idle and watch.has_postponed
        assert [name for name in lying_in(inbox) if name.endswith(".wav")] == held_up
        postponed = [event.file.name for event in told if event.what == "postponed"]
        assert postponed == held_up, "each told once"
        assert os.strerror(number) in next(one.message for one in told if one.message)
        mend()
    look_until_idle(inbox, transport, rows)  # as after a new start
    assert lying_in(inbox) == ["done"]
    assert all_names(rows) == ["a.wav", "b.wav", "c.wav"]


def test_a_folder_that_is_gone_is_not_made_anew_and_goes_on_when_it_is_back(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path
) -> None:
    (inbox / "a.wav").write_bytes(b"sound")
    server = Connection(ADDRESS, transport=transport)
    watch = FolderWatch(inbox, server, formats=["txt"], options={}, settled_s=0)
    with watch.alone():
        watch.look()
        work_off(rows)
        away = inbox.rename(inbox.with_name("unmounted"))
        inbox.mkdir()
        with pytest.raises(FileNotFoundError):
            watch.look()
        assert list(inbox.iterdir()) == []
        away.rename(inbox)
        watch.look()
    assert lying_in(inbox / "done") == ["a.txt", "a.wav"]
    assert len(all_names(rows)) == 1


def test_a_done_folder_on_another_disk_is_filled_by_copies(
    transport: httpx2.BaseTransport, rows: Database, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "a.wav").write_bytes(b"sound")
    refusing(monkeypatch, errno.EXDEV, about="/inbox/a.wav", of=["rename"])
    look_until_idle(inbox, transport, rows)
    assert (inbox / "done" / "a.wav").read_bytes() == b"sound"
    assert [path.name for path in inbox.rglob("*.part")] == []
    assert lying_in(inbox) == ["done"]


def test_the_longer_a_job_takes_the_less_often_it_is_asked_about(
    transport: httpx2.BaseTransport, inbox: Path, monkeypatch: pytest.MonkeyPatch, steps: Steps
) -> None:
    (inbox / "a.wav").write_bytes(b"sound")
    times = [0.0]
    server = Connection(ADDRESS, transport=transport)
    watch = FolderWatch(
        inbox, server, formats=["txt"], options={}, settled_s=0, clock=lambda: times[-1]
    )
    asked = []
    monkeypatch.setattr(server, "job", lambda _: asked.append(times[-1]) or {"status": "queued"})
    with watch.alone():
        for now in range(0, 7200, 5):
            times.append(float(now))
            watch.look()
    early = sum(when < 60 for when in asked)
    late = sum(when >= 3600 for when in asked)
    assert early >= 10 and 55 <= late <= 65
