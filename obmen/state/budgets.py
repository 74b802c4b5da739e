"""Budgets that all processes of one account share, kept in the ledger: in sum they never call more often than allowed.

Each process takes a few places at a time and holds them for a moment, so that not every call costs a transaction. A
place counts, in any window, from when it was granted to the last moment at which it may be used; whoever comes for more
says when he used the last ones, and gives back the rest.

All by one clock. In PostgreSQL that is the server's: machines whose clocks differ by seconds would each see the others'
places as older or newer than they are, and call too often in sum. In SQLite it is the machine's own, since everybody is
on it. How long a place is held is measured by each process's monotonic clock, from before it asked. A clock that is set
back makes nobody wait for longer than before; one that is set forward makes old places count for less, so what this
process itself spent is also counted by its monotonic clock, as without a ledger.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import sqlalchemy as sa
import structlog

from obmen.clock import Clock
from obmen.errors import StateError, Unavailable
from obmen.http.budget import EVERY_CALL, Budgets, Rate
from obmen.state import clocks, tables
from obmen.state.given import given
from obmen.state.ledger import Ledger, Transaction

_LOG = structlog.get_logger("obmen.state")
_LEAST, _MOST = 0.25, 2.0
"""Seconds for which places are held, a tenth of the shortest window within these bounds."""
_LONGEST = 60.0
"""Seconds for which places are held at most, however slow the ledger is."""
_SHARE = 10
"""No process holds more than this part of a rate at a time."""
_LOOK_EVERY = 1.0
"""Seconds after which a group without a rate learns of a block that the peer asked another process for."""
_AGAIN = 0.001
_ROUNDING = 0.001
"""Seconds for which a place counts beyond its window, since clocks are not exact."""
_TROUBLE = 5.0
_B = tables.budget
_COLUMNS = ("account", "group", "taken", "blocked_at", "blocked_until")
_NEW = _COLUMNS[:2]
_LOOK = (
    sa.select(*(_B.c[name] for name in _COLUMNS[1:]))
    .where(given(_B.c.account), _B.c.group.in_(sa.bindparam("groups", expanding=True)))
    .order_by(_B.c.group)
)
_HOLD = _LOOK.with_for_update()
Taken = list[tuple[str, float, int]]
"""Who took them, the last moment at which he may use them, and how many places."""


_Row = tuple[str, float, float]
"""What is taken, as JSON; when a block was made, and until when it lasts."""


@dataclass(slots=True)
class _Held:
    """Places that this process may use: granted at ``at`` of the shared clock, asked for at ``asked`` of its own."""

    id: str
    at: float
    asked: float
    until: float
    places: int
    left: int
    used_at: float

    def use(self, places: int, now: float) -> None:
        """Use so many."""
        self.left -= places
        self.used_at = now

    @property
    def settled(self) -> tuple[str, float, int]:
        """What was used of it, and by when at the latest."""
        return self.id, self.at + (self.used_at - self.asked), self.places - self.left


class SharedBudgets(Budgets):
    """The budgets of one account; ``account`` tells which. Raises Unavailable where the ledger cannot be asked."""

    def __init__(
        self,
        rates: Mapping[str, tuple[Rate, ...]],
        clock: Clock,
        ledger: Ledger,
        account: Callable[[], str],
        *,
        connection: str = "",
    ) -> None:
        super().__init__(rates, clock, connection=connection)
        self._rates, self._ledger, self._name = dict(rates), ledger, account
        self._me = uuid.uuid4().hex[:8]
        self._taking = Lock()
        self._held: dict[str, _Held] = {}
        self._sizes: dict[str, int] = {}
        self._slowest = 0.0
        self._shared_blocks: dict[str, float] = {}
        """Group → until when it is blocked, on the monotonic clock, as far as is known here."""
        self._looked = float("-inf")

    @cached_property
    def account(self) -> str:
        """Which account it is; worked out once, and only if it is needed."""
        return self._name()

    def charge(self, group: str, weight: int) -> None:
        """Count a call that was made as so many more, for everybody."""
        super().charge(group, weight)
        names = self._limited(group)
        if weight <= 0 or not names:
            return
        try:
            with self._ledger.write() as tx:
                rows, now = self._rows(tx, names)
                for name in names:
                    taken = self._counting(rows[name][0], name, now)
                    self._keep(tx, name, [*taken, (uuid.uuid4().hex[:8], now, weight)], rows[name])
        except StateError as error:
            _LOG.warning("budget.not_kept", connection=self._connection, error=str(error))

    def block(self, group: str, seconds: float) -> None:
        """Let nothing of ``group`` pass for so long, in no process: the peer said so."""
        super().block(group, seconds)
        if seconds <= 0:
            return
        try:
            with self._ledger.write() as tx:
                rows, now = self._rows(tx, [group])
                if now + seconds > rows[group][2]:
                    self._keep(tx, group, json.loads(rows[group][0]), ("", now, now + seconds))
        except StateError as error:
            _LOG.warning("budget.not_kept", connection=self._connection, error=str(error))

    def _blocked(self, group: str) -> float:
        if not self._limited(group) and self._clock.monotonic() - self._looked >= _LOOK_EVERY:
            self._look(group)
        until = max(self._shared_blocks.get(name, 0.0) for name in (group, EVERY_CALL))
        return max(super()._blocked(group), until - self._clock.monotonic())

    def _place(self, group: str, weight: int) -> float:
        need = {name: 1 if name == EVERY_CALL else min(weight, self._heaviest[name]) for name in self._limited(group)}
        if not need:
            return 0.0
        with self._taking:
            if not self._has(need):
                delay = self._visit(group, need)
                if delay > 0 or not self._has(need):
                    return max(delay, _AGAIN)
            delay = super()._place(group, weight)
            if delay <= 0:
                now = self._clock.monotonic()
                for name, places in need.items():
                    self._held[name].use(places, now)
            return delay

    def _limited(self, group: str) -> list[str]:
        return [name for name in dict.fromkeys((EVERY_CALL, group)) if name in self._rates]

    def _has(self, need: Mapping[str, int]) -> bool:
        now = self._clock.monotonic()
        return all(
            (held := self._held.get(name)) is not None and held.left >= places and now < held.until
            for name, places in need.items()
        )

    # -- in the ledger ------------------------------------------------------------------------------------

    def _visit(self, group: str, need: Mapping[str, int]) -> float:
        """Settle what was used and take new places; return the seconds until it may be tried if there are none."""
        asked = self._clock.monotonic()
        names = list(dict.fromkeys((EVERY_CALL, group)))
        wanted = {name: self._wanted(name, places) for name, places in need.items()}
        try:
            with self._ledger.write() as tx:
                rows, now = self._rows(tx, names)
                if self._note_blocks(rows, now):
                    return _AGAIN  # the block that is known now says for how long
                counting = {name: self._counting(rows[name][0], name, now) for name in need}
                delay = max(self._delay(name, counting[name], places, now) for name, places in need.items())
                for name in need if delay <= 0 else ():
                    places = min(wanted[name], self._free(name, counting[name], now))
                    held = self._new(places, now, asked, self._hold(name))
                    counting[name].append((held.id, now + self._hold(name), places))
                    self._held[name] = held
                for name, taken in counting.items():
                    self._keep(tx, name, taken, rows[name])
        except StateError as error:
            self._held.clear()
            message = f"{self._connection}: what is left of its budget cannot be looked up: {error}"
            raise Unavailable(message, after=_TROUBLE) from error
        self._slowest = self._clock.monotonic() - asked
        return delay

    def _new(self, places: int, now: float, asked: float, hold: float) -> _Held:
        return _Held(f"{self._me}{uuid.uuid4().hex[:6]}", now, asked, asked + hold, places, places, asked)

    def _hold(self, name: str) -> float:
        """Seconds for which places are held: longer where the ledger is so slow that they would be over by then."""
        window = min(rate.seconds for rate in self._rates[name])
        return max(min(max(window / _SHARE, _LEAST), _MOST), min(2 * self._slowest, _LONGEST))

    def _wanted(self, name: str, need: int) -> int:
        """How many places to ask for: more each time that all were used, only what is needed if some were not."""
        held = self._held.get(name)
        used_up = held is not None and held.left < need
        size = self._sizes.get(name, 0) * 2 if used_up else 0
        self._sizes[name] = max(need, min(max(size, need), self._heaviest[name] // _SHARE))
        return self._sizes[name]

    def _counting(self, kept: str, name: str, now: float) -> Taken:
        """Return what still counts of a group, our own as it was really used."""
        longest = max(rate.seconds for rate in self._rates[name])
        ours = self._held.pop(name, None)
        taken: Taken = []
        for who, end, places in json.loads(kept):
            entry = ours.settled if ours is not None and who == ours.id else (who, min(end, now + _LONGEST), places)
            if entry[1] + longest + _ROUNDING > now and entry[2] > 0:
                taken.append(entry)
        return taken

    def _delay(self, name: str, taken: Taken, need: int, now: float) -> float:
        """Seconds until every rate of a group has room for so many places."""
        longest = 0.0
        for rate in self._rates[name]:
            over = _within(rate, taken, now) + need - rate.calls
            for _, end, places in sorted(taken, key=lambda one: one[1]):
                rest = end + rate.seconds + _ROUNDING - now
                if over > 0 and rest > 0:
                    over -= places
                    longest = max(longest, rest)
        return longest

    def _free(self, name: str, taken: Taken, now: float) -> int:
        return min(rate.calls - _within(rate, taken, now) for rate in self._rates[name])

    def _look(self, group: str) -> None:
        """Learn of blocks that other processes were asked for; a ledger that is away for a moment stops nothing."""
        self._looked = self._clock.monotonic()
        try:
            with self._ledger.read() as tx:
                found = tx.rows(_LOOK, of_account=self.account, groups=[group, EVERY_CALL])
            if found:
                with self._ledger.write() as tx:
                    self._note_blocks(*self._rows(tx, [row[0] for row in found]))
        except StateError as error:
            _LOG.warning("budget.not_known", connection=self._connection, error=str(error))

    def _rows(self, tx: Transaction, names: list[str]) -> tuple[dict[str, _Row], float]:
        """Return the rows of these groups, for nobody else to change meanwhile, and what time it is.

        A block that was made later than it is now, since the clock was set back, is made anew.
        """
        found = tx.rows(_HOLD, of_account=self.account, groups=names)
        if len(found) < len(names):
            tx.upsert(_B, _NEW, [(self.account, name) for name in names], keep=_NEW)
            found = tx.rows(_HOLD, of_account=self.account, groups=names)
        now = clocks.time_of(tx, self._ledger.clock)
        rows: dict[str, _Row] = {}
        for name, taken, at, until in found:
            rows[name] = (taken, at, until) if at <= now else (taken, now, now + until - at)
            if at > now:
                self._keep(tx, name, json.loads(taken), rows[name])
        return rows, now

    def _keep(self, tx: Transaction, name: str, taken: Taken, row: _Row) -> None:
        tx.upsert(_B, _COLUMNS, [(self.account, name, json.dumps(taken), row[1], row[2])])

    def _note_blocks(self, rows: Mapping[str, _Row], now: float) -> bool:
        """Remember how long groups are blocked; return whether any of them is."""
        rests = {name: until - now for name, (_, _, until) in rows.items()}
        for name, rest in rests.items():
            self._shared_blocks[name] = self._clock.monotonic() + rest
        return any(rest > 0 for rest in rests.values())


def _within(rate: Rate, taken: Taken, now: float) -> int:
    """How many places count in the window that ends now."""
    return sum(places for _, end, places in taken if end + rate.seconds + _ROUNDING > now)
