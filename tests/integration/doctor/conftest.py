"""A healthy installation for the doctor to examine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.cli.doctor import examine as doctor
from shared.cli.doctor.finding import ok
from shared.db import Database
from shared.private_files import close_to_others
from shared.settings import Settings
from tests.support.stack import start_redis


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is asked in tests of its own: importing torch takes seconds each time."""
    monkeypatch.setattr(doctor, "check_speech", lambda *_, **__: [ok("model", "not asked")])


@pytest.fixture
def settings(database_url: str, tmp_path: Path, without_torch: None) -> Iterator[Settings]:
    """A healthy installation that nothing serves: folder, migrated database, Redis."""
    server, _ = start_redis(tmp_path / "redis")
    (tmp_path / "data").mkdir()
    settings = Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        redis_url=f"redis+socket://{tmp_path / 'redis' / 'redis.sock'}",  # type: ignore[arg-type]
        min_free_bytes=0,
        max_audio_s=60,
    )
    before = os.umask(settings.umask_bits)
    close_to_others(settings)
    yield settings
    os.umask(before)
    server.stop()


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    database = Database(settings.resolved_database_url)
    yield database
    database.dispose()
