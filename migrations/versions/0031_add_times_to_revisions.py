"""Let people split, join and move sentences in time.

Revision ID: 0031
Revises: 0030
"""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_revisions = sa.table(
    "revisions",
    sa.column("id", sa.BigInteger),
    sa.column("job_id", sa.String),
    sa.column("sentence", sa.Integer),
    sa.column("revision", sa.Integer),
    sa.column("text", sa.Text),
    sa.column("rule", sa.String),
    sa.column("editor_id", sa.String),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("start_s", sa.Float),
    sa.column("origin", sa.Integer),
)

_transcripts = sa.table(
    "transcripts", sa.column("job_id", sa.String), sa.column("content", sa.JSON)
)


def upgrade() -> None:
    op.add_column("revisions", sa.Column("start_s", sa.Float(), nullable=True))
    op.add_column("revisions", sa.Column("end_s", sa.Float(), nullable=True))
    op.add_column("revisions", sa.Column("origin", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Versions of before know the recognised sentences alone: what was split off goes back to the
    end of the one that it came from."""
    bind = op.get_bind()
    newest: dict[tuple[str, int], sa.Row] = {}
    for row in bind.execute(
        sa.select(_revisions)
        .where(
            _revisions.c.job_id.in_(
                sa.select(_revisions.c.job_id).where(_revisions.c.origin.is_not(None))
            )
        )
        .order_by(_revisions.c.revision)
    ):
        newest[row.job_id, row.sentence] = row
    parts = defaultdict(list)
    for row in sorted(
        (row for row in newest.values() if row.origin is not None and row.text),
        key=lambda row: row.start_s,
    ):
        parts[row.job_id, row.origin].append(row)
    for (job_id, origin), rows in parts.items():
        before = newest.get((job_id, origin))
        recognised = sa.select(_transcripts.c.content["sentences", origin, "text"].as_string())
        text = (
            before.text
            if before
            else bind.scalar(recognised.where(_transcripts.c.job_id == job_id))
        )
        texts = [text, *(row.text for row in rows)]
        values = {
            "job_id": job_id,
            "sentence": origin,
            "revision": before.revision + 1 if before else 1,
            "text": " ".join(filter(None, texts)),
            "editor_id": rows[-1].editor_id,
            "at": rows[-1].at,
        }
        bind.execute(sa.insert(_revisions).values(values))
    bind.execute(sa.delete(_revisions).where(_revisions.c.origin.is_not(None)))
    for name in ("origin", "end_s", "start_s"):
        op.drop_column("revisions", name)
