"""What a system calls a record where that is not our key, and whether a person bound it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NAMED = sa.text("natural_id IS NOT NULL")


def upgrade() -> None:
    """Add the columns; what is bound already goes by its key and was bound by no person."""
    op.add_column("binding", sa.Column("natural_id", sa.String))
    op.add_column("binding", sa.Column("chosen", sa.Integer, nullable=False, server_default="0"))
    op.create_index(
        "binding_by_natural_id",
        "binding",
        ["connection", "entity", "natural_id"],
        unique=True,
        sqlite_where=_NAMED,
        postgresql_where=_NAMED,
    )
