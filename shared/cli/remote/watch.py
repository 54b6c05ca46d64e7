"""A folder whose files are transcribed as they come, each once even if this is killed.

What was begun of a file is noted in the folder before the next step is taken, and each step leads
to the same end when it is taken twice: an upload goes on, an upload becomes one job, transcripts
are written over themselves, and the recording is moved last.  A file with which something is wrong
on this side (it cannot be read, the disk is full) is postponed and holds up no other.
"""

from __future__ import annotations

import fcntl
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longscribe_client.connection import Connection
from longscribe_client.errors import ApiError, FileChanged
from shared.cli.remote.move_processed import REASON, free_name, move
from shared.cli.remote.notes import Notes, identity_of, write_durably
from shared.cli.remote.transcripts import save
from shared.errors import LongscribeError
from shared.states import TERMINAL

_STATE = ".longscribe"
_DONE, _FAILED = "done", "failed"
_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
"""Endings of files that another program is still writing."""

_MOST_AT_ONCE = 200
"""Files that are on the server at a time; the others wait in the folder."""

_REFUSED_FOR_GOOD = frozenset({400, 413, 415, 422})
"""Statuses by which the server says that this file will never do."""

_ALL_ARE_REFUSED = frozenset({401, 403, 429, 502, 503, 504, 507})
"""Statuses that another file would get as well."""

_ASKED_AGAIN_AFTER = 0.1
"""Share of the time that a job has taken so far, after which it is asked about again."""
_ASKED_AGAIN_WITHIN_S = 60.0


class FolderInUse(LongscribeError):
    code = "folder_in_use"


@dataclass(frozen=True)
class FileEvent:
    """Event of a file: `what` is submitted, completed, failed, or postponed to another look."""

    what: str
    file: Path
    job_id: str | None = None
    message: str = ""


