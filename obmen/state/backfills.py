"""Which periods of each flow's past were asked for and are not read yet, and which are.

They stand beside the live checkpoint and never touch it. What was asked for is kept before anything is read, so that
whoever goes on after a crash knows what is left; and all that was asked for is kept until nothing is left of it, so
that anybody can be told how far it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa

from obmen.periods import Period, merged, without
from obmen.state import tables
from obmen.state.ledger import Transaction

_B = tables.backfill.c
_COLUMNS = ("flow", "state", "since", "until", "counts", "updated_at")
_LEFT = sa.select(_B.flow, _B.since, _B.until, _B.updated_at).where(_B.state == "asked").order_by(_B.flow, _B.since)
_WHOLE = (
    sa.select(_B.flow, sa.func.sum(_B.until - _B.since), sa.func.min(_B.updated_at))
    .where(_B.state == "whole")
    .group_by(_B.flow)
)
State = Literal["asked", "done", "whole"]
"""``whole``: all that was asked for, as long as some of it is left."""


@dataclass(slots=True)
class Unfinished:
    """What of a flow's past is still to be read. Times are Unix seconds.

    ``since``: when it was asked for; ``moved_at``: when it last came on. ``seconds``: of the past, in all.
    """

    since: float
    moved_at: float
    left: list[Period] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def share(self) -> float:
        """How much of that time is read, from 0 to 1."""
        left = sum(one.seconds for one in self.left)
        return 1 - left / self.seconds if self.seconds > left else 0.0


def ask(tx: Transaction, flow: str, period: Period, *, again: bool = False) -> None:
    """Want a period to be read, joined with what is still to be read; ``again``: also what of it was read already."""
    done = _of(tx, flow, "done")
    if again:
        _replace(tx, flow, "done", {one: done.get(one, {}) for one in without(done, [period])})
    new = [period] if again else without([period], done)
    left = periods(tx, flow, "asked")
    _set(tx, flow, "asked", [*left, *new])
    _set(tx, flow, "whole", [*(periods(tx, flow, "whole") or left), *new], _asked_at(tx, flow))


def finish(tx: Transaction, flow: str, period: Period, counts: Mapping[str, int]) -> None:
    """Note that a period was read to its end, and what was found in it."""
    _settle(tx, flow, period)
    done = {**_of(tx, flow, "done"), period: counts}
    joined = {}
    for whole in merged(done):
        total: Counter[str] = Counter()
        for one, found in done.items():
            if whole.since <= one.since and one.until <= whole.until:
                total.update(found)
        joined[whole] = total
    _replace(tx, flow, "done", joined)


def drop(tx: Transaction, flow: str, period: Period) -> None:
    """Want what is left of a period no more."""
    at = _asked_at(tx, flow)
    _set(tx, flow, "whole", without(periods(tx, flow, "whole"), [period]), at)
    _settle(tx, flow, period)


def unfinished(tx: Transaction) -> dict[str, Unfinished]:
    """Return flow → what of its past is still to be read, for the flows that have such."""
    found: dict[str, Unfinished] = {}
    for flow, since, until, at in tx.rows(_LEFT):
        one = found.setdefault(flow, Unfinished(at, at))
        one.left.append(Period(since, until))
        one.moved_at = max(one.moved_at, at)
    for flow, seconds, at in tx.rows(_WHOLE):
        if flow in found:
            found[flow].seconds, found[flow].since = seconds, at
    return found


def periods(tx: Transaction, flow: str, state: State) -> list[Period]:
    """Return the periods of a flow that are to be read, or that were, in order."""
    return sorted(_of(tx, flow, state))


def _of(tx: Transaction, flow: str, state: State) -> dict[Period, Mapping[str, int]]:
    query = sa.select(_B.since, _B.until, _B.counts).where(_B.flow == flow, _B.state == state)
    return {Period(since, until): json.loads(counts) for since, until, counts in tx.rows(query)}


def _settle(tx: Transaction, flow: str, period: Period) -> None:
    """Want a period no more; once nothing is left, forget what it was in all."""
    left = without(periods(tx, flow, "asked"), [period])
    _set(tx, flow, "asked", left)
    if not left:
        _set(tx, flow, "whole", [])


def _asked_at(tx: Transaction, flow: str) -> float:
    row = tx.one(sa.select(sa.func.min(_B.updated_at)).where(_B.flow == flow, _B.state == "whole"))
    return tx.now if row is None or row[0] is None else float(row[0])


def _set(tx: Transaction, flow: str, state: State, wanted: Iterable[Period], at: float | None = None) -> None:
    _replace(tx, flow, state, {one: {} for one in merged(wanted)}, at)


def _replace(
    tx: Transaction, flow: str, state: State, wanted: Mapping[Period, Mapping[str, int]], at: float | None = None
) -> None:
    """Keep these periods instead of those that stand there; ``at``: the time noted with them, if it is not now."""
    tx.run(sa.delete(tables.backfill).where(_B.flow == flow, _B.state == state))
    noted = tx.now if at is None else at
    rows = [(flow, state, one.since, one.until, json.dumps(dict(counts)), noted) for one, counts in wanted.items()]
    tx.upsert(tables.backfill, _COLUMNS, rows)
