"""The ledger's tables, as the newest migration leaves them (a test compares the two).

Fingerprints and records are bytes as they were hashed or encoded; times are Unix seconds, so that they mean
the same in SQLite and in PostgreSQL and in every zone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from obmen.state.text import LONGEST_ID, storable

metadata = MetaData()
_Id = BigInteger().with_variant(Integer(), "sqlite")
_LONGEST_TOKEN = LONGEST_ID + 100


class _Words(TypeDecorator[str]):
    """What a peer or a person said: a character that cannot be kept costs only itself."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else storable(value)


class _Word(_Words):
    """A short one, such as the code of a refusal."""

    impl = String
    cache_ok = True


class _Token(_Word):
    """What a record waits for. One that is cut names an id so long that it is never kept, so nothing brings it."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        words = super().process_bind_param(value, dialect)
        return None if words is None else words[:_LONGEST_TOKEN]


run = Table(
    "run",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("flow", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("status", String, nullable=False),
    Column("counts", Text, nullable=False, server_default="{}"),
    Column("message", _Words, nullable=False, server_default=""),
    Index("run_by_flow", "flow", "id"),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("token", _Id, nullable=False),
    Column("expires_at", Double, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("flow", String, primary_key=True),
    Column("cursor", Text),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("whole", Integer, nullable=False, server_default="0"),
    Column("pins", Text, nullable=False, server_default="{}"),
    Column("read_at", Double),
    Column("heard", _Id),
    Column("full_at", Double),
    Column("full_mark", Text, nullable=False, server_default=""),
    Column("how", Text, nullable=False, server_default=""),
)

feed = Table(
    "feed",
    metadata,
    Column("connection", String, primary_key=True),
    Column("cursor", Text),
    Column("acknowledged", Integer, nullable=False, server_default="1"),
    Column("number", _Id, nullable=False, server_default="0"),
)

hint = Table(
    "hint",
    metadata,
    Column("connection", String, primary_key=True),
    Column("entity", String, primary_key=True),
    Column("native_id", String, primary_key=True),
    Column("number", _Id, nullable=False),
    Index("hint_by_number", "connection", "entity", "number"),
    sqlite_with_rowid=False,
)

memory = Table(
    "memory",
    metadata,
    Column("connection", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

fact = Table(
    "fact",
    metadata,
    Column("connection", String, primary_key=True),
    Column("entity", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("occurred_at", Double),
    Column("canonical", LargeBinary, nullable=False),
    Column("read_at", Double, nullable=False),
    Index("fact_by_time", "entity", "occurred_at"),
    sqlite_with_rowid=False,
)

seen_page = Table(
    "seen_page",
    metadata,
    Column("flow", String, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("fingerprints", LargeBinary, nullable=False),
    Column("mark", LargeBinary),
)

record = Table(
    "record",
    metadata,
    Column("flow", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("run", _Id, nullable=False),
    Index("record_by_source", "flow", "source"),
    sqlite_with_rowid=False,
)

binding = Table(
    "binding",
    metadata,
    Column("connection", String, primary_key=True),
    Column("entity", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("native_id", String, nullable=False),
    Column("natural_id", String),
    Column("chosen", Integer, nullable=False, server_default="0"),
    UniqueConstraint("connection", "entity", "native_id", name="binding_by_native_id"),
    Index("binding_by_natural_id", "connection", "entity", "natural_id", unique=True),
    sqlite_with_rowid=False,
)

agreed = Table(
    "agreed",
    metadata,
    Column("connection", String, primary_key=True),
    Column("entity", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("sequence", Integer, nullable=False, server_default="0"),
    Column("hash", LargeBinary, nullable=False),
    Column("canonical", LargeBinary, nullable=False),
    Column("live", Integer, nullable=False),
    Column("agreed_at", Double, nullable=False),
    Column("run", _Id, nullable=False),
    Column("maybe", LargeBinary),
    Index("agreed_by_run", "connection", "entity", "run"),
    sqlite_with_rowid=False,
)

outbox = Table(
    "outbox",
    metadata,
    Column("connection", String, primary_key=True),
    Column("entity", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("flow", String, nullable=False),
    Column("state", String, nullable=False),
    Column("op", String, nullable=False),
    Column("effect", String, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("canonical", LargeBinary, nullable=False),
    Column("sent_hash", LargeBinary),
    Column("sent_canonical", LargeBinary),
    Column("sent_op", String),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("not_before", Double, nullable=False, server_default="0"),
    Column("ticket", String),
    Column("waits_for", _Token),
    Column("reason", _Words, nullable=False, server_default=""),
    Column("cause", _Words, nullable=False, server_default=""),
    Column("enqueued_at", Double, nullable=False),
    Column("run", _Id, nullable=False),
    Index("outbox_by_flow", "flow", "connection", "state", "not_before"),
    Index("outbox_by_wait", "waits_for"),
    sqlite_with_rowid=False,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("flow", String, nullable=False),
    Column("connection", String, nullable=False),
    Column("entity", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("state", String, nullable=False),
    Column("key", String, nullable=False),
    Column("source", String, nullable=False),
    Column("code", _Word, nullable=False),
    Column("message", _Words, nullable=False),
    Column("op", String, nullable=False, server_default="put"),
    Column("raw", LargeBinary),
    Column("canonical", LargeBinary),
    Column("fingerprint", LargeBinary),
    Column("waits_for", _Token),
    Column("created_at", Double, nullable=False),
    Column("run", _Id, nullable=False),
    Index("quarantine_by_flow", "flow", "state", "id"),
    Index("quarantine_by_source", "flow", "source"),
    Index("quarantine_by_key", "flow", "key"),
    Index("quarantine_by_wait", "waits_for"),
)

wish = Table(
    "wish",
    metadata,
    Column("flow", String, primary_key=True),
    Column("asked_at", Double, nullable=False),
    Column("asked_by", _Word, nullable=False),
    Column("reason", _Words, nullable=False, server_default=""),
)

deed = Table(
    "deed",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("who", _Word, nullable=False),
    Column("what", String, nullable=False),
    Column("about", _Words, nullable=False),
    Column("reason", _Words, nullable=False, server_default=""),
)

alert = Table(
    "alert",
    metadata,
    Column("name", String, primary_key=True),
    Column("rule", String, nullable=False),
    Column("subject", _Word, nullable=False),
    Column("level", String, nullable=False),
    Column("text", _Words, nullable=False),
    Column("since", Double, nullable=False),
    Column("told", Text, nullable=False, server_default=""),
    Column("over_at", Double),
)

backfill = Table(
    "backfill",
    metadata,
    Column("flow", String, primary_key=True),
    Column("state", String, primary_key=True),
    Column("since", Double, primary_key=True),
    Column("until", Double, nullable=False),
    Column("counts", Text, nullable=False, server_default="{}"),
    Column("updated_at", Double, nullable=False),
)

budget = Table(
    "budget",
    metadata,
    Column("account", String, primary_key=True),
    Column("group", String, primary_key=True),
    Column("taken", Text, nullable=False, server_default="[]"),
    Column("blocked_at", Double, nullable=False, server_default="0"),
    Column("blocked_until", Double, nullable=False, server_default="0"),
)

peer = Table(
    "peer",
    metadata,
    Column("connection", String, primary_key=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("paused_at", Double, nullable=False, server_default="0"),
    Column("paused_until", Double, nullable=False, server_default="0"),
    Column("reason", _Words, nullable=False, server_default=""),
)

logout = Table(
    "logout",
    metadata,
    Column("session", String, primary_key=True),
    Column("at", Double, nullable=False),
)

move = Table(
    "move",
    metadata,
    Column("name", String, primary_key=True),
    Column("number", String, nullable=False),
    Column("state", String, nullable=False),
    Column("place", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("position", Text, nullable=False, server_default="{}"),
)

original = Table(
    "original",
    metadata,
    Column("connection", String, primary_key=True),
    Column("entity", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("canonical", LargeBinary, nullable=False),
    Column("read_at", Double, nullable=False),
    sqlite_with_rowid=False,
)

taken = Table(
    "taken",
    metadata,
    Column("source", String, primary_key=True),
    Column("sku", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("number", String, primary_key=True),
    Column("warehouse", String, nullable=False),
    Column("quantity", String, nullable=False),
    Column("taken_at", Double, nullable=False),
    Column("known_at", Double),
    Index("taken_by_order", "channel", "number"),
    sqlite_with_rowid=False,
)

written = Table(
    "written",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("run", _Id, nullable=False),
    Column("flow", String, nullable=False),
    Column("connection", String, nullable=False),
    Column("entity", String, nullable=False),
    Column("key", String, nullable=False),
    Column("op", String, nullable=False),
    Column("before", LargeBinary),
    Column("after", LargeBinary, nullable=False),
    Column("cause", _Words, nullable=False, server_default=""),
    Index("written_by_key", "connection", "entity", "key", "id"),
    Index("written_by_run", "run"),
)

pause = Table(
    "pause",
    metadata,
    Column("connection", String, primary_key=True),
    Column("entity", String, primary_key=True),
    Column("direction", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("who", _Word, nullable=False),
    Column("reason", _Words, nullable=False, server_default=""),
)
