"""The one clock of all processes: the database's own where it is a server, since they may be on many machines.

Leases end by each machine's own clock. One that is a minute ahead would take every lease for over and work beside its
holder; so a process whose clock is not the database's does not begin to work, and takes nothing on once it drifts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog

from obmen.clock import Clock
from obmen.errors import StateError
from obmen.state import tables
from obmen.state.ledger import Ledger, Transaction
from obmen.state.outbox import IN_FLIGHT
from obmen.state.trouble import shown

_LOG = structlog.get_logger("obmen.state")
TOLERANCE = 5.0
"""Seconds by which a machine's clock may differ from the database's: far less than a lease lasts."""
_LOOK_EVERY, _LOOK_AGAIN = 60.0, 10.0
"""Seconds between two looks at the clocks, and between two as long as they differ."""
_TRIES = 3
_O = tables.outbox.c
_SERVER = sa.select(sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Double))


class ClockDiffers(StateError):  # noqa: N818 - named as what is wrong, as all of ours
    """The clock of this machine is not the state's: what is held by one would be over for the other."""


@dataclass(frozen=True, slots=True)
class Offset:
    """Both clocks, this machine's and the database's, in Unix seconds. ``doubt``: seconds by which that may err."""

    here: float
    there: float
    doubt: float

    @property
    def seconds(self) -> float:
        """How many seconds this machine is ahead of the database; less than none if it is behind."""
        return self.here - self.there

    @property
    def bearable(self) -> bool:
        """Whether leases hold; what the way to the database may have taken counts for nobody's fault."""
        return abs(self.seconds) - self.doubt <= TOLERANCE

    def told(self, url: str) -> str:
        """Say how it is, with both times."""
        word = "ahead of" if self.seconds > 0 else "behind"
        return (
            f"This machine's clock says {_shown(self.here)}, and that of the state's database {shown(url)} "
            f"{_shown(self.there)}: it is {abs(self.seconds):.1f} s {word} it."
        )


def time_of(tx: Transaction, clock: Clock) -> float:
    """Return what time it is for all processes of a ledger, in Unix seconds.

    In PostgreSQL that is the server's, in SQLite the machine's, since everybody is on it.
    """
    if tx.connection.dialect.name == "postgresql" and not getattr(clock, "simulated", False):
        return float(tx.rows(_SERVER)[0][0])
    return tx.now


def offset(ledger: Ledger) -> Offset | None:
    """Compare the clocks; None for an SQLite file, which has none. Raises StateError if the database does not answer.

    It is asked up to three times, and the quickest answer counts.
    """
    clock = ledger.clock
    if ledger.engine.dialect.name != "postgresql" or getattr(clock, "simulated", False):
        return None
    found: list[Offset] = []
    with ledger.read() as tx:
        for _ in range(_TRIES):
            before, began = clock.now().timestamp(), clock.monotonic()
            there = time_of(tx, clock)
            half = (clock.monotonic() - began) / 2
            found.append(Offset(before + half, there, half))
    return min(found, key=lambda one: one.doubt)


def check(ledger: Ledger) -> None:
    """Raise ClockDiffers if this machine's clock is not the database's."""
    found = offset(ledger)
    if found is not None and not found.bearable:
        raise ClockDiffers(_refusal(found, ledger.url))


def follow(tx: Transaction, seconds: float) -> int:
    """The clock of all has just been set, by so many seconds: let what waits to be sent wait as long as it had to.

    Without that a clock that was a year ahead would leave what failed meanwhile untold for a year; and one that is set
    forth would have an answer that was lost looked into before its effect has landed. Returns how many waited.
    """
    waits = [_O.state.in_(("pending", *IN_FLIGHT)), _O.not_before > min(tx.now, tx.now - seconds)]
    if seconds > 0:
        waits.append(_O.not_before <= tx.now)  # the rest was written since, or waits beyond
    return tx.run(sa.update(tables.outbox).where(*waits).values(not_before=_O.not_before + seconds))


class ClockWatch:
    """Compares the clocks now and then while a process works."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._looked = float("-inf")
        self.offset: Offset | None = None
        self.trouble = ""
        """Why nothing may be taken on; empty if all is well."""

    def look(self, *, anew: bool = False) -> bool:
        """Compare, if it is time to or it should be done ``anew``; return whether work may be taken on.

        A database that does not answer tells nothing new: nobody can take anything on then.
        """
        now = self._ledger.clock.monotonic()
        if not anew and now - self._looked < (_LOOK_AGAIN if self.trouble else _LOOK_EVERY):
            return not self.trouble
        self._looked = now
        try:
            self.offset = offset(self._ledger)
        except StateError as error:
            _LOG.debug("clock.unknown", error=str(error))
            return not self.trouble
        before, self.trouble = self.trouble, ""
        if self.offset is not None and not self.offset.bearable:
            self.trouble = _refusal(self.offset, self._ledger.url)
            if not before:
                _LOG.error("clock.differs", error=self.trouble)
        elif before:
            _LOG.info("clock.right")
        return not self.trouble


def _refusal(found: Offset, url: str) -> str:
    return (
        f"{found.told(url)} At most {TOLERANCE:.0f} s are allowed, since one process could take another one's work for "
        "left. Let NTP set the clocks of both machines (timedatectl set-ntp true); nothing is taken on until then."
    )


def _shown(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
