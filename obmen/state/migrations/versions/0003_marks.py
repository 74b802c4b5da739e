"""What decided the fingerprints of a page, so that an unchanged one need not be made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the marks; a page without one is made and compared."""
    op.add_column("seen_page", sa.Column("mark", sa.LargeBinary))
