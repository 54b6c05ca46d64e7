"""Very many jobs, written by a few SQL statements instead of one by one."""

from __future__ import annotations

from sqlalchemy import text

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.storage import stored_bytes

OTHER_OWNERS = 49

_SAID = "今天的会议先讨论预算和显卡采购的安排请大家准时参加"


def make_many_jobs(db: Database, *, ended: int, waiting: int, characters: int = 330) -> None:
    """Make `ended` jobs, one of 50 of them failed and the others with a text of so many characters,
    and after them `waiting` ones. Half are the local owner's, the others' are spread evenly."""
    every = ended + waiting
    with db.writing() as session:
        # The triggers would do for each row what `recount` does for all.
        if db.is_sqlite:
            triggers = session.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name, _ in triggers:
                session.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in ("jobs", "recordings", "attempts"):
                session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in _statements(db.is_sqlite, ended):
            session.execute(
                text(statement),
                {"every": every, "ended": ended, "said": (_SAID * 50)[:characters]},
            )
        if db.is_sqlite:
            for _, sql in triggers:
                session.execute(text(sql))
        else:
            for table in ("jobs", "recordings", "attempts"):
                session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    jobs.recount(db)
    stored_bytes.recount(db)
    if not db.is_sqlite:  # as autovacuum does soon; nothing does in SQLite
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _statements(is_sqlite: bool, ended: int) -> list[str]:
    def identifier(kind: str) -> str:
        # Ids that begin alike and go up, as those of version 7 do.
        if is_sqlite:
            return f"printf('01900000-%04x-7{kind}-8000-%012x', n >> 16, n)"
        parts = "lpad(to_hex(n >> 16), 4, '0'), lpad(to_hex(n), 12, '0')"
        return f"format('01900000-%s-7{kind}-8000-%s', {parts})"

    def at(later_s: int) -> str:
        if is_sqlite:
            shift = f"(n - :every + {later_s} - 100) || ' seconds'"
            return f"strftime('%Y-%m-%d %H:%M:%f', 'now', {shift}) || '000'"
        return f"now() + (n - :every + {later_s} - 100) * interval '1 second'"

    def numbers(most: str) -> str:
        if is_sqlite:
            return (
                "(WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted "
                f"WHERE n < {most}) SELECT n FROM counted) AS numbers"
            )
        return f"generate_series(1, {most}) AS numbers(n)"

    owner = (
        f"CASE WHEN n % 2 = 0 THEN '{LOCAL_OWNER}' ELSE 'owner ' || (n / 2 % {OTHER_OWNERS}) END"
    )
    is_ended = f"n <= {ended}"
    failed = "n % 50 = 0"
    state = (
        f"CASE WHEN NOT {is_ended} THEN 'queued' WHEN {failed} THEN 'failed' ELSE 'completed' END"
    )
    outcome = f"CASE WHEN {failed} THEN 'failed' ELSE 'completed' END"
    rows = numbers("CAST(:every AS integer)")
    ended_rows = numbers("CAST(:ended AS integer)")
    json = "" if is_sqlite else "::json"
    no = "0" if is_sqlite else "false"
    return [
        f"""INSERT INTO recordings (id, owner_id, blob_key, filename, folded_name, size_bytes,
                sha256, duration_s, estimated_s, created_at)
            SELECT {identifier("aaa")}, {owner}, 'key ' || n, 'meeting ' || n || '.m4a',
                'meeting ' || n || '.m4a', 30000000, 'hash ' || n,
                CASE WHEN {is_ended} THEN 3600.0 END, 3600.0, {at(0)}
            FROM {rows}""",
        f"""INSERT INTO jobs (id, owner_id, recording_id, status, progress, priority, options,
                request_digest, created_at, queued_at, available_at, started_at, completed_at,
                fence, failed_attempts, warnings)
            SELECT {identifier("bbb")}, {owner}, {identifier("aaa")}, {state},
                CASE WHEN {is_ended} THEN 1 ELSE 0 END, 0, '{{}}'{json}, 'digest', {at(0)}, {at(0)},
                {at(0)}, CASE WHEN {is_ended} THEN {at(0)} END,
                CASE WHEN {is_ended} THEN {at(60)} END, 1, 0, '[]'{json}
            FROM {rows}""",
        f"""INSERT INTO attempts (job_id, number, fence, worker, started_at, ended_at, outcome,
                model, batches, oom_retries, discarded)
            SELECT {identifier("bbb")}, 1, 1, 'worker', {at(0)}, {at(60)}, {outcome}, 'model', 9, 0,
                {no}
            FROM {ended_rows}""",
        f"""INSERT INTO events (job_id, at, kind, detail)
            SELECT {identifier("bbb")}, {at(0)}, kind, '{{}}'{json}
            FROM {rows} CROSS JOIN (SELECT 'submitted' AS kind UNION ALL SELECT 'claimed'
                UNION ALL SELECT 'completed') AS kinds
            WHERE {is_ended} OR kind = 'submitted'""",
        f"""INSERT INTO search_texts (job_id, folded, text)
            SELECT {identifier("bbb")}, :said || n, :said || n FROM {ended_rows}
            WHERE :every > 0 AND NOT {failed}""",
    ]
