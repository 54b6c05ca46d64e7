"""What `longscribe doctor` says of services, settings and jobs."""

from __future__ import annotations

import re
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from kombu import transport
from sqlalchemy import make_url, text

import migrations
from shared import accounts
from shared.cli.doctor import examine as doctor
from shared.cli.doctor.finding import Level
from shared.db import Database
from shared.search import entries
from shared.search.index import index_of
from shared.settings import Settings
from tests.integration.doctor.findings import a_worker, all_of, changed, of, stored
from tests.support import factories
from tests.support.people import a_person
from tests.support.stack import start_redis


@pytest.fixture(autouse=True)
def _no_workers_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take Kombu's own transport, as the command does: a test that imports a worker's tasks leaves
    the worker's in its place, which does not connect to a Redis that refuses messages."""
    for scheme in ("redis", "rediss"):
        monkeypatch.setitem(transport.TRANSPORT_ALIASES, scheme, "kombu.transport.redis:Transport")
    monkeypatch.setattr(transport, "_transport_cache", {})


class TestServices:
    def test_a_healthy_installation_has_nothing_but_ok(
        self, settings: Settings, db: Database
    ) -> None:
        a_worker(db)
        factories.submit(db, blob=stored(settings))
        found = doctor.examine(settings)
        assert {finding.level for finding in found} == {Level.OK}, found
        assert doctor.exit_status(found) == 0
        assert "celery@here:1 with demo on cpu, seen " in of(found, "workers").finding
        assert "1 queued" in of(found, "jobs").finding
        kind = "SQLite 3." if db.is_sqlite else "PostgreSQL "
        assert of(found, "database").finding.startswith(kind)
        assert re.search(r"^answers, version [6-9]\.[0-9.]+", of(found, "redis").finding)

    def test_a_redis_that_is_gone_or_frozen_is_a_problem_and_the_rest_is_still_checked(
        self, settings: Settings, db: Database, tmp_path: Path
    ) -> None:
        gone = f"redis+socket://{tmp_path / 'nobody.sock'}"
        found = doctor.examine(changed(settings, redis_url=gone))
        assert of(found, "redis").level is Level.PROBLEM
        assert "LONGSCRIBE_REDIS_URL" in of(found, "redis").what_to_do
        assert of(found, "schema").level is of(found, "orphans").level is Level.OK

        frozen, url = start_redis(tmp_path / "frozen")
        try:
            frozen.kill(signal.SIGSTOP)
            url = url.replace("unix://", "redis+socket://")
            found = doctor.examine(changed(settings, redis_url=url))
        finally:
            frozen.kill(signal.SIGCONT)
            frozen.stop()
        assert of(found, "redis").level is Level.PROBLEM
        assert of(found, "orphans").level is Level.OK

    def test_a_search_index_that_lacks_jobs_is_a_problem(
        self, settings: Settings, db: Database
    ) -> None:
        for _ in range(2):
            factories.submit(db, blob=stored(settings))
        waits = of(doctor.examine(settings), "search index")
        assert waits.level is Level.OK and waits.finding.startswith("2 of 2 jobs wait")
        entries.catch_up(db, within_s=60)
        assert of(doctor.examine(settings), "search index").finding == "has all 2 jobs"
        with db.writing() as session:
            index_of(session).clear(session)
        emptied = of(doctor.examine(settings), "search index")
        with db.writing() as session:
            session.execute(text("DELETE FROM search_entries WHERE number = 1"))
        lacks = of(doctor.examine(settings), "search index")
        assert emptied.level is lacks.level is Level.PROBLEM
        assert "--rebuild" in emptied.what_to_do and "finds 1 jobs" in lacks.finding

    def test_a_folder_that_is_not_made_yet_may_have_a_long_path(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        """Its socket, which lies elsewhere, has a place only once the folder is there."""
        deep = tmp_path / ("d" * 120)
        found = doctor.examine(changed(settings, redis_url="", data_dir=deep))
        assert "not running" in of(found, "redis").finding

    def test_a_redis_that_takes_no_messages_is_a_problem(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        replica, url = start_redis(tmp_path / "replica")
        try:
            with redis.Redis.from_url(url) as client:
                client.replicaof("127.0.0.1", 1)
            url = url.replace("unix://", "redis+socket://")
            found = doctor.examine(changed(settings, redis_url=url))
        finally:
            replica.stop()
        assert "a replica" in of(found, "redis").finding

    def test_a_redis_that_is_full_or_closed_to_its_user_is_a_problem(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        server, url = start_redis(tmp_path / "limited")
        address = url.replace("unix://", "redis+socket://")
        try:
            with redis.Redis.from_url(url) as client:
                client.config_set("maxmemory", 1)
                full = of(doctor.examine(changed(settings, redis_url=address)), "redis")
                client.config_set("maxmemory", "1gb")
                client.config_set("maxmemory-policy", "allkeys-lru")
                evicts = of(doctor.examine(changed(settings, redis_url=address)), "redis")
                client.acl_setuser(
                    "reader", enabled=True, passwords=["+geheim"], keys=["*"], categories=["+@read"]
                )
            closed_to = address.replace("://", "://reader:geheim@")
            closed = of(doctor.examine(changed(settings, redis_url=closed_to)), "redis")
        finally:
            server.stop()
        assert full.level is closed.level is Level.PROBLEM
        assert "takes no messages: " in full.finding and "maxmemory" in full.what_to_do
        assert "no permissions" in closed.finding and "rights" in closed.what_to_do
        assert evicts.level is Level.WARNING and "noeviction" in evicts.what_to_do

    @pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
    def test_a_role_that_may_not_write_is_a_problem_before_a_job_finds_out(
        self, settings: Settings, db: Database
    ) -> None:
        url = make_url(settings.database_url)
        role = f"reader_{url.database}"
        with db.writing() as session:
            session.execute(text(f"CREATE ROLE {role} LOGIN"))
            session.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
        try:
            as_reader = url.set(username=role).render_as_string(hide_password=False)
            found = doctor.examine(changed(settings, database_url=as_reader))
            late = url.update_query_dict({"options": "-cdefault_transaction_read_only=on"})
            standby = doctor.examine(
                changed(settings, database_url=late.render_as_string(hide_password=False))
            )
        finally:
            with db.writing() as session:
                session.execute(text(f"DROP OWNED BY {role}"))
                session.execute(text(f"DROP ROLE {role}"))
        assert "may not read and write" in of(found, "database").finding
        assert "OWNER TO" in of(found, "database").what_to_do
        assert "takes no writes" in of(standby, "database").finding

    def test_a_database_that_cannot_be_reached_leaves_the_rest_unchecked_and_tells_no_password(
        self, settings: Settings
    ) -> None:
        wrong = "postgresql://somebody:geheim@127.0.0.1:1/nothing"
        found = doctor.examine(changed(settings, database_url=wrong))
        assert of(found, "database").level is Level.PROBLEM
        assert "Connection refused" in of(found, "database").finding
        assert of(found, "orphans").level is of(found, "workers").level is Level.UNCHECKED
        assert of(found, "redis").level is Level.OK
        assert doctor.exit_status(found) == 1
        assert "geheim" not in doctor.as_json(found) + doctor.as_columns(found)

    def test_a_file_that_is_no_database_is_a_problem(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        path = tmp_path / "text.db"
        path.write_text("not a database, though long enough to look at " * 20)
        found = doctor.examine(changed(settings, database_url=f"sqlite:///{path}"))
        assert "file is not a database" in of(found, "database").finding

    def test_a_database_file_that_is_not_there_is_not_made(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        path = tmp_path / "elsewhere.db"
        found = doctor.examine(changed(settings, database_url=f"sqlite:///{path}"))
        assert of(found, "database").level is Level.PROBLEM
        assert not path.exists()

    def test_a_missing_migration_is_a_problem_with_its_command(
        self, settings: Settings, db: Database
    ) -> None:
        migrations.downgrade(settings.resolved_database_url, "0001")
        found = of(doctor.examine(settings), "schema")
        assert found.level is Level.PROBLEM
        assert "longscribe migrate" in found.what_to_do
        migrations.downgrade(settings.resolved_database_url, "base")
        assert "no tables" in of(doctor.examine(settings), "schema").finding

    def test_a_schema_of_a_newer_version_is_told_as_such(
        self, settings: Settings, db: Database
    ) -> None:
        with db.writing() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert "a newer one was here" in of(doctor.examine(settings), "schema").finding

    def test_a_clock_that_is_off_is_a_warning_and_no_more(
        self, settings: Settings, db: Database
    ) -> None:
        a_worker(db)
        found = doctor.examine(settings, now=lambda: datetime.now(UTC) - timedelta(hours=3))
        assert of(found, "clock").level is Level.WARNING
        assert "3 h 0 min behind" in of(found, "clock").finding
        assert doctor.exit_status(found) == 0

    def test_jobs_that_wait_without_a_worker_are_a_problem(
        self, settings: Settings, db: Database
    ) -> None:
        factories.submit(db, blob=stored(settings))
        a_worker(db)
        with db.writing() as session:
            session.execute(text("UPDATE workers SET seen_at = '2026-01-01 00:00:00.000000'"))
        found = doctor.examine(settings)
        assert of(found, "jobs").level is of(found, "workers").level is Level.PROBLEM
        assert "1 queued, the oldest for" in of(found, "jobs").finding
        assert "the last, celery@here:1, was seen" in of(found, "workers").finding

    def test_jobs_for_a_model_that_no_worker_runs_are_a_warning(
        self, settings: Settings, db: Database
    ) -> None:
        factories.a_worker(db, model="large")
        factories.submit(db, blob=stored(settings), model="large")
        factories.a_worker(db, model="demo")
        found = doctor.examine(settings)
        counted, waited_for = all_of(found, "jobs")
        assert (counted.level, waited_for.level) == (Level.OK, Level.WARNING)
        assert "some wait for a worker that runs large" in waited_for.finding

    def test_a_server_that_nobody_can_sign_in_to_is_told_with_the_way_in(
        self, settings: Settings, db: Database
    ) -> None:
        required = changed(settings, sign_in="required")
        found = of(doctor.examine(required), "accounts")
        assert found.level is Level.WARNING and "longscribe user add" in found.what_to_do
        bo = a_person(db, is_admin=True)
        accounts.disable(db, a_person(db, "Eve").id)
        found = of(doctor.examine(required), "accounts")
        assert found.level is Level.OK
        assert found.finding == "2, 1 of them disabled; sign-in is required"
        assert of(doctor.examine(settings), "accounts").level is Level.OK
        factories.submit(db, owner_id=bo.id)
        found = of(doctor.examine(settings), "accounts")
        assert found.level is Level.WARNING and "hand-over" in found.what_to_do

    def test_a_full_disk_is_a_problem(self, settings: Settings) -> None:
        found = doctor.examine(changed(settings, min_free_bytes=2**60))
        assert "LONGSCRIBE_MIN_FREE_BYTES" in of(found, "disk").what_to_do
