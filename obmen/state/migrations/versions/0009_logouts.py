"""Which sessions of the page were ended by their people; and what a run changed is found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table and the index."""
    op.create_table(
        "logout",
        sa.Column("session", sa.String, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_index("agreed_by_run", "agreed", ["connection", "entity", "run"])
