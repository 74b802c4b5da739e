"""What sources tell of changes, what connectors keep for themselves, and facts for reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, and to each flow how far it heard of changes."""
    op.add_column("checkpoint", sa.Column("heard", _Id))
    op.add_column("checkpoint", sa.Column("full_at", sa.Double))
    op.add_column("checkpoint", sa.Column("full_mark", sa.Text, nullable=False, server_default=""))
    op.add_column("checkpoint", sa.Column("how", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "feed",
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("cursor", sa.Text),
        sa.Column("acknowledged", sa.Integer, nullable=False, server_default="1"),
        sa.Column("number", _Id, nullable=False, server_default="0"),
    )
    op.create_table(
        "hint",
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("entity", sa.String, primary_key=True),
        sa.Column("native_id", sa.String, primary_key=True),
        sa.Column("number", _Id, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("hint_by_number", "hint", ["connection", "entity", "number"])
    op.create_table(
        "memory",
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "fact",
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("entity", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("occurred_at", sa.Double),
        sa.Column("canonical", sa.LargeBinary, nullable=False),
        sa.Column("read_at", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("fact_by_time", "fact", ["entity", "occurred_at"])
