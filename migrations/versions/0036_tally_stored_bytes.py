"""Add tallies of the bytes that each owner has stored.

They are empty until the next revision sums; from here on triggers write down every change.

Revision ID: 0036
Revises: 0035
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_BYTES = "{0}.size_bytes + coalesce({0}.playable_bytes, 0)"
_OLD, _NEW = _BYTES.format("OLD"), _BYTES.format("NEW")
_CHANGED = (
    "(OLD.owner_id, OLD.size_bytes, OLD.playable_bytes) {} "
    "(NEW.owner_id, NEW.size_bytes, NEW.playable_bytes)"
)


def upgrade() -> None:
    op.create_table(
        "stored_tallies",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.Identity(),
            nullable=False,
        ),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("is_sum", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("stored_tallies_of_owner", "stored_tallies", ["owner_id"])
    changes = sa.text("NOT is_sum")
    op.create_index(
        "stored_tallies_changes",
        "stored_tallies",
        ["id"],
        sqlite_where=changes,
        postgresql_where=changes,
    )
    if op.get_bind().dialect.name == "postgresql":
        _postgresql_triggers()
    else:
        _sqlite_triggers()


def _postgresql_triggers() -> None:
    # Changes are added as rows of their own, for the reason given in revision 0018.
    op.execute(f"""
        CREATE FUNCTION tally_stored() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                INSERT INTO stored_tallies (owner_id, bytes, is_sum)
                VALUES (OLD.owner_id, -({_OLD}), false);
            END IF;
            IF TG_OP <> 'DELETE' THEN
                INSERT INTO stored_tallies (owner_id, bytes, is_sum)
                VALUES (NEW.owner_id, {_NEW}, false);
            END IF;
            RETURN NULL;
        END $$""")
    op.execute("""
        CREATE TRIGGER recordings_stored AFTER INSERT OR DELETE ON recordings
        FOR EACH ROW EXECUTE FUNCTION tally_stored()""")
    op.execute(f"""
        CREATE TRIGGER recordings_stored_anew
        AFTER UPDATE OF owner_id, size_bytes, playable_bytes ON recordings
        FOR EACH ROW WHEN ({_CHANGED.format("IS DISTINCT FROM")})
        EXECUTE FUNCTION tally_stored()""")


def _sqlite_triggers() -> None:
    def add(recording: str, change: str) -> str:
        known = f"SELECT id FROM stored_tallies WHERE owner_id = {recording}.owner_id"
        return f"""
            INSERT INTO stored_tallies (owner_id, bytes, is_sum)
                SELECT {recording}.owner_id, 0, 1 WHERE NOT EXISTS ({known});
            UPDATE stored_tallies SET bytes = bytes + ({change})
                WHERE id = ({known} ORDER BY id LIMIT 1);"""

    less, more = add("OLD", f"-({_OLD})"), add("NEW", _NEW)
    op.execute(f"CREATE TRIGGER recordings_stored AFTER INSERT ON recordings BEGIN {more} END")
    op.execute(
        f"CREATE TRIGGER recordings_deleted_stored AFTER DELETE ON recordings BEGIN {less} END"
    )
    op.execute(f"""
        CREATE TRIGGER recordings_stored_anew
        AFTER UPDATE OF owner_id, size_bytes, playable_bytes ON recordings
        WHEN {_CHANGED.format("IS NOT")}
        BEGIN {less} {more} END""")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER recordings_stored ON recordings")
        op.execute("DROP TRIGGER recordings_stored_anew ON recordings")
        op.execute("DROP FUNCTION tally_stored")
    else:
        for name in ("recordings_stored", "recordings_deleted_stored", "recordings_stored_anew"):
            op.execute(f"DROP TRIGGER {name}")
    op.drop_table("stored_tallies")
