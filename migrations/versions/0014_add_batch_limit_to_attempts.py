"""Add what limited the batch size to attempts, in numbers instead of an English sentence.

The sentences of before are read back into numbers.  They stay in `batch_reason`, for the version
before shows them after a downgrade, and this one where a sentence is not understood.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_AT_ONCE = 500
"""Attempts in memory."""

_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "limited_by": sa.String(length=16),
    "sized_for_s": sa.Float(),
    "jobs_at_once": sa.Integer(),
    "memory_is_measured": sa.Boolean(),
    "learned_ceiling_s": sa.Float(),
}

_SENTENCE = re.compile(
    r"(?:LONGSCRIBE_BATCH_SIZE_S asks for \d+ s"
    r"|an? (?P<length>[\d.]+)-(?P<unit>second|minute|hour) recording allows \d+ s)"
    r"; [\d.]+ GB free memory(?: for each of (?P<jobs>\d+) jobs at once)?"
    r"(?: allows [\d,]+ s| leaves nothing after the reserve, so segments go one by one)"
    r"(?P<measured> as measured)?"
    r"(?:; (?P<learned>\d+) s since a larger batch ran out of memory)?"
)
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}

_attempts = sa.table(
    "attempts",
    sa.column("id", sa.BigInteger),
    sa.column("batch_reason", sa.Text),
    sa.column("batch_size_s", sa.Float),
    sa.column("length_ceiling_s", sa.Float),
    sa.column("memory_cap_s", sa.Float),
    sa.column("oom_retries", sa.Integer),
    *(sa.column(name, kind) for name, kind in _COLUMNS.items()),
)


def upgrade() -> None:
    for name, kind in _COLUMNS.items():
        op.add_column("attempts", sa.Column(name, kind, nullable=True))
    last, connection = -1, op.get_bind()
    told = _attempts.c.batch_reason.is_not(None)
    while rows := connection.execute(
        sa.select(_attempts)
        .where(told, _attempts.c.id > last)
        .order_by(_attempts.c.id)
        .limit(_AT_ONCE)
    ).all():
        last = rows[-1].id
        understood = [numbers for row in rows if (numbers := _numbers(row)) is not None]
        if understood:
            connection.execute(
                sa.update(_attempts)
                .where(_attempts.c.id == sa.bindparam("of"))
                .values({name: sa.bindparam(f"new_{name}") for name in _COLUMNS}),
                understood,
            )


def _numbers(row: Any) -> dict[str, Any] | None:
    """The new columns of a row that has a sentence; None where that is not one of ours."""
    found = _SENTENCE.fullmatch(row.batch_reason)
    if found is None or row.length_ceiling_s is None or row.memory_cap_s is None:
        return None
    learned_s = float(found["learned"]) if found["learned"] else None
    smallest_s = min(row.length_ceiling_s, row.memory_cap_s)
    if row.oom_retries and row.batch_size_s + 1 < smallest_s:
        learned_s = row.batch_size_s  # lowered after the sentence was written
    if learned_s is not None:
        limited_by = "learned"
    elif row.memory_cap_s < row.length_ceiling_s:
        limited_by = "memory"
    else:
        limited_by = "length" if found["length"] else "setting"
    return {
        "of": row.id,
        "new_limited_by": limited_by,
        "new_sized_for_s": (
            float(found["length"]) * _SECONDS[found["unit"]] if found["length"] else None
        ),
        "new_jobs_at_once": int(found["jobs"] or 1),
        "new_memory_is_measured": found["measured"] is not None,
        "new_learned_ceiling_s": learned_s,
    }


def downgrade() -> None:
    for name in reversed(_COLUMNS):
        op.drop_column("attempts", name)
