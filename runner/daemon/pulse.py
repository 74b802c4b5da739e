"""The pulse: what the service does at the moment, for the page, the status and whoever asks whether it is well.

It is kept in the state, so another process on another machine may look at it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import datetime

import msgspec

from obmen.clock import Clock
from obmen.project import FlowSettings
from obmen.state import Ledger
from obmen.state.memory import LedgerMemory

_NAME = "pulse"
FRESH = 60.0
"""Seconds after which a service that did not renew its pulse counts as gone."""


class LaneNow(msgspec.Struct, frozen=True):
    """A lane: what it does (empty: nothing), for how many seconds, and how many records of it are done.

    ``where``: the machine and process that is at it, where that is not the service itself.
    """

    connection: str
    pace: str
    task: str = ""
    flow: str = ""
    seconds: float = 0.0
    done: int = 0
    total: int | None = None
    where: str = ""


class PausedNow(msgspec.Struct, frozen=True):
    """A connection that does not answer, and why; it is left in peace for so many seconds more, 0 while it is tried."""

    connection: str
    seconds: float
    reason: str


class Carried(msgspec.Struct, frozen=True):
    """A flow of the project that runs: what it carries, whence and whither."""

    flow: str
    entity: str
    source: str
    targets: tuple[str, ...] = ()


class Pulse(msgspec.Struct, frozen=True):
    """The whole service. Times are Unix seconds; ``next``: flow → when it is due; ``carried``: all its flows.

    ``refused``: why a changed project was not taken up; empty if it was. ``clock``: why nothing is taken on, since the
    clocks differ; empty if they do not.
    """

    since: float
    at: float
    process: str
    lanes: tuple[LaneNow, ...] = ()
    paused: tuple[PausedNow, ...] = ()
    next: dict[str, float] = {}
    refused: str = ""
    clock: str = ""
    carried: tuple[Carried, ...] = ()


class Doing(msgspec.Struct, frozen=True):
    """What a project at work tells of itself: its part of the pulse."""

    lanes: tuple[LaneNow, ...] = ()
    paused: tuple[PausedNow, ...] = ()
    next: dict[str, datetime] = {}


def beat(
    doing: Doing,
    clock: Clock,
    since: float,
    refused: str = "",
    differs: str = "",
    flows: Iterable[FlowSettings] = (),
) -> Pulse:
    """Return the pulse of now. ``since``: when the service began, Unix seconds."""
    return Pulse(
        since,
        clock.now().timestamp(),
        f"{socket.gethostname()}:{os.getpid()}",
        doing.lanes,
        doing.paused,
        {name: at.timestamp() for name, at in doing.next.items()},
        refused,
        differs,
        tuple(Carried(one.name, one.entity, one.source, one.targets) for one in flows),
    )


def save(ledger: Ledger, pulse: Pulse) -> None:
    """Keep it where others find it."""
    LedgerMemory(ledger, "").put(_NAME, msgspec.json.encode(pulse))


def found(ledger: Ledger) -> Pulse | None:
    """Return the newest pulse; None if no service has run, or what was kept is of another version."""
    kept = LedgerMemory(ledger, "").get(_NAME)
    if kept is None:
        return None
    try:
        return msgspec.json.decode(kept, type=Pulse)
    except msgspec.DecodeError:
        return None
