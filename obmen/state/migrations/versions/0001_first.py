"""The first schema of the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WAITS = sa.text("waits_for IS NOT NULL")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "run",
        sa.Column("id", _Id, primary_key=True, autoincrement=True),
        sa.Column("flow", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("counts", sa.Text, nullable=False, server_default="{}"),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("run_by_flow", "run", ["flow", "id"])
    op.create_table(
        "lease",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("token", _Id, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_table(
        "checkpoint",
        sa.Column("flow", sa.String, primary_key=True),
        sa.Column("cursor", sa.Text),
        sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
        sa.Column("whole", sa.Integer, nullable=False, server_default="0"),
        sa.Column("pins", sa.Text, nullable=False, server_default="{}"),
        sa.Column("read_at", sa.Double),
    )
    op.create_table(
        "seen_page",
        sa.Column("flow", sa.String, primary_key=True),
        sa.Column("page", sa.Integer, primary_key=True),
        sa.Column("fingerprints", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "record",
        sa.Column("flow", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("run", _Id, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("record_by_source", "record", ["flow", "source"])
    op.create_table(
        "binding",
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("entity", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("native_id", sa.String, nullable=False),
        sa.UniqueConstraint("connection", "entity", "native_id", name="binding_by_native_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "agreed",
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("entity", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("sequence", sa.Integer, nullable=False, server_default="0"),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("canonical", sa.LargeBinary, nullable=False),
        sa.Column("live", sa.Integer, nullable=False),
        sa.Column("agreed_at", sa.Double, nullable=False),
        sa.Column("run", _Id, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        sa.Column("connection", sa.String, primary_key=True),
        sa.Column("entity", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column("flow", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("op", sa.String, nullable=False),
        sa.Column("effect", sa.String, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("canonical", sa.LargeBinary, nullable=False),
        sa.Column("sent_hash", sa.LargeBinary),
        sa.Column("sent_canonical", sa.LargeBinary),
        sa.Column("sent_op", sa.String),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.Double, nullable=False, server_default="0"),
        sa.Column("ticket", sa.String),
        sa.Column("waits_for", sa.String),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("enqueued_at", sa.Double, nullable=False),
        sa.Column("run", _Id, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("outbox_by_flow", "outbox", ["flow", "connection", "state", "not_before"])
    op.create_index("outbox_by_wait", "outbox", ["waits_for"], sqlite_where=_WAITS, postgresql_where=_WAITS)
    op.create_table(
        "quarantine",
        sa.Column("id", _Id, primary_key=True, autoincrement=True),
        sa.Column("flow", sa.String, nullable=False),
        sa.Column("connection", sa.String, nullable=False),
        sa.Column("entity", sa.String, nullable=False),
        sa.Column("stage", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("op", sa.String, nullable=False, server_default="put"),
        sa.Column("raw", sa.LargeBinary),
        sa.Column("canonical", sa.LargeBinary),
        sa.Column("fingerprint", sa.LargeBinary),
        sa.Column("waits_for", sa.String),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("run", _Id, nullable=False),
    )
    op.create_index("quarantine_by_flow", "quarantine", ["flow", "state", "id"])
    op.create_index("quarantine_by_source", "quarantine", ["flow", "source"])
    op.create_index("quarantine_by_key", "quarantine", ["flow", "key"])
    op.create_index("quarantine_by_wait", "quarantine", ["waits_for"], sqlite_where=_WAITS, postgresql_where=_WAITS)
