"""That a key is refused is known of a flow now, with all else that fails, and no more of the connection as a whole."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Drop what told it of a connection."""
    op.drop_column("peer", "refused_at")
    op.drop_column("peer", "refusal")
