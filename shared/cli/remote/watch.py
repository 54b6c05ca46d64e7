"""A folder whose files are transcribed as they come, each once even if this is killed.

What was begun of a file is noted in the folder before the next step is taken, and each step leads
to the same end when it is taken twice: an upload goes on, an upload becomes one job, transcripts
are written over themselves, and the recording is moved last.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longscribe_client.connection import Connection
from longscribe_client.errors import ApiError
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


class FolderInUse(LongscribeError):
    code = "folder_in_use"


@dataclass(frozen=True)
class Happened:
    """What became of a file: `what` is submitted, completed or failed."""

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
        tell: Callable[[Happened], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._server = server
        self._formats = formats
        self._options = options
        self._settled_s = settled_s
        self._tell = tell
        self._clock = clock
        self._notes = Notes(folder / _STATE / "notes.json")
        self._seen: dict[str, float] = {}
        """When each file was first seen as it is now."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other watchers of the folder away. Raises FolderInUse."""
        (self._folder / _STATE).mkdir(exist_ok=True)
        with (self._folder / _STATE / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderInUse(f"Another longscribe watches {self._folder} already.") from None
            yield

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way, and no file waits."""
        return not self._notes.items() and not self._files()

    def look(self) -> None:
        """Take each file one step further: send what is new, and fetch what is ready."""
        for identity, noted in self._notes.items():
            self._go_on(identity, noted)
        files = self._files()
        self._seen = {key: since for key, since in self._seen.items() if key in files}
        for identity, path in sorted(files.items()):
            since = self._seen.setdefault(identity, self._clock())
            if self._clock() - since < self._settled_s or self._notes.get(identity):
                continue
            if len(self._notes.items()) >= _MOST_AT_ONCE:
                return
            self._notes.put(identity, name=path.name)
            self._go_on(identity, self._notes.get(identity))

    def _files(self) -> dict[str, Path]:
        found = {}
        for path in self._folder.iterdir():
            if path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED):
                continue
            with suppress(OSError):  # gone meanwhile
                if path.is_file() and path.stat().st_size:
                    found[identity_of(path)] = path
        return found

    def _go_on(self, identity: str, noted: dict[str, Any]) -> None:
        path = self._folder / str(noted["name"])
        try:
            if "job" not in noted:
                if not _is(path, identity):  # taken away, or written anew: then it has a new note
                    self._notes.drop(identity)
                    return
                self._submit(identity, path, noted)
                return
            job = self._server.job(noted["job"])
        except ApiError as refused:
            if refused.status in _REFUSED_FOR_GOOD or (refused.status == 404 and "job" in noted):
                self._put_away(identity, path, _FAILED, noted, refused.message)
                return
            raise
        if job["status"] == "completed":
            self._put_away(identity, path, _DONE, noted)
        elif job["status"] in TERMINAL:
            told = (job.get("error") or {}).get("message") or f"The job is {job['status']}."
            self._put_away(identity, path, _FAILED, noted, told)

    def _submit(self, identity: str, path: Path, noted: dict[str, Any]) -> None:
        upload_id = self._server.upload(
            path,
            begun=noted.get("upload"),
            note=lambda new: self._notes.put(identity, upload=new),
        )
        job = self._server.submit(upload_id, self._options)
        self._notes.put(identity, job=job["id"])
        self._tell(Happened("submitted", path, job["id"]))

    def _put_away(
        self, identity: str, path: Path, where: str, noted: dict[str, Any], told: str = ""
    ) -> None:
        """Write what came of a file, and then move it beside that."""
        folder = self._folder / where
        folder.mkdir(exist_ok=True)
        if "target" not in noted:
            noted["target"] = _free_name(folder, path.name)
            self._notes.put(identity, target=noted["target"])
        target = folder / noted["target"]
        if where == _DONE:
            save(self._server, noted["job"], folder, target.stem, self._formats)
        else:
            write_durably(folder / f"{target.name}.error.txt", f"{told}\n".encode())
        if _is(path, identity):
            path.rename(target)
        self._notes.drop(identity)
        what = "completed" if where == _DONE else "failed"
        self._tell(Happened(what, target, noted.get("job"), told))


def _is(path: Path, identity: str) -> bool:
    try:
        return identity_of(path) == identity
    except OSError:
        return False


def _free_name(folder: Path, name: str) -> str:
    """The name, with a number where something of that name lies in the folder already: another
    recording, or its transcript."""
    stem, suffix = Path(name).stem, Path(name).suffix
    lying = [path.name for path in folder.iterdir()]
    number, free = 1, stem
    while any(one.startswith(f"{free}.") for one in lying) or f"{free}{suffix}" in lying:
        number += 1
        free = f"{stem} ({number})"
    return f"{free}{suffix}"
