"""What is known of each connection by all processes: whether it is left in peace, and whether its key was refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "peer",
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("paused_at", sa.Double, nullable=False, server_default="0"),
        sa.Column("paused_until", sa.Double, nullable=False, server_default="0"),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("refused_at", sa.Double, nullable=False, server_default="0"),
        sa.Column("refusal", sa.Text, nullable=False, server_default=""),
    )
