"""Add tallies of jobs by owner and state, the sweep's turn, and indexes of what waits, runs, ended.

On PostgreSQL the indexes are built while jobs are submitted and worked off. The tallies are empty
until the next revision counts; from here on triggers write down every change.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_QUEUED = "status = 'queued'"
_RUNNING = "status IN ('cancelling', 'processing')"
_ENDED = "status IN ('cancelled', 'completed', 'failed')"

_INDEXES: list[tuple[str, str, list[Any], str | None]] = [
    (
        "jobs_waiting",
        "jobs",
        ["owner_id", sa.text("(-priority)"), "queued_at", "id"],
        _QUEUED,
    ),
    ("jobs_running", "jobs", ["owner_id"], _RUNNING),
    ("jobs_ended", "jobs", ["completed_at"], _ENDED),
    ("attempts_to_learn_from", "attempts", ["id"], "number = 1 AND outcome = 'completed'"),
    ("recordings_decoded", "recordings", ["id"], "duration_s > 0"),
    ("turns_by_number", "turns", ["number"], None),
]

_AUDIO_MS = "coalesce({0}.duration_s, {0}.estimated_s, {0}.size_bytes / 16000.0, 0)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            for name, table, columns, where in _INDEXES:
                # One whose building was interrupted is there, and invalid.
                op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
                _create_index(name, table, columns, where, postgresql_concurrently=True)
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS jobs_in_claim_order")
    else:
        for name, table, columns, where in _INDEXES:
            _create_index(name, table, columns, where)
        op.drop_index("jobs_in_claim_order", table_name="jobs")
    op.create_table(
        "tallies",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.Identity(),
            nullable=False,
        ),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("audio_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_sum", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("tallies_of_owner", "tallies", ["owner_id", "status"])
    op.create_index("tallies_by_status", "tallies", ["status"])
    op.create_index(
        "tallies_changes",
        "tallies",
        ["id"],
        sqlite_where=sa.text("NOT is_sum"),
        postgresql_where=sa.text("NOT is_sum"),
    )
    op.create_table(
        "sweep_turns",
        sa.Column("duty", sa.String(32), nullable=False),
        sa.Column("worker", sa.String(255), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("duty"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _create_index(
    name: str, table: str, columns: list[Any], where: str | None, **options: Any
) -> None:
    condition = None if where is None else sa.text(where)
    if name == "jobs_waiting":
        # Without the column itself PostgreSQL reads every row that the index names.
        options["postgresql_include"] = ["priority"]
    op.create_index(
        name, table, columns, sqlite_where=condition, postgresql_where=condition, **options
    )


def _postgresql_triggers() -> None:
    # Changes are added as rows of their own. To update one row for each owner and state would let
    # transactions wait for one another, and some in a circle.
    op.execute(f"""
        CREATE FUNCTION add_to_tallies(of_owner varchar, in_state varchar, job_count bigint,
                                       recording recordings) RETURNS void LANGUAGE sql AS $$
            INSERT INTO tallies (owner_id, status, jobs, audio_ms, is_sum) VALUES (
                of_owner, in_state, job_count,
                job_count * round(1000 * least(1e9, {_AUDIO_MS.format("recording")}))::bigint, false
            )
        $$""")
    op.execute("""
        CREATE FUNCTION tally_job() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            recording recordings;
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                SELECT * INTO recording FROM recordings WHERE id = OLD.recording_id;
                PERFORM add_to_tallies(OLD.owner_id, OLD.status, -1, recording);
            END IF;
            IF TG_OP <> 'DELETE' THEN
                SELECT * INTO recording FROM recordings WHERE id = NEW.recording_id;
                PERFORM add_to_tallies(NEW.owner_id, NEW.status, 1, recording);
            END IF;
            RETURN NULL;
        END $$""")
    op.execute("""
        CREATE FUNCTION tally_recording() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            job jobs;
        BEGIN
            -- Locked, so that a job that moves at this moment is counted where it arrives.
            FOR job IN SELECT * FROM jobs WHERE recording_id = NEW.id FOR NO KEY UPDATE LOOP
                PERFORM add_to_tallies(job.owner_id, job.status, -1, OLD);
                PERFORM add_to_tallies(job.owner_id, job.status, 1, NEW);
            END LOOP;
            RETURN NULL;
        END $$""")
    op.execute("""
        CREATE TRIGGER jobs_tallied AFTER INSERT OR DELETE ON jobs
        FOR EACH ROW EXECUTE FUNCTION tally_job()""")
    op.execute("""
        CREATE TRIGGER jobs_moved_tallied AFTER UPDATE OF owner_id, status, recording_id ON jobs
        FOR EACH ROW WHEN ((OLD.owner_id, OLD.status, OLD.recording_id)
                           IS DISTINCT FROM (NEW.owner_id, NEW.status, NEW.recording_id))
        EXECUTE FUNCTION tally_job()""")
    op.execute("""
        CREATE TRIGGER recordings_tallied AFTER UPDATE OF duration_s, estimated_s, size_bytes
        ON recordings
        FOR EACH ROW WHEN ((OLD.duration_s, OLD.estimated_s, OLD.size_bytes)
                           IS DISTINCT FROM (NEW.duration_s, NEW.estimated_s, NEW.size_bytes))
        EXECUTE FUNCTION tally_recording()""")


def _sqlite_triggers() -> None:
    def audio_ms(recording: str) -> str:
        return f"CAST(round(1000 * min(1e9, {_AUDIO_MS.format(recording)})) AS INTEGER)"

    def of_job(job: str) -> str:
        return f"(SELECT {audio_ms('r')} FROM recordings AS r WHERE r.id = {job}.recording_id)"

    def add(job: str, sign: str) -> str:
        known = f"SELECT id FROM tallies WHERE (owner_id, status) = ({job}.owner_id, {job}.status)"
        return f"""
            INSERT INTO tallies (owner_id, status, jobs, audio_ms, is_sum)
                SELECT {job}.owner_id, {job}.status, 0, 0, 1 WHERE NOT EXISTS ({known});
            UPDATE tallies SET jobs = jobs {sign} 1, audio_ms = audio_ms {sign} {of_job(job)}
                WHERE id = ({known} ORDER BY id LIMIT 1);"""

    op.execute(f"CREATE TRIGGER jobs_tallied AFTER INSERT ON jobs BEGIN {add('NEW', '+')} END")
    op.execute(
        f"CREATE TRIGGER jobs_deleted_tallied AFTER DELETE ON jobs BEGIN {add('OLD', '-')} END"
    )
    op.execute(f"""
        CREATE TRIGGER jobs_moved_tallied AFTER UPDATE OF owner_id, status, recording_id ON jobs
        WHEN (OLD.owner_id, OLD.status, OLD.recording_id)
            IS NOT (NEW.owner_id, NEW.status, NEW.recording_id)
        BEGIN {add("OLD", "-")} {add("NEW", "+")} END""")
    moved = "jobs AS j WHERE j.recording_id = NEW.id"
    same = "j.owner_id = tallies.owner_id AND j.status = tallies.status"
    op.execute(f"""
        CREATE TRIGGER recordings_tallied AFTER UPDATE OF duration_s, estimated_s, size_bytes
        ON recordings
        WHEN (OLD.duration_s, OLD.estimated_s, OLD.size_bytes)
            IS NOT (NEW.duration_s, NEW.estimated_s, NEW.size_bytes)
        BEGIN
            UPDATE tallies SET audio_ms = audio_ms
                + (SELECT count(*) FROM {moved} AND {same}) * ({audio_ms("NEW")} - {audio_ms("OLD")})
            WHERE id IN (
                SELECT (SELECT min(id) FROM tallies AS t
                        WHERE (t.owner_id, t.status) = (j.owner_id, j.status))
                FROM {moved});
        END""")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER jobs_tallied ON jobs")
        op.execute("DROP TRIGGER jobs_moved_tallied ON jobs")
        op.execute("DROP TRIGGER recordings_tallied ON recordings")
        op.execute("DROP FUNCTION tally_job")
        op.execute("DROP FUNCTION tally_recording")
        op.execute("DROP FUNCTION add_to_tallies")
    else:
        for name in (
            "jobs_tallied",
            "jobs_deleted_tallied",
            "jobs_moved_tallied",
            "recordings_tallied",
        ):
            op.execute(f"DROP TRIGGER {name}")
    op.drop_table("sweep_turns")
    op.drop_table("tallies")
    op.create_index("jobs_in_claim_order", "jobs", ["status", "priority", "queued_at"])
    for name, table, _, _ in reversed(_INDEXES):
        op.drop_index(name, table_name=table)
