"""Which periods of a flow's past were asked for, and which of them are read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "backfill",
        sa.Column("flow", sa.String, primary_key=True),
        sa.Column("state", sa.String, primary_key=True),
        sa.Column("since", sa.Double, primary_key=True),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("counts", sa.Text, nullable=False, server_default="{}"),
        sa.Column("updated_at", sa.Double, nullable=False),
    )
