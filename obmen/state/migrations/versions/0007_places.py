"""What is left of each account's budgets, for all processes; and whether the state has moved to another place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "budget",
        sa.Column("account", sa.String, primary_key=True),
        sa.Column("group", sa.String, primary_key=True),
        sa.Column("taken", sa.Text, nullable=False, server_default="[]"),
        sa.Column("blocked_at", sa.Double, nullable=False, server_default="0"),
        sa.Column("blocked_until", sa.Double, nullable=False, server_default="0"),
    )
    op.create_table(
        "move",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("position", sa.Text, nullable=False, server_default="{}"),
    )
