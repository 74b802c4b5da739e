"""What a system may show since it was told and its answer was lost is kept until it confirms something."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add what may be shown beside what was agreed on."""
    op.add_column("agreed", sa.Column("maybe", sa.LargeBinary))
