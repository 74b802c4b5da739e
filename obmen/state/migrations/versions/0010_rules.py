"""What the seller's rules are reckoned from, what was written with what stood there before, and what people paused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, and to the outbox why a change was decided."""
    op.add_column("outbox", sa.Column("cause", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "original",
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("entity", sa.String, primary_key=True),
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("canonical", sa.LargeBinary, nullable=False),
        sa.Column("read_at", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "taken",
        sa.Column("source", sa.String, primary_key=True),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("channel", sa.String, primary_key=True),
        sa.Column("number", sa.String, primary_key=True),
        sa.Column("warehouse", sa.String, nullable=False),
        sa.Column("quantity", sa.String, nullable=False),
        sa.Column("taken_at", sa.Double, nullable=False),
        sa.Column("known_at", sa.Double),
        sqlite_with_rowid=False,
    )
    op.create_index("taken_by_order", "taken", ["channel", "number"])
    op.create_table(
        "written",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("run", _ID, nullable=False),
        sa.Column("flow", sa.String, nullable=False),
        sa.Column("connection", sa.String, nullable=False),
        sa.Column("entity", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("op", sa.String, nullable=False),
        sa.Column("before", sa.LargeBinary),
        sa.Column("after", sa.LargeBinary, nullable=False),
        sa.Column("cause", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("written_by_key", "written", ["connection", "entity", "key", "id"])
    op.create_index("written_by_run", "written", ["run"])
    op.create_table(
        "pause",
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("entity", sa.String, primary_key=True),
        sa.Column("direction", sa.String, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
    )
