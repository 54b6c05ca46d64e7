"""Contents of a backup.

backup.json        what it is a backup of
jobs.dump          the database: PostgreSQL's custom format
jobs.db            or a file of SQLite
recordings/        the folder of the recordings, storage-id among them
secret_key         what signs the cookies, where it is kept in the data folder
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from shared.errors import LongscribeError

MANIFEST = "backup.json"
POSTGRESQL_DUMP = "jobs.dump"
SQLITE_FILE = "jobs.db"
RECORDINGS = "recordings"
SECRET_KEY = "secret_key"


NO_RECORDINGS = ("incoming", "uploads")
"""Folders beside the recordings with what is not whole yet."""


def recordings_in(folder: Path) -> Iterator[Path]:
    """Yield the files of all recordings, and of their playable copies, in a folder of
    recordings."""
    for path in folder.glob("*/*"):
        if path.parent.name not in NO_RECORDINGS and path.is_file():
            yield path


class BackupFailed(LongscribeError):
    """Failure to make a backup or to restore one; the message says what to do."""

    code = "backup_failed"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Description of a backup in its backup.json."""

    database: str
    """sqlite or postgresql."""
    revision: str
    """Revision of the schema."""
    recordings: int
    bytes: int
    """Bytes of the recordings and of their playable copies."""
    longscribe: str
    made_at: str
    playable_copies: int = 0
    """Backups of before they were told apart have them among the recordings."""

    @classmethod
    def made_now(
        cls, *, database: str, revision: str, sizes: Mapping[str, int], copies: Set[str]
    ) -> Manifest:
        """Describe a backup of the files with these keys and sizes in bytes, of which those of
        `copies` are playable copies."""
        playable = len(sizes.keys() & copies)
        return cls(
            database=database,
            revision=revision,
            recordings=len(sizes) - playable,
            playable_copies=playable,
            bytes=sum(sizes.values()),
            longscribe=metadata.version("longscribe"),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @property
    def files(self) -> str:
        """What lies in `recordings/`, in words."""
        recordings = "1 recording" if self.recordings == 1 else f"{self.recordings} recordings"
        copies = ""
        if self.playable_copies:
            one = self.playable_copies == 1
            copies = (
                " and 1 playable copy" if one else f" and {self.playable_copies} playable copies"
            )
        return f"{recordings}{copies} ({self.bytes:,} bytes)"

    def write(self, folder: Path) -> None:
        (folder / MANIFEST).write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of a backup. Raises BackupFailed for a folder without a complete
        backup."""
        try:
            told = json.loads((folder / MANIFEST).read_text())
            found = cls(**told)
            is_one = found.database in (SQLITE, POSTGRESQL)
        except (OSError, ValueError, TypeError):
            is_one = False
        if not is_one:
            raise BackupFailed(f"{folder} is no backup that was finished: it has no {MANIFEST}")
        return found


SQLITE, POSTGRESQL = "sqlite", "postgresql"
