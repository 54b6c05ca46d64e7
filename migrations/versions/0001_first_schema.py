"""The first schema, with a trigger that refuses every status change outside the state machine.

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Spelt out rather than imported: a migration says what was true when it was written. A test
# compares what the trigger allows with shared.states.TRANSITIONS, on both databases.
_ALLOWED = """
    OLD.status = NEW.status
    OR (OLD.status = 'queued' AND NEW.status IN ('processing', 'cancelled'))
    OR (OLD.status = 'processing'
        AND NEW.status IN ('completed', 'failed', 'cancelling', 'queued'))
    OR (OLD.status = 'cancelling' AND NEW.status = 'cancelled')
    OR (OLD.status IN ('failed', 'cancelled') AND NEW.status = 'queued')
"""


def _create_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"""
            CREATE TRIGGER jobs_legal_transition BEFORE UPDATE OF status ON jobs
            WHEN NOT ({_ALLOWED})
            BEGIN SELECT RAISE(ABORT, 'illegal job transition'); END
        """)
        op.execute("""
            CREATE TRIGGER jobs_begin_queued BEFORE INSERT ON jobs
            WHEN NEW.status <> 'queued'
            BEGIN SELECT RAISE(ABORT, 'a job begins queued'); END
        """)
        return
    op.execute(f"""
        CREATE FUNCTION jobs_check_transition() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.status <> 'queued' THEN
                    RAISE EXCEPTION 'a job begins queued' USING ERRCODE = 'check_violation';
                END IF;
            ELSIF NOT ({_ALLOWED}) THEN
                RAISE EXCEPTION 'illegal job transition' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER jobs_legal_transition BEFORE INSERT OR UPDATE OF status ON jobs
        FOR EACH ROW EXECUTE FUNCTION jobs_check_transition()
    """)


def _drop_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER jobs_legal_transition")
        op.execute("DROP TRIGGER jobs_begin_queued")
        return
    op.execute("DROP TRIGGER jobs_legal_transition ON jobs")
    op.execute("DROP FUNCTION jobs_check_transition()")


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("blob_key", sa.String(length=200), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("blob_key"),
    )
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recordings_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_recordings_sha256"), ["sha256"], unique=False)

    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("hostname", sa.String(length=255), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("recording_id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=True),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_attempts", sa.Integer(), nullable=False),
        sa.Column("plan_key", sa.String(length=64), nullable=True),
        sa.Column("planned_segments", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "stage IN ('decoding', 'segmenting', 'recognising', 'punctuating', 'saving')",
            name="jobs_stage_known",
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'processing', 'cancelling', 'completed', 'failed', 'cancelled')",
            name="jobs_status_known",
        ),
        sa.CheckConstraint("progress >= 0 AND progress <= 1", name="jobs_progress_is_a_share"),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner_id", "idempotency_key", name="jobs_idempotency_key_once"),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_recording_id"), ["recording_id"], unique=False)
        batch_op.create_index(
            "jobs_in_claim_order", ["status", "priority", "queued_at"], unique=False
        )
        batch_op.create_index("jobs_of_owner", ["owner_id", "id"], unique=False)

    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("model", sa.String(length=255), nullable=True),
        sa.Column("device", sa.String(length=40), nullable=True),
        sa.Column("batch_size_s", sa.Float(), nullable=True),
        sa.Column("batch_reason", sa.Text(), nullable=True),
        sa.Column("length_ceiling_s", sa.Float(), nullable=True),
        sa.Column("memory_cap_s", sa.Float(), nullable=True),
        sa.Column("headroom_bytes", sa.BigInteger(), nullable=True),
        sa.Column("predicted_peak_bytes", sa.BigInteger(), nullable=True),
        sa.Column("peak_bytes", sa.BigInteger(), nullable=True),
        sa.Column("batches", sa.Integer(), nullable=False),
        sa.Column("oom_retries", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('completed', 'failed', 'cancelled', 'lost', 'released', 'retrying')",
            name="attempts_outcome_known",
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "fence", name="attempts_fence_once"),
    )
    op.create_table(
        "segments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("plan_key", sa.String(length=64), nullable=False),
        sa.Column("start_sample", sa.BigInteger(), nullable=False),
        sa.Column("end_sample", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("words", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "job_id", "plan_key", "start_sample", "end_sample", name="segments_span_once"
        ),
    )
    op.create_table(
        "transcripts",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id"),
    )
    _create_triggers()


def downgrade() -> None:
    _drop_triggers()
    op.drop_table("transcripts")
    op.drop_table("segments")
    op.drop_table("attempts")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("jobs_of_owner")
        batch_op.drop_index("jobs_in_claim_order")
        batch_op.drop_index(batch_op.f("ix_jobs_recording_id"))

    op.drop_table("jobs")
    op.drop_table("workers")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recordings_sha256"))
        batch_op.drop_index(batch_op.f("ix_recordings_owner_id"))

    op.drop_table("recordings")