class FolderWatch:
    """Looks for files by asking, as folders on a network tell nothing by themselves.

    A file counts once its length and time of change have stayed the same for `settled_s`.
    """

    def __init__(
        self,
        folder: Path,
        server: Connection,
        *,
        formats: list[str],
        options: dict[str, Any],
        settled_s: float = 5,
        tell: Callable[[FileEvent], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._server = server
        self._formats = formats
        self._options = options
        self._settled_s = settled_s
        self._tell = tell
        self._clock = clock
        self._state = folder / _STATE
        self._notes = self._read_notes()
        self._seen: dict[str, float] = {}
        """Time at which each file was first seen as it is now."""
        self._since: dict[str, float] = {}
        """Time at which each job was first asked about."""
        self._ask_at: dict[str, float] = {}
        self._postponed: dict[str, str] = {}
        """Reason for each file with a problem on this machine."""

    def _read_notes(self) -> Notes:
        return Notes(self._state / "notes.json", is_shared=False)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other watchers of the folder away. Raises FolderInUse."""
        self._state.mkdir(exist_ok=True)
        with (self._state / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderInUse(f"Another longscribe watches {self._folder} already.") from None
            # As the one before left them: it may have noted something until a moment ago.
            self._notes = self._read_notes()
            yield

    @property
    def is_idle(self) -> bool:
        """Return whether no job is unfinished and no file waits, except postponed ones."""
        return {*self._files(), *self._notes} <= {*self._postponed}

    @property
    def has_postponed(self) -> bool:
        """Return whether a file that is still there could not be sent."""
        return bool(self._postponed)

    def look(self) -> None:
        """Take each file one step further: send what is new, and fetch what is ready.

        Raises ClientError where the server takes nothing more for now, and OSError where the folder
        is not there; another call may go better.
        """
        if not self._state.is_dir():  # as where a disk or a share is mounted no more
            raise FileNotFoundError(f"{self._folder} is not there, or not what it was.")
        for identity, noted in self._notes.items():
            self._go_on(identity, noted)
        files = self._files()
        for known in (self._seen, self._postponed):
            for identity in [key for key in known if key not in files and key not in self._notes]:
                del known[identity]
        for identity, path in files.items():
            since = self._seen.setdefault(identity, self._clock())
            if self._clock() - since < self._settled_s or identity in self._notes:
                continue
            if sum(key not in self._postponed for key in self._notes) >= _MOST_AT_ONCE:
                return
            self._go_on(identity, {"name": path.name})

    def _files(self) -> dict[str, Path]:
        """Read the files by identity, the oldest first."""
        found = []
        for path in self._folder.iterdir():
            if path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED):
                continue
            with suppress(OSError):  # gone meanwhile
                told = path.stat()  # once: on a network each takes its time
                if stat.S_ISREG(told.st_mode) and told.st_size:
                    found.append((told.st_mtime_ns, path.name, identity_of(path, told)))
        return {identity: self._folder / name for _, name, identity in sorted(found)}

    def _go_on(self, identity: str, noted: dict[str, Any]) -> None:
        path = self._folder / str(noted["name"])
        try:
            self._take_further(identity, path, noted)
        except FileChanged:  # then it is another one, which has to settle
            self._drop(identity)
        except ApiError as refused:
            if refused.status in _ALL_ARE_REFUSED:
                raise
            self._postpone(identity, path, noted, refused.message)
        except OSError as error:
            if "job" in noted or _is(path, identity):
                self._postpone(identity, path, noted, str(error))
        else:
            self._postponed.pop(identity, None)

    def _take_further(self, identity: str, path: Path, noted: dict[str, Any]) -> None:
        try:
            if "job" not in noted:
                if _is(path, identity):
                    self._submit(identity, path, noted)
                else:  # taken away, or written anew: then it is another one
                    self._drop(identity)
                return
            if (job := self._job(identity, noted["job"])) is None:
                return
        except ApiError as refused:
            is_unknown = refused.status == 404 and "job" in noted
            if is_unknown and noted.get("by", self._server.caller) != self._server.caller:
                self._drop(identity)  # of another server or account: it is new to this one
                return
            if is_unknown or refused.status in _REFUSED_FOR_GOOD:
                self._put_away(identity, path, _FAILED, noted, refused.message)
                return
            raise
        if job["status"] == "completed":
            self._put_away(identity, path, _DONE, noted)
        elif job["status"] in TERMINAL:
            told = (job.get("error") or {}).get("message") or f"The job is {job['status']}."
            self._put_away(identity, path, _FAILED, noted, told)

    def _job(self, identity: str, job_id: str) -> dict[str, Any] | None:
        """State of a job; None where it was asked too recently, measured by how long the job
        takes."""
        now = self._clock()
        if now < self._ask_at.get(identity, now):
            return None
        job = self._server.job(job_id)
        if job["status"] not in TERMINAL:
            taken_s = now - self._since.setdefault(identity, now)
            self._ask_at[identity] = now + min(taken_s * _ASKED_AGAIN_AFTER, _ASKED_AGAIN_WITHIN_S)
        return job

    def _submit(self, identity: str, path: Path, noted: dict[str, Any]) -> None:
        name = path.name
        path.open("rb").close()  # one that cannot be read is not begun on the server
        upload_id = self._server.upload(
            path,
            begun=noted.get("upload"),
            note=lambda new: self._notes.put(identity, name=name, upload=new),
        )
        if not _is(path, identity):
            raise FileChanged(f"{name} changed while it was being sent.")
        job = self._server.submit(upload_id, self._options)
        self._notes.put(identity, job=job["id"], by=self._server.caller)
        self._tell(FileEvent("submitted", path, job["id"]))

    def _put_away(
        self, identity: str, path: Path, where: str, noted: dict[str, Any], told: str = ""
    ) -> None:
        """Write what came of a file, and then move it beside that."""
        folder = self._folder / where
        folder.mkdir(exist_ok=True)
        if noted.get("where") != where:
            # Others may be postponed before anything of theirs lies there.
            others = [one for key, one in self._notes.items() if key != identity]
            reserved = [str(one["target"]) for one in others if one.get("where") == where]
            noted["target"] = free_name(folder, path.name, self._formats, reserved)
            self._notes.put(identity, name=path.name, where=where, target=noted["target"])
        target = folder / noted["target"]
        if where == _DONE:
            save(self._server, noted["job"], folder, target.stem, self._formats)
        else:
            write_durably(folder / f"{target.name}{REASON}", f"{told}\n".encode())
        if _is(path, identity):
            move(path, target)
        self._drop(identity)
        what = "completed" if where == _DONE else "failed"
        self._tell(FileEvent(what, target, noted.get("job"), told))

    def _postpone(self, identity: str, path: Path, noted: dict[str, Any], why: str) -> None:
        if self._postponed.get(identity) != why:
            self._tell(FileEvent("postponed", path, noted.get("job"), why))
        self._postponed[identity] = why

    def _drop(self, identity: str) -> None:
        self._notes.drop(identity)
        for known in (self._since, self._ask_at, self._postponed):
            known.pop(identity, None)


def _is(path: Path, identity: str) -> bool:
    try:
        return identity_of(path) == identity
    except OSError:
        return False
