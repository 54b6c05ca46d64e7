"""Searched texts: names and transcripts in lower case; those of older jobs are filled in.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_AT_ONCE = 20
"""Transcripts in memory: some 1.5 MB for an hour, ten times that for ten."""

_ALIKE = {
    **{0xFF01 + offset: 0x21 + offset for offset in range(94)},
    0x3000: " ",
    0x00: " ",
    ord("İ"): "i",
}


def upgrade() -> None:
    op.add_column("recordings", sa.Column("folded_name", sa.String(length=255), nullable=True))
    op.create_table(
        "search_texts",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id"),
    )
    op.create_index("jobs_of_owner_by_status", "jobs", ["owner_id", "status", "id"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        # Every search reads all of it, and most of the time would go into decompressing.
        op.execute("ALTER TABLE search_texts ALTER COLUMN folded SET STORAGE EXTERNAL")
    _fill_in()


def _fill_in() -> None:
    connection = op.get_bind()
    recordings = sa.table(
        "recordings", sa.column("id"), sa.column("filename"), sa.column("folded_name")
    )
    transcripts = sa.table("transcripts", sa.column("job_id"), sa.column("content", sa.JSON))
    texts = sa.table("search_texts", sa.column("job_id"), sa.column("folded"), sa.column("text"))
    revisions = sa.table(
        "revisions",
        sa.column("job_id"),
        sa.column("sentence"),
        sa.column("revision"),
        sa.column("text"),
    )
    for rows in _batches(recordings.c.id, recordings.c.filename):
        connection.execute(
            sa.update(recordings)
            .where(recordings.c.id == sa.bindparam("of"))
            .values(folded_name=sa.bindparam("folded")),
            [{"of": row.id, "folded": _fold(row.filename)[:255]} for row in rows],
        )
    for rows in _batches(transcripts.c.job_id, transcripts.c.content):
        lines = {row.job_id: _lines(row.content) for row in rows}
        corrections = (
            sa.select(revisions)
            .where(revisions.c.job_id.in_(list(lines)))
            .order_by(revisions.c.revision)
        )
        for job_id, sentence, _, text in connection.execute(corrections):
            lines[job_id][sentence] = _line(text)
        whole = {job_id: "\n".join(sentences) for job_id, sentences in lines.items()}
        connection.execute(
            sa.insert(texts),
            [
                {"job_id": job_id, "folded": _fold(text), "text": text}
                for job_id, text in whole.items()
            ],
        )


def _batches(key: Any, value: Any) -> Iterator[Any]:
    last = ""
    while (
        rows := op.get_bind()
        .execute(sa.select(key, value).where(key > last).order_by(key).limit(_AT_ONCE))
        .all()
    ):
        yield rows
        last = rows[-1][0]


def _lines(content: Any) -> list[str]:
    content = json.loads(content) if isinstance(content, str) else content
    return [_line(sentence["text"]) for sentence in content["sentences"]]


def _line(text: str) -> str:
    return _composed(" ".join(text.split()))


def _composed(text: str) -> str:
    storable = text.encode("utf-8", "replace").decode().replace("\x00", " ")
    return unicodedata.normalize("NFC", storable)


def _fold(text: str) -> str:
    return _composed(text).translate(_ALIKE).lower()


def downgrade() -> None:
    op.drop_index("jobs_of_owner_by_status", table_name="jobs")
    op.drop_table("search_texts")
    op.drop_column("recordings", "folded_name")
