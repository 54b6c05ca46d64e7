"""`make api-conformance`: Schemathesis with all of its checks against the real server.

Exit status: that of Schemathesis, 0 where nothing was found.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import migrations
from shared.db import Database
from shared.states import JobStatus
from shared.storage.identity import adopt_storage
from shared.storage.local.folder import LocalFolder
from tests.support import factories
from tests.support.databases.postgresql import data_folder, start_server
from tests.support.stack import Stack, running

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schemathesis", required=True, help="the command of its environment")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--examples", type=int, default=100, help="for each operation")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        _database(given.database, Path(name)) as url,
        running(_installation(Path(name) / "stack", url)) as stack,
    ):
        stack.start_redis()
        stack.start_web()
        command = [
            *(given.schemathesis, "--config-file", HERE / "schemathesis.toml"),
            *("run", f"{stack.url}/api/openapi.json", "--checks", "all"),
            *("--max-examples", str(given.examples), "--seed", str(given.seed)),
            "--continue-on-failure",
            *("--request-timeout", "60"),  # on a busy machine the document alone takes ten
        ]
        hooks = {"PYTHONPATH": str(HERE), "SCHEMATHESIS_HOOKS": "serializers"}
        # It leaves what it found where it runs.
        return subprocess.run(
            command, check=False, cwd=name, env={**os.environ, **hooks}
        ).returncode


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'longscribe.db'}"
        return
    with data_folder(Path(tempfile.gettempdir())) as data:
        server = start_server(data)
        try:
            yield "postgresql+psycopg" + server.get_uri().removeprefix("postgresql")
        finally:
            server.cleanup()


def _installation(folder: Path, url: str) -> Stack:
    """Jobs in several states, no worker that would change them, and no limit to one owner."""
    migrations.upgrade(url)
    limits = ("OWNER_OPEN_UPLOADS", "OWNER_QUEUED_JOBS", "MIN_FREE_BYTES")
    env = {f"LONGSCRIBE_{limit}": "0" for limit in limits}
    # Of events: nothing happens to these jobs.
    stack = Stack(folder, url, {**env, "LONGSCRIBE_ANSWER_WITHIN_S": "0.2"})
    db = Database(url)
    adopt_storage(db, LocalFolder(folder / "data" / "recordings", min_free_bytes=0))
    for status in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.QUEUED):
        factories.a_job(db, status)
    db.dispose()
    return stack


if __name__ == "__main__":
    sys.exit(main())
