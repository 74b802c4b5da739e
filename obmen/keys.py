"""When the keys of connections end, known without asking again.

Some keys tell it themselves. Where only the system tells it, to who asks, what it said last is kept, so that an alert
comes in time and looking at it calls nobody. A key that has been exchanged since makes what was said of it void.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from obmen.connector import Connector, secret_values
from obmen.http.account import account_of

NAME = "key/ends"
"""What a connection's memory keeps it under."""


class Said(msgspec.Struct, frozen=True):
    """What the system said: when the key ends, when it was asked (Unix seconds), of which key (a digest)."""

    ends: float
    asked_at: float
    key: str


def ends(connector: type[Connector], options: Any, kept: bytes | None) -> datetime | None:
    """Return when the key ends, as it says itself or as its system said last; None if nobody said it."""
    own = connector.key_ends(options)
    if own is not None:
        return own
    found = said(connector, options, kept)
    return datetime.fromtimestamp(found.ends, UTC) if found is not None else None


def said(connector: type[Connector], options: Any, kept: bytes | None) -> Said | None:
    """Return what the system said last of just this key."""
    if kept is None:
        return None
    try:
        found = msgspec.json.decode(kept, type=Said)
    except msgspec.DecodeError:  # of another version
        return None
    return found if found.key == _digest(connector, options) else None


def keep(connector: Connector, at: datetime) -> None:
    """Keep when the system said that the connection's key ends."""
    mark = _digest(type(connector), connector.options)
    made = Said(at.timestamp(), connector.clock.now().timestamp(), mark)
    connector.memory.put(NAME, msgspec.json.encode(made))


def only_told(connector: type[Connector], options: Any) -> bool:
    """Whether the key's end is known to its system alone, which has to be asked."""
    return connector.ask_key_end is not Connector.ask_key_end and connector.key_ends(options) is None


def _digest(connector: type[Connector], options: Any) -> str:
    return account_of(connector.transport(options), secret_values(options))
