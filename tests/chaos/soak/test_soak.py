"""A short soak: `make soak` at length."""

from __future__ import annotations

from pathlib import Path

import pytest

import migrations
from tests.chaos.machinery.postgresql_server import PostgresqlServer, postgresql_server
from tests.chaos.soak.processes import Machinery
from tests.chaos.soak.run import Soak, Summary

FAULTS_FOR_S = 40.0


def soak(
    folder: Path, url: str, database: str, *, postgresql: PostgresqlServer | None = None
) -> Summary:
    machinery = Machinery(
        folder / "stack", url, postgresql=postgresql, model="stub", batch_takes_s=0.05
    )
    try:
        return Soak(
            machinery,
            url,
            seconds=FAULTS_FOR_S,
            seed=7,
            database=database,
            every_s=2,
            most_waiting=20,
        ).run()
    finally:
        machinery.stop()


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_forty_seconds_of_random_faults_break_no_promise(database: str, tmp_path: Path) -> None:
    if database == "sqlite":
        url = f"sqlite:///{tmp_path / 'longscribe.db'}"
        migrations.upgrade(url)
        summary = soak(tmp_path, url, database)
    else:
        with postgresql_server() as server:
            server.start()
            summary = soak(tmp_path, server.new_database(), database, postgresql=server)
    print(f"\n{summary.to_json()}")
    assert summary.breaches == []
    assert sum(summary.faults.values()) >= 5
    assert summary.attempts["completed"] >= 5
