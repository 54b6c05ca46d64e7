"""Checks of `longscribe doctor` on the database: its schema, its clock, workers and jobs."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

import migrations
from shared import jobs
from shared.cli.doctor.disk import MOUNT_FOR_WRITING
from shared.cli.doctor.finding import Finding, ok, problem, warning
from shared.cli.doctor.storage import in_words as obstacles_in_words
from shared.cli.error_exit import GIVE_THE_RIGHT, NAME_THE_PRIMARY
from shared.db import Database, database_now
from shared.models import Job
from shared.settings import Settings
from shared.states import RUNNING, START_OBSTACLES, JobStatus

_CLOCK_MAY_DIFFER_S = 5.0

_START_A_WORKER = (
    "Start one (docker compose up --detach worker, or celery -A worker.app worker); if one runs, "
    "its log says why it cannot reach this database."
)


def check_database(settings: Settings) -> list[Finding]:
    """Check the database, and then its schema. One finding alone, if there is no database yet."""
    thing = "database"
    correct = "Start the database, or correct LONGSCRIBE_DATABASE_URL."
    try:
        url = make_url(settings.resolved_database_url)
    except (ArgumentError, ValueError):
        # Their texts may quote a part of the address, and so its password.
        return [problem(thing, "LONGSCRIBE_DATABASE_URL is no address of a database", correct)]
    where = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and url.database:
        path = Path(url.database)
        if not path.exists():  # to connect would make it
            return [_no_file_yet(settings, path)]
        if not os.access(path, os.R_OK | os.W_OK):
            advice = f"Give this user ({os.getuid()}) the file, or run this as its owner."
            if os.statvfs(path).f_flag & os.ST_RDONLY:
                advice = MOUNT_FOR_WRITING
            return [problem(thing, f"{path} cannot be written to", advice)]
    db = Database(settings.resolved_database_url)
    try:
        with db.engine.connect() as connection:
            asked = "sqlite_version()" if db.is_sqlite else "current_setting('server_version')"
            version = connection.scalar(text(f"SELECT {asked}"))
            refusal = None if db.is_sqlite else _why_not_to_be_written(connection)
        state = migrations.state(db)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        if any(words in reason for words in _FULL):
            correct = _MORE_CONNECTIONS
        return [problem(thing, f"{where} cannot be used: {reason}", correct)]
    finally:
        db.dispose()
    kind = "SQLite" if db.is_sqlite else "PostgreSQL"
    found = f"{kind} {version} at {where}"
    if refusal is not None:
        why, what_to_do = refusal
        return [problem(thing, f"{found}: {why}", what_to_do), judge_schema(state)]
    return [ok(thing, found), judge_schema(state)]


_FULL = ("too many clients", "too many connections", "connection slots are reserved")
_MORE_CONNECTIONS = (
    "Raise max_connections of the server, or the role's own limit, to what docs/settings.md "
    "reckons under 'Connections to PostgreSQL'; or let PgBouncer share a few."
)

_CLOSED_TABLES = text(
    "SELECT min(relname) FROM pg_class WHERE relkind IN ('r', 'p')"
    " AND relnamespace = to_regnamespace(quote_ident(current_schema()))"
    " AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')"
    " AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))"
)


def _why_not_to_be_written(connection: Connection) -> tuple[str, str] | None:
    """Why PostgreSQL would refuse what is written, and what to do; None if it would not."""
    if connection.scalar(text("SELECT current_setting('transaction_read_only')")) == "on":
        return "it takes no writes", NAME_THE_PRIMARY
    if closed := connection.scalar(_CLOSED_TABLES):
        return f"the role may not read and write {closed}", GIVE_THE_RIGHT
    encoding = migrations.encoding(connection)
    if encoding != "UTF8":
        return f"its encoding is {encoding}", migrations.MAKE_ONE_IN_UNICODE
    return None


def _no_file_yet(settings: Settings, path: Path) -> Finding:
    if not settings.database_url:
        return ok("database", f"{path} is not made yet; longscribe serve makes it")
    return problem(
        "database",
        f"there is no file {path}",
        "Correct LONGSCRIBE_DATABASE_URL, or make it: longscribe migrate",
    )


def judge_schema(state: migrations.SchemaState) -> Finding:
    if state.current == state.head:
        return ok("schema", f"up to date ({state.head})")
    if state.current is None:
        return problem("schema", "the database has no tables", "Make them: longscribe migrate")
    if state.is_known:
        return problem(
            "schema",
            f"at {state.current}, and this version needs {state.head}",
            "Bring it up: longscribe migrate (longscribe serve does so by itself)",
        )
    return problem(
        "schema",
        f"at {state.current}, {state.belongs_to}, which this version does not know: a newer one "
        "was here",
        state.advice,
    )


def check_clock(db: Database, now: Callable[[], datetime]) -> list[Finding]:
    """Compare the database's clock, which alone decides over leases, with this machine's."""
    with db.reading() as session:
        session.execute(select(1))  # connecting takes its time
        before = now()
        there = session.scalar(select(database_now()))
        after = now()
    assert there is not None
    if before <= there <= after:
        apart = 0.0
    else:
        apart = min((there - before).total_seconds(), (there - after).total_seconds(), key=abs)
    if abs(apart) <= _CLOCK_MAY_DIFFER_S:
        return [ok("clock", "this machine's agrees with the database's")]
    ahead = "behind" if apart > 0 else "ahead of"
    return [
        warning(
            "clock",
            f"this machine's is {in_words(abs(apart))} {ahead} the database's; leases hold, since "
            "they use the database's alone, but logs and the order of jobs go by this one",
            "Let both keep time by NTP.",
        )
    ]


def check_workers(db: Database, settings: Settings, served_by: str | None) -> list[Finding]:
    """List the workers that reported themselves lately, and if none the last one within a day."""
    with db.reading() as session:
        now = session.scalar(select(database_now()))
    last = jobs.worker_last_seen(db)
    assert now is not None

    def ago(worker: jobs.WorkerRecord) -> str:
        return f"seen {in_words((now - worker.seen_at).total_seconds())} ago"

    if lately := _seen_lately(db, settings):
        return [_judge_worker(worker, ago(worker)) for worker in lately]
    finding = "none lately"
    if last is not None:
        finding += f"; the last, {last.name}, was {ago(last)}"
    return [_without_worker("workers", finding, settings, served_by, jobs_wait=False)]


def _judge_worker(worker: jobs.WorkerRecord, ago: str) -> Finding:
    found = f"{worker.name} with {worker.model} on {worker.device}, {ago}"
    if not worker.obstacles:
        return ok("workers", found)
    what, to_do = obstacles_in_words(worker.obstacles)
    level = warning if START_OBSTACLES.issuperset(worker.obstacles) else problem
    return level("workers", f"{found}: takes no job, for it {what}", to_do)


def check_jobs(db: Database, settings: Settings, served_by: str | None) -> list[Finding]:
    """Check that no jobs wait for a worker that is not there."""
    by_status = jobs.queue_summary(db).by_status
    open_statuses = [JobStatus.QUEUED, *sorted(RUNNING)]
    count = ", ".join(
        f"{by_status[status]} {status}" for status in open_statuses if by_status.get(status)
    )
    if not count:
        return [ok("jobs", "none waits")]
    with db.reading() as session:
        now = session.scalar(select(database_now()))
        oldest = session.scalar(
            select(func.min(Job.queued_at)).where(
                Job.status.in_([status.value for status in open_statuses])
            )
        )
    assert now is not None
    if oldest is not None:
        count += f", the oldest for {in_words((now - oldest).total_seconds())}"
    if _seen_lately(db, settings):
        waited_for = jobs.models_waited_for(db, within_s=settings.worker_seen_within_s)
        return [ok("jobs", count), *(_without_model(model) for model in waited_for)]
    finding = f"{count}, and no worker is there"
    return [_without_worker("jobs", finding, settings, served_by, jobs_wait=True)]


def _without_model(model: str) -> Finding:
    return warning(
        "jobs",
        f"some wait for a worker that runs {model}, and none is running",
        "Start one with LONGSCRIBE_MODEL set to it, or cancel them.",
    )


def _without_worker(
    thing: str, finding: str, settings: Settings, served_by: str | None, *, jobs_wait: bool
) -> Finding:
    if settings.redis_url.get_secret_value():
        return problem(thing, finding, _START_A_WORKER)
    if served_by:
        log = settings.data_dir.resolve() / "logs" / "worker.log"
        return problem(thing, f"{finding}, though longscribe serve runs", f"See {log}.")
    if jobs_wait:
        return warning(thing, finding, "longscribe serve starts one, which takes them.")
    return ok(thing, f"{finding}; longscribe serve starts one")


def _seen_lately(db: Database, settings: Settings) -> list[jobs.WorkerRecord]:
    return jobs.workers_seen(db, within_s=settings.worker_seen_within_s)


def in_words(seconds: float) -> str:
    """A duration in words: '40 s', '12 min', '3 h 20 min' or '9 d'."""
    whole = timedelta(seconds=round(max(0.0, seconds)))
    if whole < timedelta(minutes=2):
        return f"{whole.seconds} s"
    minutes = int(whole.total_seconds()) // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} d"
